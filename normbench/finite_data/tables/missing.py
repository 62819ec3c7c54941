"""Missing: which cells of a table hold no value, and what takes their place."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fill = Literal["median", "mean", "drop_row", "own_category"]


class Missing(BaseModel):
    """What YAML says under ``missing``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    values: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Cells that hold no value, as written in the file; empty cells never do."""
    fill: Fill
    """What takes its place: the training rows' median or mean, a category of its own, or nothing: drop_row."""
