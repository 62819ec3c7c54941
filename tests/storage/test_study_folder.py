"""A study's folder is read once, and what older versions left in one is told as such and never mixed in."""

from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study

from normbench.errors import OldRunsError
from normbench.storage.files import reading
from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.identity import NUMERICS, RunIdentity
from normbench.storage.study_folder import read_study
from normbench.storage.study_search import read_studies


def old_study(name="old"):
    """A folder as version 0.1.0 wrote it: no version in study.json, six digits and no identity in arm.json."""
    folder = make_study(name=name, arms=["none"])
    write_json(folder / "study.json", {k: v for k, v in read_json(folder / "study.json").items() if k != "normbench"})
    return old_arm(folder)


def old_arm(study):
    arm = make_arm(study, "none")
    make_run(arm)
    said = read_json(arm / "arm.json")
    write_json(arm / "arm.json", {k: v for k, v in said.items() if k != "identity"} | {"hash": "aaaaaa"})
    return study


def test_a_study_of_an_older_version_is_told_as_such():
    with pytest.raises(OldRunsError) as refusal:
        read_study(old_study())
    assert str(refusal.value) == (
        "runs/old: must be a study of normbench 0.2 or newer, got one of 0.1.0. "
        "Run its config again: the old runs stay where they are, and are not mixed with new ones."
    )


def test_older_studies_are_passed_over_beside_others_and_refused_alone():
    old_study()
    make_run(make_arm(make_study(name="new", arms=["none"])))
    assert [study.folder.name for study in read_studies([Path("runs")])] == ["new"]
    with pytest.raises(OldRunsError):
        read_studies([Path("runs/old")])


def test_older_arms_of_an_edited_file_are_left_out():
    study = make_study(arms=["none"], is_plain=True)
    make_run(make_arm(study, "none", identity="bbbbbb"))
    old_arm(study)
    write_json(
        study / "study.json",
        read_json(study / "study.json") | {"arms": [{"arm": "none", "identity": "bbbbbb", "folder": "none-bbbbbb"}]},
    )
    found = read_study(study)
    assert ([arm.identity for arm in found.arms], list(found.left_out)) == (
        ["bbbbbb"],
        ["none-aaaaaa of normbench 0.1.0"],
    )


def arm_of(study, numerics=NUMERICS, engine="loop"):
    """An arm's folder with a run, as a normbench of this numerics number writes it with an engine."""
    identity = RunIdentity({"dropout": 0.3}, "cpu", numerics=numerics, engine=engine)
    arm = make_arm(study, "none", identity=identity.sha256)
    identity.write(arm)
    make_run(arm)
    return {"arm": "none", "identity": identity.sha256, "folder": arm.name}


@pytest.mark.parametrize("is_plain", [False, True])
def test_arms_of_another_numerics_number_are_left_out_and_told_as_such(is_plain):
    study = make_study(is_plain=is_plain, numerics=NUMERICS)
    before, now = arm_of(study, NUMERICS - 1), arm_of(study, NUMERICS)
    write_json(study / "study.json", read_json(study / "study.json") | {"arms": [now]})
    found = read_study(study)
    assert [arm.identity for arm in found.arms] == [now["identity"]]
    assert list(found.left_out) == [f"{before['folder']} of numerics {NUMERICS - 1}"]


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_study_last_run_with_an_older_numerics_number_is_read_with_its_own_arms(is_plain):
    study = make_study(is_plain=is_plain, numerics=NUMERICS - 1)
    write_json(study / "study.json", read_json(study / "study.json") | {"arms": [arm_of(study, NUMERICS - 1)]})
    assert [len(arm.runs) for arm in read_study(study).arms] == [1]
    assert list(read_study(study).left_out) == []


def test_what_is_read_of_a_run_is_read_once(monkeypatch):
    study = make_study(arms=["none"])
    make_run(make_arm(study), metrics=[{"step": 0, "test_loss": 1.0}, {"step": 20, "test_loss": 0.5}])
    opened, real = [], reading._open
    monkeypatch.setattr(reading, "_open", lambda path, **how: opened.append(Path(path).name) or real(path, **how))
    (arm,) = read_study(study).arms
    opened.clear()
    for name in ("metrics.csv", "metrics.csv", "layer_stats.csv", "metrics.csv"):
        arm.runs[0].table(name)
    assert sorted(opened) == ["layer_stats.csv", "metrics.csv", "summary.json"]


@pytest.mark.parametrize("is_plain", [False, True])
@pytest.mark.parametrize(("engine", "other"), [("loop", "stacked"), ("stacked", "loop")])
def test_arms_of_another_engine_are_left_out_and_told_as_such(is_plain, engine, other):
    study = make_study(is_plain=is_plain, engine=engine)
    mine, others = arm_of(study, engine=engine), arm_of(study, engine=other)
    write_json(study / "study.json", read_json(study / "study.json") | {"arms": [mine]})
    found = read_study(study)
    assert [arm.identity for arm in found.arms] == [mine["identity"]]
    assert list(found.left_out) == [f"{others['folder']} of engine {other}"]
