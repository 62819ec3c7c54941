"""Stored verdicts of shipped studies: shown without runs, never in place of what runs say."""

import json
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study

import normbench as package
from normbench.evidence.claims.stored_verdicts import VERDICTS, claim_files, judged_or_stored
from normbench.report.terminal.render import MAX_LINES
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256
from normbench.storage.shipped_configs import shipped_folder

KEPT = json.loads((shipped_folder() / VERDICTS).read_text(encoding="utf-8"))
NAME = "b12_transformer"


def runs_of_this_study():
    """Write a study's folder as a command leaves it whose runs have not ended."""
    sha256 = content_sha256(read_study_file(Path(NAME)).data)
    make_run(make_arm(make_study(name=NAME, arms=["none"], content_sha256=sha256), "none", norm="none"))


@pytest.mark.parametrize("name", ["", *dict.fromkeys(one["study"] for one in KEPT)])
def test_all_claims_or_those_of_a_study_fit_on_a_screen(name):
    lines = normbench("claims", *filter(None, [name])).out.splitlines()
    assert len(lines) <= MAX_LINES
    assert max(len(line) for line in lines if " " in line.strip()) <= 80, "a single word is never broken"
    shown = set(" ".join(lines).split())
    assert {one["id"] for one in KEPT if name in ("", one["study"])} <= shown


def test_without_runs_every_study_is_one_line_of_80_columns():
    code, out, err = normbench("claims", "--details")
    assert (code, err) == (0, "")
    listed, _, told = out.partition("\n\n")
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines] == list(dict.fromkeys(one["study"] for one in KEPT))
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(f"{NAME} ") and "1 refuted, 1 cannot tell · Is layer norm" in line for line in lines)
    assert f"of {len(KEPT)} claims of {len(lines)} studies" in " ".join(told.split())
    assert "Stored verdicts of normbench 0.1.0" in told


def test_each_line_that_is_told_works():
    for line in normbench("claims").out.splitlines():
        _, mark, command = line.partition("normbench ")
        if mark and line.startswith(("in full", "again", "then", "details")):
            words = command.split()
            assert normbench(*words, *(["--dry-run"] * (words[0] == "run"))).code == 0, command


def test_a_study_that_is_named_is_shown_in_full_and_said_to_be_stored():
    out = normbench("claims", NAME, "--details").out
    assert out.startswith(f"{NAME}: stored verdicts of normbench 0.1.0; runs has no runs of it.\n")
    assert "B12d  REFUTED" in out
    assert f"again  normbench run {NAME}\n" in out


def test_a_study_that_was_run_is_judged_and_not_stored():
    runs_of_this_study()
    out = normbench("claims", NAME, "--details").out
    assert "stored" not in out
    assert "REFUTED" not in out
    everything = normbench("claims", "--details").out
    assert "B12d  NOT RUN" in everything
    assert "b05_speed" not in everything, "others are no line each beside what was judged"
    assert f"of {len(KEPT) - 2} claims" in " ".join(everything.split())


def test_a_copy_or_a_changed_file_is_no_shipped_study(tmp_path):
    text = (shipped_folder() / f"{NAME}.yaml").read_text(encoding="utf-8")
    Path(f"{NAME}.yaml").write_text(text, encoding="utf-8")
    (study,) = judged_or_stored([Path(NAME)], tmp_path)
    assert not study.is_stored
    assert {one.verdict for one in study.verdicts} == {"not run"}


def test_verdicts_of_other_settings_than_the_shipped_file_has_are_not_shown(monkeypatch, tmp_path):
    shipped = tmp_path / "configs"
    (shipped / "RESULTS").mkdir(parents=True)
    changed = (shipped_folder() / f"{NAME}.yaml").read_text(encoding="utf-8").replace("seeds: 8", "seeds: 9")
    (shipped / f"{NAME}.yaml").write_text(changed, encoding="utf-8")
    (shipped / VERDICTS).write_text(json.dumps(KEPT), encoding="utf-8")
    monkeypatch.setattr("normbench.storage.shipped_configs._PACKAGE", tmp_path)
    assert content_sha256(read_study_file(Path(NAME)).data) not in {one["content_sha256"] for one in KEPT}
    (study,) = judged_or_stored(claim_files(), tmp_path)
    assert ([one.verdict for one in study.verdicts], study.is_stored) == (["not run"] * 2, False)


def test_studies_of_ones_own_in_configs_come_first():
    Path("configs").mkdir()
    mine = "model: mlp\ndataset: linear_regression\nclaims:\n  - {id: X1, says: a, metric: test_loss, expect: {}}\n"
    Path("configs/mine.yaml").write_text(mine, encoding="utf-8")
    assert claim_files() == [Path("configs/mine.yaml")]


def test_json_has_the_stored_verdicts_of_all():
    told = json.loads(normbench("claims", "--json").out)
    assert [(one["id"], one["verdict"]) for one in told] == [(one["id"], one["verdict"]) for one in KEPT]
    assert {one["stored"] for one in told} == {True}
    assert not any("configs/" in one["command"] for one in told)


def test_new_verdicts_say_their_version():
    text = "model: {name: mlp, hidden_features: [4]}\ndataset: linear_regression\nnum_steps: 2\nseeds: 2\n"
    arms = "arms: {a: {}, b: {l1: 0.1}}\nbaseline: a\nrecording: {figures: false, tensorboard: false}\n"
    claim = "claims:\n  - {id: X1, says: a, metric: test_loss, expect: {less: a, than: b, by: 0.05}}\n"
    Path("mine.yaml").write_text(text + arms + claim, encoding="utf-8")
    assert normbench("run", "mine.yaml", "--quiet").code == 0
    (found,) = json.loads(normbench("claims", "mine.yaml", "--json").out)
    assert (found["versions"]["normbench"], found["stored"]) == (package.__version__, False)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_clone_tells_the_same_as_an_empty_folder(monkeypatch, words):
    here = normbench("claims", *words, "--runs-dir", "no_runs")
    monkeypatch.chdir(shipped_folder().parent)
    assert normbench("claims", *words, "--runs-dir", "no_runs") == here
