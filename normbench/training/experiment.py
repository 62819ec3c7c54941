"""run_experiment(config, seed): trains one run and writes its folder."""

import math
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import torch
import yaml
from pydantic import BaseModel
from torch import nn

from normbench.datasets.base import Dataset
from normbench.evidence.json_files import write_json, write_sealed_json
from normbench.evidence.run_folder import CONFIG_YAML, ENVIRONMENT_JSON, SUMMARY_JSON, digests
from normbench.models.base import built_norms, weight_parameters, weighted_layers
from normbench.random_streams import derive_seed, replica_seed
from normbench.study import ENGINE, NUMERICS, RunConfig
from normbench.training.build import build_training, has_curve, readings
from normbench.training.loop import Outcome, train
from normbench.training.losses import constant_predictor
from normbench.training.recording import CsvRecorder, Recorders, TensorBoardRecorder, write_points


def run_experiment(config: RunConfig, seed: int, folder: Path, *, study: str, arm: str) -> dict[str, Any]:
    """Train one arm with one seed and write everything it leaves into ``folder``, which must be empty.

    Returns:
        The run's summary: the same for the same config and seed on the same machine.
    """
    started, started_cpu = time.time(), time.process_time()
    config_text = resolved_yaml(config, seed, study=study, arm=arm)
    (folder / CONFIG_YAML).write_text(config_text, encoding="utf-8")
    torch.set_flush_denormal(True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(replica_seed(seed, config.replica), "dropout"))
        training, dataset = build_training(config, seed)
        columns = metric_columns(training.model, dataset, config)
        write_points(folder, dataset)
        num_frames = math.ceil(config.total_steps / config.every_steps) + 1
        with CsvRecorder(folder, columns) as files, _tensorboard(config, folder, num_frames) as board:
            board.describe_run(config_text, _hparams(config), f"{arm}-{config.hash()}")
            recorder = Recorders([files, board])
            outcome = train(training, config.total_steps, config.every_steps, recorder)
            board.finish(succeeded=outcome.status == "finished")
    found = _summary(config, training.model, dataset, outcome, files.last_metrics)
    summary = {"seed": seed} | found | {"files": digests(folder)}
    cpu_s = time.process_time() - started_cpu
    write_json(folder / ENVIRONMENT_JSON, _environment(outcome, started, cpu_s))
    write_sealed_json(folder / SUMMARY_JSON, summary)
    return summary


def _hparams(config: RunConfig) -> dict[str, Any]:
    """Return what TensorBoard's HParams page compares: the settings that decide the numbers."""
    return {key: value for key, value in flat_settings(config).items() if not key.startswith("recording.")}


class _NoBoard:
    """Stands in for TensorBoard where a run does without."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def describe_run(self, *_: object) -> None:
        """Nothing to write."""

    def record(self, *_: object) -> None:
        """Nothing to write."""

    def finish(self, **_: object) -> None:
        """Nothing to write."""


def _tensorboard(config: RunConfig, folder: Path, num_frames: int) -> TensorBoardRecorder | _NoBoard:
    if not config.recording.tensorboard:
        return _NoBoard()
    return TensorBoardRecorder(folder, config.recording.histograms, num_frames)


def metric_columns(model: nn.Module, dataset: Dataset, config: RunConfig) -> list[str]:
    """Return the columns of metrics.csv after ``step``."""
    if config.dataset.task == "signal":
        return ["output_mean_training", "output_mean_evaluation"]
    splits = list(dataset.splits())
    accuracies = [f"{name}_accuracy" for name in splits] if config.dataset.task == "classification" else []
    losses = ["batch_loss_mean", "batch_loss_max", *(f"{name}_loss" for name in splits)]
    bends = ["roughness"] if has_curve(dataset, config) else []
    more = readings(dataset, config)
    return [*losses, *accuracies, *bends, *(more.columns(model) if more else [])]


def resolved_yaml(config: RunConfig, seed: int, *, study: str, arm: str) -> str:
    """Return a study file of this one run; running it gives the same run."""
    content = {"study": study, "arms": {arm: {}}, "seeds": [seed]} | _dump(config)
    return f"# The resolved config of one run: {study}, arm {arm}, seed {seed}.\n" + yaml.safe_dump(
        content, sort_keys=False
    )


def flat_settings(config: RunConfig) -> dict[str, Any]:
    """Return every setting under a dotted key: {"norm": "group_norm", "norm.num_groups": 2, ...}."""
    return flatten(_dump(config))


def flatten(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give nested settings dotted keys; a part's name stands under the part's own key."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            named = {key: value["name"]} if "name" in value else {}
            flat |= named | {f"{key}.{inner}": _flat(v) for inner, v in value.items() if inner != "name"}
        else:
            flat[key] = _flat(value)
    return flat


def _flat(value: Any) -> Any:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value


def _dump(config: RunConfig) -> dict[str, Any]:
    dumped = {key: getattr(config, key) for key in RunConfig.model_fields}
    plain = {
        key: value.model_dump(mode="json") if isinstance(value, BaseModel) else value for key, value in dumped.items()
    }
    listed = {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
    return listed | {"device": config.resolved_device()}


def _summary(
    config: RunConfig, model: nn.Module, dataset: Dataset, outcome: Outcome, metrics: Mapping[str, float]
) -> dict[str, Any]:
    task = config.dataset.task
    constant = {name: constant_predictor(dataset.train, split, task) for name, split in dataset.splits().items()}
    return {
        "status": outcome.status,
        "step": outcome.step,
        "metrics": dict(metrics),
        "constant_predictor": {
            f"{name}_{key}": value for name, found in constant.items() for key, value in found.items()
        },
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "num_norm_parameters": _num_norm_parameters(model),
        "layers": _layers(model),
        "steps_per_epoch": config.steps_per_epoch,
        "total_steps": config.total_steps,
        "num_train": config.dataset.num_train,
        "decay_kind": config.optimizer.decay_kind,
        "numerics": NUMERICS,
        "engine": ENGINE,
    }


def _layers(model: nn.Module) -> list[dict[str, Any]]:
    """Return name, weight shape and whether a norm follows, from input to output; a list, since order matters."""
    return [
        {"name": name, "shape": list(weight_parameters(layer)[0].shape), "has_norm": _has_norm(layer)}
        for name, layer in weighted_layers(model).items()
    ]


def _has_norm(layer: nn.Module) -> bool:
    return not isinstance(getattr(layer, "norm", None), nn.Identity | type(None))


def _num_norm_parameters(model: nn.Module) -> int:
    return sum(p.numel() for name in built_norms(model) for p in model.get_submodule(name).parameters())


def _environment(outcome: Outcome, started: float, cpu_s: float) -> dict[str, Any]:
    return {
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "duration_s": time.time() - started,
        "cpu_s": cpu_s,
        "cpu_s_per_step": outcome.cpu_s_per_step,
        **_machine(),
    }


@cache
def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
        "num_threads": torch.get_num_threads(),
        "num_cpus": os.cpu_count(),
        "git_commit": _git_commit(),
        "versions": {name: version(name) for name in ("torch", "numpy", "tensorboardX", "pydantic")},
    }


def _git_commit() -> str | None:
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
