"""Files cut short or changed: told in a line, made anew, and never a wrong result."""

import random
from pathlib import Path

import pytest
from command_line import normbench
from faults.small_study import CONFIG, RUNS, asked_again, results, run, run_of

from normbench.errors import ConfigError, RunFolderError
from normbench.scheduling.schedule import run_study
from normbench.storage.digests import find_damage
from normbench.storage.files.json_files import read_json
from normbench.storage.lock import claim_run
from normbench.storage.owners import Owner
from normbench.storage.run_folder import Run
from normbench.study.load import load_study

CHANGED = "must be as the run wrote it, got another sha256."
DAMAGED = "must be as it was written, beside the files it was written with, got something else."


@pytest.fixture
def finished():
    """The folder of a finished run of a whole study."""
    assert run().code == 0
    return run_of()


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def refusal(read):
    """Return what a file is refused with; "" if it is not."""
    try:
        read()
    except (ConfigError, RunFolderError) as error:
        return str(error)
    return ""


def flip(raw, random_bits):
    """Return the bytes with one bit flipped."""
    place = random_bits.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ (1 << random_bits.randrange(8))]) + raw[place + 1 :]


def test_a_summary_cut_at_any_byte_or_with_any_bit_flipped_is_no_result(finished):
    path, bits = finished / "summary.json", random.Random(0)
    whole = path.read_bytes()
    assert Run(finished, seed=0).summary["status"] == "finished"
    for raw in [*(whole[:size] for size in range(len(whole))), *(flip(whole, bits) for _ in range(200))]:
        path.write_bytes(raw)
        assert refusal(lambda: Run(finished, seed=0).summary).startswith(f"{path}: must be ")


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"files": 3}', b'{"files": {"a": "b"}}', b"[" * 100_000])
def test_a_summary_of_something_else_is_no_result(finished, raw):
    (finished / "summary.json").write_bytes(raw)
    assert find_damage(finished).startswith(f"{finished}/")


@pytest.mark.parametrize("size", [0, 1, 400, -1])
def test_a_run_with_a_damaged_summary_is_set_aside_and_made_again(undisturbed, finished, size):
    cut(finished / "summary.json", size)
    again, answer = asked_again()
    assert again == undisturbed
    assert answer.err.startswith(f"small plain, seed 0: {finished}/summary.json: must be ")
    assert answer.err.endswith(" It is kept as seed-0.old-1 and made again.\n")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("name", ["metrics.csv", "layer_stats.csv", "curve.csv", "probes.csv", "points.csv"])
def test_a_run_with_a_damaged_table_is_set_aside_and_made_again(undisturbed, finished, name):
    (finished / name).write_bytes(flip((finished / name).read_bytes(), random.Random(1)))
    again, answer = asked_again()
    assert again == undisturbed
    note = f"small plain, seed 0: {finished}/{name}: {CHANGED} It is kept as seed-0.old-1 and made again.\n"
    assert answer.err == note
    assert asked_again()[1].err == ""


def test_a_claim_cut_at_any_byte_is_nobodys():
    folder = Path("arm/seed-0")
    with claim_run(folder):
        whole = (folder / "claim.json").read_bytes()
        for size in range(len(whole) - 2):
            (folder / "claim.json").write_bytes(whole[:size])
            assert Owner.of(folder) is None
    for size in (0, 50, len(whole) - 1):
        (folder / "claim.json").write_bytes(whole[:size])
        with claim_run(folder):
            pass


@pytest.mark.parametrize("name", ["arm.json", "study.json"])
def test_a_description_cut_at_any_byte_is_written_anew(undisturbed, finished, name):
    path = finished.parent / name if name == "arm.json" else RUNS / name
    whole, study = path.read_bytes(), load_study(CONFIG)
    read_json(path)
    for size in range(len(whole) - 1):
        path.write_bytes(whole[:size])
        assert refusal(lambda: read_json(path)).startswith(f"{path}: must be ")
    for size in (0, 100, len(whole) - 2):
        path.write_bytes(whole[:size])
        answer = normbench("compare", RUNS)
        told = answer.err if name == "study.json" else " ".join(answer.out.split())  # beside the other arms
        assert (answer.code, told.count(f"{path}: must be ")) == (2 * (name == "study.json"), 1)
        run_study(study, Path("runs"))
        assert path.read_bytes() == whole
    assert results() == undisturbed


@pytest.mark.parametrize("whose", ["resolved", "user's"])
def test_a_config_cut_at_any_byte_loads_or_is_refused_in_lines(undisturbed, finished, whose):
    path = finished / "config.yaml" if whose == "resolved" else CONFIG
    whole = path.read_bytes()
    loaded = []
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        refused = refusal(lambda: load_study(path))
        assert all(line.startswith(str(path)) for line in refused.splitlines())
        loaded += [] if refused else [size]
    if whose == "resolved":
        assert loaded == [len(whole) - 1]  # all but the end of the last line
    path.write_bytes(whole)
    assert asked_again()[0] == undisturbed
