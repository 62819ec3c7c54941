"""Runs in float64, in which what one way of computing rounds otherwise than another is far below any mistake."""

from dataclasses import fields, replace

from torch import Tensor

from normbench.training import build


def compute_in_float64(monkeypatch):
    """Let every run that is built have a network and data of float64."""
    make_model, make_data = build.build_model, build.dataset_on
    monkeypatch.setattr(build, "build_model", lambda config, seed: make_model(config, seed).double())
    monkeypatch.setattr(build, "dataset_on", lambda *given: _doubled(make_data(*given)))


def _doubled(dataset):
    splits = {field.name: getattr(dataset, field.name) for field in fields(dataset) if field.name != "extra"}
    extra = {name: _doubled_split(split) for name, split in dataset.extra.items()}
    return replace(dataset, **{name: split and _doubled_split(split) for name, split in splits.items()}, extra=extra)


def _doubled_split(split):
    return replace(split, x=_double(split.x), y=_double(split.y))


def _double(column):
    return column.double() if isinstance(column, Tensor) and column.is_floating_point() else column
