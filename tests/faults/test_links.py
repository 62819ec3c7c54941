"""Behind a link lies somebody else's folder: nothing is written there and nothing deleted."""

import shutil
from pathlib import Path

import pytest
from command_line import normbench
from faults.small_study import CONFIG, RUNS, TEXT

from normbench.errors import RunFolderError
from normbench.storage.choices import Choice, TuningSearch, read_choices, write_choice
from normbench.storage.files.links import is_in_without_links

OTHER = Path("elsewhere")


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def linked(place):
    """Move a folder elsewhere and leave a link to it."""
    shutil.move(place, OTHER)
    place.symlink_to(OTHER.resolve())


@pytest.mark.parametrize("levels", [0, 1, 2])
@pytest.mark.parametrize("state", ["finished", "made anew", "unfinished", "damaged"])
def test_run_refuses_to_write_behind_a_link(made, levels, state):
    place = (made, *made.parents)[levels]
    for summary in RUNS.glob("plain*/*/summary.json"):
        if state == "unfinished":
            summary.unlink()
        elif state == "damaged":
            summary.write_text("{}", encoding="utf-8")
    linked(place)
    before = contents(OTHER)
    code, _, err = normbench("run", CONFIG, "--quiet", *(["--force"] if state == "made anew" else []))
    assert code in (1, 2)
    assert f"{place}: must be a folder, got a link to {OTHER.resolve()}" in err
    assert contents(OTHER) == before


@pytest.mark.parametrize("name", ["tuning", "summary", "plain"])
def test_tuning_and_pictures_are_not_written_behind_a_link(name):
    OTHER.mkdir()
    (OTHER / "events.mine").write_text("mine", encoding="utf-8")
    RUNS.mkdir(parents=True)
    (RUNS / name).symlink_to(OTHER.resolve())
    Path(CONFIG).write_text(TEXT + "seeds: 2\n", encoding="utf-8")
    code, _, err = normbench("run", CONFIG, "--quiet", "--tune", "optimizer.lr=0.01,0.1")
    assert contents(OTHER) == {OTHER / "events.mine": b"mine"}
    assert (code == 0) == (name == "plain")
    assert name == "plain" or f"{RUNS / name}: must be a folder, got a link" in err


def test_choices_of_tuning_are_not_read_behind_a_link(made):
    study = made.parents[1]
    write_choice(Choice("plain", {}, [], 0, False, [1000]), TuningSearch("plain", "0" * 64, {}, [1000]), study)
    linked(study / "tuning")
    with pytest.raises(RunFolderError, match="must be a folder, got a link"):
        read_choices(study)


@pytest.mark.parametrize("name", [".lock", "seed-0.old-1"])
def test_a_lock_and_what_is_set_aside_are_not_written_through_a_link(made, name):
    mine = Path("mine")
    mine.write_text("mine", encoding="utf-8")
    arm = made.parent
    (arm / name).unlink(missing_ok=True)
    (arm / name).symlink_to(mine.resolve() if name == ".lock" else Path("nowhere"))
    code, _, err = normbench("run", CONFIG, "--quiet", "--force")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert (code == 0) == (name != ".lock"), err


@pytest.mark.parametrize("levels", [1, 2])
def test_rm_of_a_study_leaves_what_is_linked_there(made, levels):
    inside = RUNS / "tuning" if levels == 2 else RUNS / "another"
    shutil.copytree(made.parents[levels - 1], OTHER)
    inside.symlink_to(OTHER.resolve())
    before = contents(OTHER)
    assert normbench("rm", RUNS, "--yes").code == 0
    assert contents(OTHER) == before
    assert not RUNS.exists()


def test_a_folder_is_really_in_another_one_where_no_link_leads_there():
    Path("runs/a/b").mkdir(parents=True)
    OTHER.mkdir()
    (OTHER / "c").mkdir()
    Path("runs/link").symlink_to(OTHER.resolve())
    Path("all").symlink_to(Path("runs").resolve())
    assert is_in_without_links(Path("runs/a/b"), Path("runs"))
    assert is_in_without_links(Path("all/a"), Path("all"))
    assert not is_in_without_links(Path("runs/link/c"), Path("runs"))
    assert not is_in_without_links(Path("runs/../elsewhere"), Path("runs"))
