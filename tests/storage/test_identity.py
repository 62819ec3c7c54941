"""A run is known by all that decides its numbers: every setting and all of torch's numerics, and nothing else."""

from dataclasses import fields, replace
from itertools import product
from typing import get_args

import pytest
from contracts.variants import PARTS, variants
from pydantic import ValidationError

from normbench.storage.identity import NUM_DIGITS_SHOWN, RunIdentity, read_identity
from normbench.study.config import RunConfig
from normbench.study.numerics import Numerics
from normbench.study.setting_groups import RecordingConfig

BASE = {"model": "mlp", "dataset": "linear_regression", "device": "cpu"}
TRIED = (True, False, 1, 2, 7, 40, 0.3, 0.7, 1e-3, "linear", "data", "weights", "by_class", "normal", "cuda")
"""One of these is another value than the default of any plain setting; a setting that takes none fails its test."""
PART_OF = {f"{part}s": part for part in ("model", "norm", "dataset", "optimizer", "schedule")}
ONE_BUDGET = {"lr_scaling": {"reference_batch_size": 8}, "reference_batch_size": {"lr_scaling": "linear"}}
"""Settings that a config must hold together."""


def identity(**settings):
    return RunConfig.model_validate(BASE | settings).identity()


def other_values(read, default, named=()):
    """Return what a setting may be besides its default, found by trying; ``read`` makes it, and may refuse."""
    for value in (*TRIED, *named, *([value] for value in (*TRIED, *named)), [1, 2], [[2, 3], [4, 5]]):
        try:
            found = read(value)
        except (ValidationError, ValueError):
            continue
        if found != default:
            yield value


def words_of(annotation):
    """Return every word that an annotation names, however deep."""
    inner = [word for part in get_args(annotation) for word in words_of(part)]
    return [annotation, *inner] if isinstance(annotation, str) else inner


def spec_fields():
    return [
        pytest.param(part, variant, key, id=f"{variant.__name__}-{key}")
        for part in sorted(PARTS)
        for variant in variants(part)
        for key in variant.setting_names()
    ]


@pytest.mark.parametrize(("part", "variant", "key"), spec_fields())
def test_every_setting_of_every_variant_changes_the_identity(part, variant, key):
    name, where = variant.model_fields["name"].default, PART_OF.get(part, "weight_parametrization")
    field = variant.model_fields[key]
    words = [*words_of(field.annotation), *(field.examples or ())]
    beside, value = next(
        (beside, value)
        for beside in ({}, *({other: v} for other in variant.setting_names() if other != key for v in (1, 3, True)))
        for value in other_values(
            lambda v, b=beside: getattr(variant(**b, **{key: v}), key), getattr(variant(), key), words
        )
        if fits(variant, beside)
    )
    before, after = (
        identity(**{where: {"name": name} | beside}),
        identity(**{where: {"name": name, key: value} | beside}),
    )
    assert after.sha256 != before.sha256


def fits(variant, settings):
    """Return whether a variant takes some settings."""
    try:
        return bool(variant(**settings))
    except (ValidationError, ValueError):
        return False


@pytest.mark.parametrize("key", [k for k in RunConfig.model_fields if k not in {*PART_OF.values(), "recording"}])
def test_every_setting_of_a_run_changes_the_identity(key):
    if key == "weight_parametrization":
        assert identity(weight_parametrization="weight_norm").sha256 != identity().sha256
        return
    beside = ONE_BUDGET.get(key, {})
    default = RunConfig.model_fields[key].default
    if key == "device":
        default = "cpu"
    read = lambda value: getattr(RunConfig.model_validate(BASE | beside | {key: value}), key)  # noqa: E731
    values = other_values(read, default, RunConfig.model_fields[key].examples or ())
    assert identity(**beside, **{key: next(values)}).sha256 != identity().sha256


@pytest.mark.parametrize("key", RecordingConfig.model_fields)
def test_what_is_recorded_decides_no_number(key):
    default = RecordingConfig.model_fields[key].default
    read = lambda value: getattr(RecordingConfig.model_validate({key: value}), key)  # noqa: E731
    value = next(other_values(read, default, ["update"]))
    assert identity(recording={key: value}).sha256 == identity().sha256
    assert RunConfig.model_validate(BASE | {"recording": {key: value}}) != RunConfig.model_validate(BASE)


@pytest.mark.parametrize("name", [f.name for f in fields(Numerics)])
def test_all_that_torch_is_set_to_changes_the_identity(name):
    default = getattr(Numerics(), name)
    other = {bool: not default, int: 7, str: "float64"}[type(default)]
    context = replace(Numerics(), **{name: other}).changed()
    assert replace(identity(), context=context).sha256 != identity().sha256


@pytest.mark.parametrize(
    "change", [{"numerics": 99}, {"engine": "stack"}, {"device": "cuda"}, {"digests": {"my_net.py": "ab"}}]
)
def test_the_mathematics_the_engine_the_device_and_own_code_change_the_identity(change):
    assert replace(identity(), **change).sha256 != identity().sha256


def test_a_number_is_the_same_however_it_is_written():
    rates = [1, 1.0, 1e0]
    assert len({identity(optimizer={"lr": lr}, weight_decay=decay).sha256 for lr, decay in product(rates, rates)}) == 1


def test_numbers_that_differ_in_the_last_bit_are_two_runs():
    found = {identity(optimizer={"lr": lr}).sha256 for lr in (0.1, 0.1 + 2**-56, 0.012721, 0.012934)}
    assert len(found) == 4


def test_an_identity_is_written_whole_and_read_back(tmp_path):
    mine = identity(norm={"name": "group_norm", "num_groups": 2}, fix=["data"], threads=3)
    mine.write(tmp_path)
    assert read_identity(tmp_path) == mine
    assert mine.short == mine.sha256[:NUM_DIGITS_SHOWN]


def test_an_identity_that_was_changed_by_hand_is_none(tmp_path):
    identity().write(tmp_path)
    path = tmp_path / "identity.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"cpu"', '"gpu"'), encoding="utf-8")
    assert read_identity(tmp_path) is None


def test_folders_show_twelve_digits_and_compare_all():
    one, other = RunIdentity({"l1": 1.0}, "cpu"), RunIdentity({"l1": 2.0}, "cpu")
    assert (len(one.short), len(one.sha256)) == (12, 64)
    assert one != other
