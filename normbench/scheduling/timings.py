"""Timings: what runs cost, measured once for all arms and study files that are alike in it, and kept on disk."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import torch
from pydantic import BaseModel

from normbench.datasets.base import DatasetSpec
from normbench.parts import Spec
from normbench.scheduling.run_timing import RunTiming, time_run
from normbench.scheduling.stack_timing import time_stack_step
from normbench.storage.timings import add_timings, read_timings
from normbench.study.config import RunConfig
from normbench.study.data import built_once
from normbench.study.network import code_digests_of
from normbench.training.build import chosen_measures

NOT_FELT = (
    *("init", "init_scale", "fix", "replica", "num_steps", "num_epochs", "lr_scaling", "reference_batch_size"),
    *("weight_decay", "decay_on", "schedule", "recording"),
)
"""Settings that change no part of a run's time; how many steps and rows it has is counted, and recording told apart."""
SWITCHES = ("dropout", "l1")
"""Settings of which only counts whether they are 0."""


@dataclass(frozen=True)
class StackStep:
    """CPU seconds of a step of a stack."""

    step_s: float


Kind = TypeVar("Kind", RunTiming, StackStep)


class Timings:
    """Measures runs, each kind once: arms of any study with equal costs share a measurement.

    Used as a context, it reads before what earlier commands have measured, and adds its own afterwards.

    Args:
        runs_dir: The runs folder in which timings are kept; None keeps none.
    """

    _is_warm: ClassVar[bool] = False

    def __init__(self, runs_dir: Path | None = None) -> None:
        self._runs_dir = runs_dir
        self._known: dict[str, RunTiming] = {}
        self._new: dict[str, RunTiming] = {}
        self._stack_steps: dict[str, StackStep] = {}
        self._new_steps: dict[str, StackStep] = {}
        self._keys: dict[RunConfig, str] = {}
        self._data_s: dict[DatasetSpec, float] = {}

    def __enter__(self) -> Self:
        kept = read_timings(self._runs_dir) if self._runs_dir else {}
        self._known = _read(kept, RunTiming)
        self._stack_steps = _read(kept, StackStep)
        return self

    def __exit__(self, _kind: type[BaseException] | None, *_: object) -> None:
        built_once.cache_clear()
        if self._runs_dir:
            new: dict[str, RunTiming | StackStep] = {**self._new, **self._new_steps}
            add_timings(self._runs_dir, {key: asdict(timing) for key, timing in new.items()})

    def of(self, config: RunConfig, seed: int) -> RunTiming:
        """Return what a run costs; measured now if nothing like it was."""
        key = self._key(config)
        if key not in self._known:
            self._known[key] = self._measure(config, seed)
            self._new[key] = self._known[key]
        return self._known[key]

    def of_stack_step(self, config: RunConfig, seed: int, num_slots: int) -> float:
        """Return the CPU seconds of a step of a stack; measured now if none like it was."""
        key = f"{self._key(config)} x {num_slots}"
        if key not in self._stack_steps:
            self._stack_steps[key] = StackStep(time_stack_step(config, seed, num_slots))
            self._new_steps[key] = self._stack_steps[key]
        return self._stack_steps[key].step_s

    def _key(self, config: RunConfig) -> str:
        if config not in self._keys:
            self._keys[config] = key_of(config)
        return self._keys[config]

    def _measure(self, config: RunConfig, seed: int) -> RunTiming:
        """Measure a run; data that were drawn before are not drawn again, and data of other runs are not kept."""
        if config.dataset not in self._data_s:
            built_once.cache_clear()
        timing = time_run(config, seed)
        data_s = self._data_s.setdefault(config.dataset, timing.data_s)
        if not Timings._is_warm:  # the first pass of a process is slower than any other
            timing, Timings._is_warm = time_run(config, seed), True
        return replace(timing, data_s=data_s)


def key_of(config: RunConfig) -> str:
    """Return a sha256 that is the same for all configs whose runs have parts of equal cost; the device is not auto."""
    felt = {key: _felt(getattr(config, key)) for key in type(config).model_fields if key not in NOT_FELT}
    felt |= {key: bool(felt[key]) for key in SWITCHES}
    recorded = config.recording
    more = {
        "trains": config.total_steps > 0,
        "said_of_norm": sorted(config.said_of_norm),
        "measures": chosen_measures(recorded),
        "histograms": recorded.histograms if recorded.tensorboard else None,
        "digests": {**config.dataset.digests(), **code_digests_of(config)},
        "device": torch.cuda.get_device_name() if config.device == "cuda" else config.device,
    }
    return sha256(json.dumps(felt | more, sort_keys=True, default=str).encode()).hexdigest()


def _felt(value: Any) -> Any:
    """Return a setting as JSON; of a part's fractions, such as eps or a noise, counts only whether they are 0."""
    if isinstance(value, Spec):
        settings = value.model_dump(mode="json")
        return {key: bool(inner) if isinstance(inner, float) else inner for key, inner in settings.items()}
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _read(kept: Mapping[str, Any], kind: type[Kind]) -> dict[str, Kind]:
    """Return the timings of one kind among what was kept, by their keys."""
    names = {field.name for field in fields(kind)}
    return {key: kind(**values) for key, values in kept.items() if _are_seconds(values, names)}


def _are_seconds(values: Any, names: set[str]) -> bool:
    """Return whether values are a mapping from these names to seconds."""
    if not isinstance(values, Mapping) or set(values) != names:
        return False
    return all(type(value) in (int, float) and 0 <= value < math.inf for value in values.values())
