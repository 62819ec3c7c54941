"""RunConfig and Study: all a file may say, checked before anything runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from normbench.datasets.base import DatasetSpec
from normbench.errors import SettingError
from normbench.evidence.comparison.baselines import Baseline
from normbench.models.base import ModelSpec
from normbench.norms.base import NormSpec
from normbench.norms.none import NoneSpec
from normbench.optimizers.base import OptimizerSpec
from normbench.optimizers.sgd import SGDSpec
from normbench.parts import OneOf, Spec
from normbench.storage.arm_id import ArmEntry
from normbench.storage.identity import RunIdentity
from normbench.study.numerics import Numerics
from normbench.weight_parametrizations.base import WeightParametrizationSpec
from normbench.weight_parametrizations.none import NoneSpec as AsLearned

DEFAULT_NUM_STEPS = 500
TUNING_SEEDS = (1000, 1001)
"""What each arm's own settings are chosen on; never seeds of a comparison."""
NUM_ROWS = 20

Share = Annotated[float, Field(ge=0, lt=1)]
Init = Literal["default", "kaiming_normal", "xavier_normal", "normal", "constant"]
HistogramKind = Literal["weight", "grad", "activation", "update"]


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class RecordingConfig(_Settings):
    """What a run writes down while it trains."""

    every_steps: int | None = Field(None, ge=1, examples=[10])
    """A row at step 0, every so many steps and at the end; 21 rows if not said."""
    histograms: Annotated[tuple[HistogramKind, ...], Field(strict=False)] = ("weight", "grad")
    """Which histograms TensorBoard gets: weight, grad, activation, update."""
    tensorboard: bool = True
    """Write the TensorBoard log."""
    figures: bool = True
    """Draw the fitted curves of one-dimensional regression."""
    gradient_shift: bool = False
    """Record how far each layer's gradient moves when the layers before it make their update of the same step."""
    diagnostics: bool = False
    """Measure update ratios, dead units, gaps of running statistics and more at recorded steps; say what stands out."""
    loss_surface: bool = False
    """Record how loss and gradient change along the gradient (Santurkar et al., 2018)."""


class RunConfig(_Settings):
    """Everything that decides the numbers of one run, but for its seed."""

    model: Annotated[ModelSpec, OneOf("normbench.models")]
    """The network."""
    norm: Annotated[NormSpec, OneOf("normbench.norms")] = Field(NoneSpec(), examples=["batch_norm"])
    """The normalization layer wherever the model has one."""
    weight_parametrization: Annotated[WeightParametrizationSpec, OneOf("normbench.weight_parametrizations")] = (
        AsLearned()
    )
    """What is done to the weight of each layer that something follows."""
    dataset: Annotated[DatasetSpec, OneOf("normbench.datasets")]
    """What is learned: train, validation and test, drawn anew by each seed."""
    optimizer: Annotated[OptimizerSpec, OneOf("normbench.optimizers", default="sgd")] = SGDSpec()
    """How a gradient becomes a step; a mapping without a name is sgd's."""
    weight_decay: float = Field(0.0, ge=0, examples=[0.0005])
    """L2 in the gradient under sgd and adam, decoupled under adamw."""
    l1: float = Field(0.0, ge=0, examples=[0.0001])
    """Adds l1 * sign(w) to the gradient."""
    decay_on: Literal["all", "weights"] = "all"
    """What weight_decay and l1 act on: all parameters, or the weights of layers without biases and norms."""
    dropout: Share = 0.0
    """Probability of zeroing a hidden activation, 0 <= dropout < 1."""
    batch_size: int = Field(16, ge=1)
    """Samples per step; an epoch's last samples that fill no batch are left out."""
    sampling: Literal["shuffled", "by_class"] = "shuffled"
    """What a batch is drawn from: all samples, or one class (of style_removal: one style) at a time."""
    checkpointing: bool = False
    """Activation checkpointing: forward is computed again in backward; batch_norm's momentum is corrected for it."""
    num_steps: int | None = Field(None, ge=0, examples=[1000])
    """Optimizer steps; 500 if num_epochs is not given either; 0 only looks, forward and backward once."""
    num_epochs: int | None = Field(None, ge=1, examples=[10])
    """Passes over the training set, instead of num_steps."""
    lr_scaling: Literal["none", "linear", "sqrt"] = Field(
        "none", json_schema_extra={"beside": {"reference_batch_size": 16}}
    )
    """How optimizer.lr grows with batch_size / reference_batch_size."""
    reference_batch_size: int | None = Field(
        None, ge=1, examples=[32], json_schema_extra={"beside": {"lr_scaling": "linear"}}
    )
    """The batch size that optimizer.lr is meant for."""
    init: Init = "default"
    """Initial weights: torch's default, kaiming_normal, xavier_normal, normal (std 1) or constant (1)."""
    init_scale: float = Field(1.0, gt=0)
    """Multiplies the initial weights, not the biases."""
    fix: Annotated[tuple[Literal["data", "init"], ...], Field(strict=False)] = ()
    """What stays that of seed 0 in every seed: data, init."""
    replica: int = Field(0, ge=0)
    """Another draw of initial weights, batch order and dropout on the same data."""
    threads: int = Field(1, ge=1, le=1024)
    """Threads of one operation; tiny networks are slower on several, and sums are then taken in another order."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU where there is one, when a study's first run is made."""
    recording: RecordingConfig = Field(RecordingConfig(), examples=[{"every_steps": 10}])
    """What is written down, and how often."""

    @model_validator(mode="after")
    def _one_budget(self) -> "RunConfig":
        if self.num_steps is not None and self.num_epochs is not None:
            rule = "must be the only budget, beside it stands num_steps"
            raise SettingError("num_epochs", rule, self.num_epochs, "Remove one of them.")
        if (self.lr_scaling == "none") != (self.reference_batch_size is None):
            rule = "must be given together with lr_scaling: linear or sqrt, and only then"
            raise SettingError("reference_batch_size", rule, self.reference_batch_size, "Set both or neither.")
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in the training set, or in each class; what is left over waits for the next shuffle."""
        pools = self.dataset.group_sizes if self.sampling == "by_class" else (self.dataset.num_train,)
        return max(1, sum(size // self.batch_size for size in pools))

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the run."""
        if self.num_epochs is not None:
            return self.num_epochs * self.steps_per_epoch
        return DEFAULT_NUM_STEPS if self.num_steps is None else self.num_steps

    @property
    def lr(self) -> float:
        """The step size in use, after scaling with the batch size."""
        ratio = self.batch_size / (self.reference_batch_size or self.batch_size)
        power = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}[self.lr_scaling]
        return self.optimizer.lr * math.pow(ratio, power)

    @property
    def every_steps(self) -> int:
        """Steps between two recorded rows."""
        return self.recording.every_steps or max(1, self.total_steps // NUM_ROWS)

    @property
    def numerics(self) -> Numerics:
        """What torch is set to while a run is made."""
        return Numerics(threads=self.threads)

    def settings(self) -> dict[str, Any]:
        """Return what differs from the defaults, as YAML would say it."""
        said = {key: getattr(self, key) for key in type(self).model_fields}
        defaults = {key: info.default for key, info in type(self).model_fields.items()}
        return {key: _plain(value) for key, value in said.items() if value != defaults[key]}

    def on(self, device: str) -> "RunConfig":
        """Return the config with ``device: auto`` resolved to a device; another device stays."""
        return self.model_copy(update={"device": device}) if self.device == "auto" else self

    def but_for_recording(self) -> "RunConfig":
        """Return the config with the default recording: what decides its numbers, and can be compared."""
        return self.model_copy(update={"recording": RecordingConfig()})

    def identity(self) -> RunIdentity:
        """Return what a run of this config is known by; ``device`` must be resolved."""
        assert self.device != "auto", "a run is made on a device, see RunConfig.on"
        said = {key: value for key, value in self.but_for_recording().settings().items() if key != "device"}
        return RunIdentity(settings=said, device=self.device, context=self.numerics.changed())


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return {"name": value.name, **value.changed()} if value.changed() else value.name
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else _listed(value)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Study:
    """One YAML file: named arms, seeds, and what they are compared with.

    Attributes:
        name: Folder under runs/, the file's stem unless it says otherwise.
        question: The file's first comment.
        source: The file's path, as it was given.
        arms: Settings of each arm by its label, in the file's order.
        seeds: One run per arm and seed.
        baseline: What the arms are judged against, its keys in full.
        is_plain: The file names no arms: each edit of it is a further row of one table.
        quotes: What a document says of an arm, printed beside what was found.
        set_: ``KEY=VALUE`` changes that the command made.
        tune: Values to choose from for each arm, by setting.
        keep_given: A tuned study also runs its arms at their given settings.
        claims: What the file claims, as it says it.
        content_sha256: Stands for what the file says about its runs.
        options: What the command changed of it.
        fits: A line for each setting that nobody said and whose default did not fit.
        entries: What is said of each arm beside its settings, by its label.
        axes: The keys of ``grid:``, ``zip:`` and ``--vary``, in full.
        named: The keys that arms under ``arms:`` set.
    """

    name: str
    question: str
    source: str
    arms: Mapping[str, RunConfig]
    seeds: tuple[int, ...] = (0,)
    baseline: Baseline | None = None
    is_plain: bool = True
    quotes: Mapping[str, str] = field(default_factory=dict)
    set_: tuple[str, ...] = ()
    tune: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    keep_given: bool = True
    claims: tuple[Any, ...] = ()
    content_sha256: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fits: tuple[str, ...] = ()
    entries: Mapping[str, ArmEntry] = field(default_factory=dict)
    axes: Sequence[str] = ()
    named: Sequence[str] = ()
