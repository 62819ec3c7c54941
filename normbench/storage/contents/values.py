"""The types of values in files of runs: each with its bounds, and the rule that a message tells of it."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

KEEPS_UNKNOWN = ConfigDict(extra="allow")
"""Keys that a shape does not name are kept: files of later versions have more."""
MAX_INT = 2**63 - 1
MAX_TEXT = 100_000
MAX_KEY = 500
MAX_ENTRIES = 1_000_000


class Must:
    """The rule that a value breaks where it is not of its type: "must be a whole number of 0 or more"."""

    def __init__(self, rule: str) -> None:
        self.rule = rule

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the type's schema with this rule in place of pydantic's words."""
        schema = handler(source)
        return core_schema.custom_error_schema(schema, custom_error_type="must", custom_error_message=self.rule)


Flag = Annotated[bool, Must("must be true or false")]
Count = Annotated[int, Field(ge=0, le=MAX_INT), Must("must be a whole number of 0 or more")]
Positive = Annotated[int, Field(ge=1, le=MAX_INT), Must("must be a whole number of 1 or more")]
Seed = Annotated[int, Field(ge=-MAX_INT, le=MAX_INT), Must("must be a whole number")]
Number = Annotated[
    Annotated[int, Field(ge=-MAX_INT, le=MAX_INT)] | Annotated[float, Field(allow_inf_nan=False)],
    Must("must be a finite number"),
]
"""A whole number stays one, so that a file that is written again has equal bytes."""
NotNegative = Annotated[
    Annotated[int, Field(ge=0, le=MAX_INT)] | Annotated[float, Field(ge=0, allow_inf_nan=False)],
    Must("must be a finite number of 0 or more"),
]
Float = Annotated[float, Field(allow_inf_nan=False), Must("must be a finite number")]
"""A finite number, always as a float; in a file null stands for inf and nan."""
Text = Annotated[str, Field(max_length=MAX_TEXT), Must(f"must be text of at most {MAX_TEXT:,} letters")]
Word = Annotated[str, Field(max_length=MAX_KEY), Must(f"must be text of at most {MAX_KEY:,} letters")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{1,64}$"), Must("must be a sha256 in hex digits")]
FileName = Annotated[
    str, Field(pattern=r"^[^./\x00][^/\x00]{0,254}$"), Must("must be the plain name of a file or folder")
]
"""A name alone: as a path it cannot lead out of the folder."""

Scalar = (
    None
    | bool
    | Annotated[int, Field(ge=-MAX_INT, le=MAX_INT)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, Field(max_length=MAX_TEXT)]
)
Nested = TypeAliasType("Nested", "Scalar | list[Nested] | dict[Word, Nested]")
"""What a study file may hold: numbers, texts, true, false and null, in lists and mappings."""
Setting = Annotated[Scalar | list[Nested], Must("must be a setting: a number, text, true, false, null, or a list")]
"""The value of one full dotted key, which is no mapping."""
AnySetting = Annotated[Nested, Must("must be numbers, texts, true, false, null, in lists and mappings")]
"""A part of a study file: values of settings, claims."""
