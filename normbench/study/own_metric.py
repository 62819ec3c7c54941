"""OwnMetricConfig: what YAML says of the user's own metric."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from normbench.errors import SettingError
from normbench.storage.own_metric import RESERVED

NEEDED = ("name", "function", "better")
EXAMPLE = "Example: metric: {name: auc, function: my_scores:auc, better: higher}"


class OwnMetricConfig(BaseModel):
    """A metric of your own, by which arms are compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str | None = Field(None, pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$", examples=["auc"])
    """What its columns are called: test_auc, train_auc."""
    function: str | None = Field(None, examples=["my_scores:auc"])
    """(output, target) -> a number, as package.module:callable; it is given all samples of a split at once."""
    better: Literal["higher", "lower"] | None = Field(None, examples=["higher"])
    """Which way is better: higher, lower."""
    share: bool = False
    """Whether it lies between 0 and 1, and is told in percent and points."""

    @model_validator(mode="after")
    def _check_all_is_said(self) -> "OwnMetricConfig":
        said = [key for key in self.model_fields_set if getattr(self, key) not in (None, False)]
        missing = [key for key in NEEDED if getattr(self, key) is None]
        if said and missing:
            rule = f"must be given with {' and '.join(said)}"
            raise SettingError(missing[0], rule, None, EXAMPLE)
        if self.name and self.name in RESERVED:
            rule = f"must not be a name that normbench has itself: {', '.join(RESERVED)}"
            raise SettingError("name", rule, self.name, "Choose another.")
        return self

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self.name is not None
