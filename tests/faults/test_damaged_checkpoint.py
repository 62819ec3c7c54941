"""A checkpoint cut short, changed, or of another run is not gone on from; the one before it is, or the beginning."""

import io
import os
import pickle
import random
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from faults.small_study import TEXT

from normbench.study.load import load_study
from normbench.training.attempt import Interrupted
from normbench.training.checkpoints import CheckpointDamaged, load_checkpoint
from normbench.training.experiment import run_experiment
from normbench.training.run_hooks import RunHooks

RULE = "must be as it was written, beside the files it was written with, got something else."
SEED = 3
PART = Path("part")
"""The folder of a run stopped after two of its four steps."""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_study(path).arms["plain"]


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """Results of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run_experiment(config, SEED, folder, study="small", arm="plain")
    return results_in(folder)


@pytest.fixture(autouse=True)
def stopped(config):
    """Leave a run stopped after two steps, with a checkpoint of each; return what its newest one holds."""
    PART.mkdir()
    for _ in range(2):
        with pytest.raises(Interrupted):
            go_on(config, should_stop=lambda: True)
    shutil.copytree(PART, "kept")
    return (PART / "checkpoint.pt").read_bytes()


def go_on(config, seed=SEED, **hooks):
    """Make the run, or what is left of it; return what was told."""
    told = []
    run_experiment(config, seed, PART, study="small", arm="plain", hooks=RunHooks(note=told.append, **hooks))
    return told


def results_in(folder):
    names = [path.name for path in folder.iterdir() if path.suffix == ".csv" or path.name == "summary.json"]
    return {name: (folder / name).read_bytes() for name in names}


def identity():
    content = (PART / "checkpoint.pt").read_bytes()[:-32]
    return torch.load(io.BytesIO(content), weights_only=True)["identity"]


def sealed(content):
    return content + sha256(content).digest()


def damages(raw, count):
    """Yield the bytes cut short at so many places, and with one bit flipped at as many."""
    bits = random.Random(0)
    for number in range(count):
        yield raw[: number * len(raw) // count]
        place = bits.randrange(len(raw))
        yield raw[:place] + bytes([raw[place] ^ (1 << bits.randrange(8))]) + raw[place + 1 :]


def test_no_damaged_checkpoint_is_loaded(stopped):
    mine = identity()
    (PART / "checkpoint.before.pt").unlink()
    for raw in damages(stopped, 200):
        (PART / "checkpoint.pt").write_bytes(raw)
        with pytest.raises(CheckpointDamaged, match=rf"^part/checkpoint.pt: {RULE}$"):
            load_checkpoint(PART, mine)


def test_the_one_before_is_gone_on_from(config, whole, stopped):
    steps = []
    (PART / "checkpoint.pt").write_bytes(stopped[:-1])
    told = go_on(config, report_step=lambda step, _: steps.append(step))
    assert told == [f"part/checkpoint.pt: {RULE} The run goes on from the one before it."]
    assert (results_in(PART), steps[0]) == (whole, 2)


@pytest.mark.parametrize("raw", [b"", b"x" * 40, sealed(b""), sealed(b"PK\x03\x04"), sealed(pickle.dumps({"a": 1}))])
def test_with_both_damaged_the_run_is_made_from_its_beginning(config, whole, raw):
    for name in ("checkpoint.pt", "checkpoint.before.pt"):
        (PART / name).write_bytes(raw)
    assert go_on(config) == [f"part/checkpoint.pt: {RULE} The run is made from its beginning."]
    assert results_in(PART) == whole


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("save", [torch.save, lambda what, file: file.write(pickle.dumps(what))])
def test_a_checkpoint_that_would_run_code_is_refused(config, whole, save):
    buffer = io.BytesIO()
    save({"identity": identity(), "marks": {}, "model": Bomb()}, buffer)
    for name in ("checkpoint.pt", "checkpoint.before.pt"):
        (PART / name).write_bytes(sealed(buffer.getvalue()))
    assert go_on(config) == [f"part/checkpoint.pt: {RULE} The run is made from its beginning."]
    assert not Path("exploded").exists()
    assert results_in(PART) == whole


def plant(content):
    """Put something else in the place of both checkpoints, sealed as they are."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    for name in ("checkpoint.pt", "checkpoint.before.pt"):
        (PART / name).write_bytes(sealed(buffer.getvalue()))


@pytest.mark.parametrize("content", [[], 3, {}, {"identity": None}, {"identity": "another's", "marks": {}}])
def test_a_checkpoint_of_something_else_is_not_gone_on_from(config, whole, content):
    plant(content)
    go_on(config)
    assert results_in(PART) == whole


@pytest.mark.parametrize("lost", ["marks", "model", "optimizer", "batches", "random", "progress", "recorded"])
@pytest.mark.parametrize("instead", [{}, [1, "x"]])
def test_a_checkpoint_without_all_it_takes_is_not_gone_on_from(config, whole, stopped, lost, instead):
    content = torch.load(io.BytesIO(stopped[:-32]), weights_only=True) | {lost: instead}
    plant(content)
    go_on(config)
    assert results_in(PART) == whole


def test_a_checkpoint_of_another_seed_or_arm_is_not_gone_on_from(config, stopped):
    other = config.model_copy(update={"weight_decay": 0.1})
    for one, seed in ((config, SEED + 1), (other, SEED)):
        shutil.rmtree(PART)
        PART.mkdir()
        go_on(one, seed)
        expected = results_in(PART)
        shutil.rmtree(PART)
        shutil.copytree("kept", PART)
        assert (PART / "checkpoint.pt").read_bytes() == stopped
        go_on(one, seed)
        assert results_in(PART) == expected


@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: b"7" + raw[1:], lambda _: b""])
@pytest.mark.parametrize("pattern", ["metrics.csv", "layer_stats.csv", "curve.csv"])
def test_files_changed_beside_a_good_checkpoint_are_not_gone_on_from(config, whole, pattern, change):
    (path,) = PART.glob(pattern)
    path.write_bytes(change(path.read_bytes()))
    assert go_on(config) == [f"part/checkpoint.pt: {RULE} The run is made from its beginning."]
    assert results_in(PART) == whole


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw[:-1], "The run goes on from the one before it."),  # when that was saved, it was shorter
        (lambda raw: b"7" + raw[1:], "The run is made from its beginning."),
        (lambda _: b"", "The run is made from its beginning."),
    ],
)
def test_an_event_file_changed_beside_a_good_checkpoint_is_not_gone_on_from(config, whole, change, told):
    (path,) = PART.glob("events.*")
    path.write_bytes(change(path.read_bytes()))
    assert go_on(config) == [f"part/checkpoint.pt: {RULE} {told}"]
    assert results_in(PART) == whole


def test_what_was_written_after_a_checkpoint_is_cut_off(config, whole):
    for path in (PART / "metrics.csv", *PART.glob("events.*")):
        path.write_bytes(path.read_bytes() + b"9,half a li")
    assert go_on(config) == []
    assert results_in(PART) == whole
