"""Settings of a run that stand together under one key: what is recorded, and how norms are put into own networks."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from normbench.errors import SettingError
from normbench.parts import MAX_ENTRIES, MAX_NAMES, Settings

HistogramKind = Literal["weight", "grad", "activation", "update"]


class RecordingConfig(Settings):
    """What a run records while it trains."""

    every_steps: int | None = Field(None, ge=1, examples=[10])
    """Steps between two recorded rows, beside those at step 0 and at the end; by default there are 21 rows."""
    histograms: Annotated[tuple[HistogramKind, ...], Field(strict=False, max_length=MAX_ENTRIES)] = ("weight", "grad")
    """Which histograms TensorBoard gets: weight, grad, activation, update."""
    biases: bool = False
    """Show histograms of biases and norms' scales in TensorBoard too; histograms.npz has them in any case."""
    tensorboard: bool | Literal["all"] = True
    """Write the TensorBoard log; beyond 64 runs true keeps histograms of each arm's first seed, all of every seed."""
    figures: bool = True
    """Draw the fitted curves of one-dimensional regression; of more than 64 runs those of the first seed."""
    gradient_shift: bool = False
    """Record how far each layer's weight gradient moves when the layers before it make their update of that step."""
    diagnostics: bool = False
    """Measure update ratios, dead units, gaps of running statistics and more at recorded steps; say what stands out."""
    loss_surface: bool = False
    """Record how loss and weight gradient change along the weight gradient (Santurkar et al., 2018)."""

    @field_validator("tensorboard", mode="before")
    @classmethod
    def _check_tensorboard(cls, value: object) -> object:
        if not isinstance(value, bool) and value != "all":  # else each member of the union has a complaint
            way_out = "Write true for the TensorBoard log, all for histograms of every run in it."
            raise SettingError("recording.tensorboard", "must be true, false or all", value, way_out)
        return value

    @classmethod
    def switches(cls) -> list[str]:
        """Return the settings that turn something on or off."""
        return [key for key, setting in cls.model_fields.items() if isinstance(setting.default, bool)]


class InsertConfig(Settings):
    """Where norms are put in a network of the user's own that has none there."""

    after: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=MAX_NAMES)] = Field(
        examples=[["conv1", "blocks.*.fc1"]]
    )
    """Layers with weights after which the arm's norm is put, by path or class, with * and ?; the output layer by its
    exact path alone."""


class SwapConfig(Settings):
    """How norms are put into a network of the user's own."""

    where: Annotated[tuple[str, ...], Field(strict=False, max_length=MAX_NAMES)] | None = None
    """Which of its norms are replaced, by path or class, with * and ?; all that are found if not said, none by []."""
    insert: InsertConfig | None = Field(None, examples=[{"after": ["conv1"]}])
    """Where the arm's norm is put beside these; in arms with norm: kept or none nothing is inserted."""
    norm_argument: str | None = Field(None, examples=["norm_layer"])
    """Name of an argument of the callable, as norm_layer, by which it makes norms: (num_channels, ...) -> module."""
    mix_positions: bool = False
    """Take norms through which earlier positions of a causal network see later ones; else they are refused."""

    @property
    def insert_after(self) -> tuple[str, ...]:
        """Patterns of the layers after which norms are put; empty for none."""
        return self.insert.after if self.insert else ()
