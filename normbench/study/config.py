"""RunConfig: every setting of a run, with types and defaults."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from normbench.datasets.base import DatasetSpec
from normbench.errors import SettingError
from normbench.models.base import ModelSpec
from normbench.norms.base import NormSpec
from normbench.norms.none import NoneSpec
from normbench.optimizers.base import OptimizerSpec
from normbench.optimizers.sgd import SGDSpec
from normbench.own_code.source_folder import source_folder
from normbench.parts import MAX_ENTRIES, OneOf, Settings, Spec
from normbench.schedules.base import ScheduleSpec
from normbench.schedules.none import NoneSpec as SameAtEveryStep
from normbench.storage.identity import RunIdentity
from normbench.study.numerics import Numerics
from normbench.study.own_metric import OwnMetricConfig
from normbench.study.setting_groups import RecordingConfig, SwapConfig
from normbench.weight_parametrizations.base import WeightParametrizationSpec
from normbench.weight_parametrizations.none import NoneSpec as AsLearned

DEFAULT_NUM_STEPS = 500
DEFAULT_NUM_ROWS = 20
MAX_STEPS = 1_000_000_000
"""Most steps of a run: at a millisecond each they take 12 days."""

Share = Annotated[float, Field(ge=0, lt=1)]
Init = Literal["default", "kaiming_normal", "xavier_normal", "normal", "constant"]


class RunConfig(Settings):
    """All settings of one run except its seed."""

    model: Annotated[ModelSpec, OneOf("normbench.models")]
    """The network."""
    norm: Annotated[NormSpec, OneOf("normbench.norms")] = Field(NoneSpec(), examples=["batch_norm"])
    """The normalization layer wherever the model has one."""
    swap: SwapConfig = Field(SwapConfig(), examples=[{"where": ["encoder.*"]}])
    """How norms are put into a network of your own."""
    weight_parametrization: Annotated[WeightParametrizationSpec, OneOf("normbench.weight_parametrizations")] = (
        AsLearned()
    )
    """The function that computes the weight of each hidden layer from what is learned."""
    dataset: Annotated[DatasetSpec, OneOf("normbench.datasets")]
    """What is learned: train, validation and test, drawn anew by each seed."""
    loss: str | None = Field(None, examples=["my_scores:focal_loss"])
    """Your own loss, (output, target) -> a tensor of one number, as package.module:callable; else the task's."""
    metric: OwnMetricConfig = Field(
        OwnMetricConfig(), examples=[{"name": "auc", "function": "my_scores:auc", "better": "higher"}]
    )
    """Your own metric, by which arms are compared."""
    augment: str | None = Field(None, examples=["my_data:flip"])
    """Your own change of each training batch, (x, y, generator) -> (x, y) or (x, generator) -> x; in all arms alike."""
    optimizer: Annotated[OptimizerSpec, OneOf("normbench.optimizers", default="sgd")] = SGDSpec()
    """How a weight gradient becomes a step; a mapping without a name is sgd's."""
    schedule: Annotated[ScheduleSpec, OneOf("normbench.schedules", default="none")] = Field(
        SameAtEveryStep(), examples=["cosine", {"name": "cosine", "warmup": 50}]
    )
    """How the learning rate changes from step to step; optimizer.lr, also a tuned one, is the highest it reaches."""
    weight_decay: float = Field(0.0, ge=0, examples=[0.0005])
    """L2 in the weight gradient under sgd and adam, decoupled under adamw."""
    l1: float = Field(0.0, ge=0, examples=[0.0001])
    """Adds l1 * sign(w) to the weight gradient."""
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
    num_steps: int | None = Field(None, ge=0, le=MAX_STEPS, examples=[1000])
    """Optimizer steps; 500 if num_epochs is not given either; 0 only looks, forward and backward once."""
    num_epochs: int | None = Field(None, ge=1, le=MAX_STEPS, examples=[10])
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
    fix: Annotated[tuple[Literal["data", "init"], ...], Field(strict=False, max_length=MAX_ENTRIES)] = ()
    """What stays that of seed 0 in every seed: data, init."""
    replica: int = Field(0, ge=0)
    """Another draw of initial weights, batch order and dropout on the same data."""
    threads: int = Field(1, ge=1, le=1024)
    """Threads of one operation; tiny networks are slower on several, and sums are then taken in another order."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU where there is one, when a study's first run is made."""
    recording: RecordingConfig = Field(RecordingConfig(), examples=[{"every_steps": 10}])
    """What is recorded, and how often."""

    _said_of_norm: frozenset[str] = PrivateAttr(frozenset())
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _keep_norms_of_own_network(cls, settings: Any) -> Any:
        """A network of the user's own keeps its norms where none is named."""
        if isinstance(settings, dict) and "norm" not in settings and _name_in(settings.get("model")) == "own":
            return {**settings, "norm": "kept"}
        return settings

    def model_post_init(self, _context: Any) -> None:
        """Note where own functions are found, and which settings of the norm were written.

        The others are those of the norms that it replaces.
        """
        if self.own_functions:
            self._folder = source_folder()
        if self.model.name == "own":
            self._said_of_norm = frozenset(self.norm.model_fields_set - {"name"})

    @property
    def said_of_norm(self) -> frozenset[str]:
        """Names of the norm's settings that were written, with a network of the user's own; else none."""
        return self._said_of_norm

    @model_validator(mode="after")
    def _check_budget_and_scaling(self) -> "RunConfig":
        if self.num_steps is not None and self.num_epochs is not None:
            rule = "must be the only budget, beside it stands num_steps"
            raise SettingError("num_epochs", rule, self.num_epochs, "Remove one of them.")
        if (self.lr_scaling == "none") != (self.reference_batch_size is None):
            rule = "must be given together with lr_scaling: linear or sqrt, and only then"
            raise SettingError("reference_batch_size", rule, self.reference_batch_size, "Set both or neither.")
        return self

    @property
    def folder(self) -> Path:
        """The folder of the study file, where anything of the user's own is named; else the current one."""
        folders = [self._folder, *(getattr(part, "folder", None) for part in (self.model, self.norm, self.dataset))]
        return next((folder for folder in folders if folder), Path.cwd())

    @property
    def own_functions(self) -> dict[str, str]:
        """Import paths of the user's own loss, metric and augmentation, by setting; found from ``folder``."""
        said = {"loss": self.loss, "metric.function": self.metric.function, "augment": self.augment}
        return {key: path for key, path in said.items() if path}

    @property
    def steps_per_epoch(self) -> int:
        """Number of full batches in the training set, or in all classes under ``sampling: by_class``."""
        pools = self.dataset.group_sizes if self.sampling == "by_class" else (self.dataset.num_train,)
        return max(1, sum(size // self.batch_size for size in pools))

    @property
    def total_steps(self) -> int:
        """Number of optimizer steps of the run."""
        if self.num_epochs is not None:
            return self.num_epochs * self.steps_per_epoch
        return DEFAULT_NUM_STEPS if self.num_steps is None else self.num_steps

    @property
    def lr(self) -> float:
        """The learning rate in use, after scaling with the batch size."""
        ratio = self.batch_size / (self.reference_batch_size or self.batch_size)
        power = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}[self.lr_scaling]
        return self.optimizer.lr * math.pow(ratio, power)

    def lr_of_step(self) -> Callable[[int], float] | None:
        """Return the function from a step, 0-based, to its learning rate; None where all steps have the same."""
        if self.schedule == SameAtEveryStep():
            return None
        share, peak = self.schedule.build(self.total_steps), self.lr
        return lambda step: peak * share(step)

    @property
    def every_steps(self) -> int:
        """Steps between two recorded rows."""
        return self.recording.every_steps or max(1, self.total_steps // DEFAULT_NUM_ROWS)

    @property
    def numerics(self) -> Numerics:
        """The settings of torch while a run is made."""
        return Numerics(threads=self.threads)

    def settings(self) -> dict[str, Any]:
        """Return the settings that are not at their default, as YAML holds them."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        defaults = {key: info.default for key, info in type(self).model_fields.items()}
        found = {key: _as_yaml(value) for key, value in values.items() if value != defaults[key]}
        said = self.norm.model_dump(mode="json", include=set(self.said_of_norm))
        return {**found, "norm": {"name": self.norm.name, **said}} if said else found

    def on(self, device: str) -> "RunConfig":
        """Return the config with ``device: auto`` replaced by ``device``; any other device stays."""
        return self.model_copy(update={"device": device}) if self.device == "auto" else self

    def without_recording(self) -> "RunConfig":
        """Return the config with the default recording, which leaves only settings that change numbers."""
        return self.model_copy(update={"recording": RecordingConfig()})

    def without_histograms(self) -> "RunConfig":
        """Return the config with scalars alone in TensorBoard."""
        recording = self.recording.model_copy(update={"histograms": ()})
        return self.model_copy(update={"recording": recording})

    def identity(self) -> RunIdentity:
        """Return the identity of this config's runs, with that of the user's data and code; ``device`` is not auto.

        Raises:
            SettingError: The user's code cannot be run.
        """
        from normbench.study.network import code_digests_of  # it makes networks of configs

        assert self.device != "auto", "a run is made on a device, see RunConfig.on"
        values = {key: value for key, value in self.without_recording().settings().items() if key != "device"}
        digests = {**self.dataset.digests(), **code_digests_of(self)}
        return RunIdentity(settings=values, device=self.device, context=self.numerics.changed(), digests=digests)


def _name_in(part: Any) -> Any:
    return part.get("name") if isinstance(part, Mapping) else getattr(part, "name", part)


def _as_yaml(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.as_yaml()
    return (
        value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else _tuple_as_list(value)
    )


def _tuple_as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
