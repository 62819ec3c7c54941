"""Stored verdicts of shipped studies: shown without runs, never in place of what runs say."""

import json
import re
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import make_arm, make_run, make_study
from made_up_verdicts import PART, made_up_study

import normbench as package
from normbench.evidence.claims.stored_verdicts import VERDICTS, claim_files, judged_or_stored
from normbench.evidence.claims.words import CANNOT_TELL
from normbench.report.pages.json_text import claim_mappings
from normbench.report.terminal.render import MAX_LINES
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.names import content_sha256
from normbench.storage.shipped_configs import shipped_folder

KEPT = json.loads((shipped_folder() / VERDICTS).read_text(encoding="utf-8"))
NAME, OTHER = "b12_transformer", "b05_speed"
OLD_PART = replace(PART, verdict="refuted")
OLD = {"versions": {"numerics": "2"}, "second": None, "reason": None, "sensitivity": ""}


@pytest.fixture
def shipped(monkeypatch, tmp_path_factory):
    """A folder of two shipped studies with stored verdicts of version 0.1.0 of the first."""
    package = tmp_path_factory.mktemp("package")
    (package / "configs" / "RESULTS").mkdir(parents=True)
    for name in (NAME, OTHER):
        shutil.copy(shipped_folder() / f"{name}.yaml", package / "configs")
    made_up = made_up_study(Path(NAME), ("refuted", CANNOT_TELL)).verdicts
    old = [replace(one, **OLD, parts=[OLD_PART]) for one in made_up]
    (package / "configs" / VERDICTS).write_text(json.dumps(claim_mappings(old)), encoding="utf-8")
    monkeypatch.setattr("normbench.storage.shipped_configs._PACKAGE", package)
    return package / "configs"


def runs_of_this_study():
    """Write a study's folder as a command leaves it whose runs have not ended."""
    sha256 = content_sha256(read_study_file(Path(NAME)).data)
    make_run(make_arm(make_study(name=NAME, arms=["none"], content_sha256=sha256), "none", norm="none"))


@cache
def all_made_up(*, stored):
    return [made_up_study(path, stored=stored) for path in claim_files()]


LARGEST = max(all_made_up(stored=True), key=lambda study: len(study.verdicts)).path
EACH = [(name, True) for name in ["", *(str(study.path) for study in all_made_up(stored=True))]]


@pytest.mark.parametrize(("name", "stored"), [*EACH, ("", False), (str(LARGEST), False)])
def test_all_claims_or_those_of_a_study_fit_on_a_screen(monkeypatch, name, stored):
    studies = [study for study in all_made_up(stored=stored) if name in ("", str(study.path))]
    monkeypatch.setattr("normbench.evidence.claims.stored_verdicts.judged_or_stored", lambda *_: studies)
    lines = normbench("claims", *filter(None, [name])).out.splitlines()
    assert len(lines) <= MAX_LINES
    assert max(len(line) for line in lines if " " in line.strip()) <= 80, "a single word is never broken"
    shown = set(" ".join(lines).split())
    assert {one.id for study in studies for one in study.verdicts} <= shown


def test_without_runs_every_study_is_one_line_of_80_columns():
    code, out, err = normbench("claims", "--details")
    assert (code, err) == (0, "")
    listed, _, told = out.partition("\n\n")
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines] == list(dict.fromkeys(one["study"] for one in KEPT))
    assert max(map(len, lines)) <= 80
    assert f"of {len(KEPT)} claims of {len(lines)} studies" in " ".join(told.split())


@pytest.mark.parametrize("columns", [8, 20, 40])
def test_a_narrow_terminal_cuts_what_it_cannot_hold(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in ([], ["--details"], [NAME]):
        assert normbench("claims", *words).code == 0


@pytest.mark.usefixtures("shipped")
def test_a_line_counts_the_verdicts_of_a_study_and_asks_its_question():
    listed, _, told = normbench("claims", "--details").out.partition("\n\n")
    assert listed.splitlines()[1].startswith(f"{NAME} ")
    assert "1 refuted, 1 cannot tell · Is layer norm" in listed
    assert "Stored verdicts of normbench 0.1.0" in told


def test_each_line_that_is_told_works():
    for line in normbench("claims").out.splitlines():
        _, mark, command = line.partition("normbench ")
        if mark and line.startswith(("in full", "again", "then", "details")):
            words = command.split()
            assert normbench(*words, *(["--dry-run"] * (words[0] == "run"))).code == 0, command


@pytest.mark.usefixtures("shipped")
def test_a_study_that_is_named_is_shown_in_full_and_said_to_be_stored():
    out = normbench("claims", NAME, "--details").out
    assert out.startswith(f"{NAME}: stored verdicts of normbench 0.1.0; runs has no runs of it.\n")
    assert "B12d  REFUTED" in out
    assert f"again  normbench run {NAME}\n" in out


@pytest.mark.usefixtures("shipped")
def test_a_study_that_was_run_is_judged_and_not_stored():
    runs_of_this_study()
    out = normbench("claims", NAME, "--details").out
    assert "stored" not in out
    assert "REFUTED" not in out
    everything = normbench("claims", "--details").out
    assert "B12d  NOT RUN" in everything
    assert OTHER not in "".join(everything.splitlines()[:-4]), "others are no line each beside what was judged"
    assert "of 1 claim of 1 study without runs" in " ".join(everything.split())


def test_a_copy_or_a_changed_file_is_no_shipped_study(tmp_path):
    text = (shipped_folder() / f"{NAME}.yaml").read_text(encoding="utf-8")
    Path(f"{NAME}.yaml").write_text(text, encoding="utf-8")
    (study,) = judged_or_stored([Path(NAME)], tmp_path)
    assert not study.is_stored
    assert {one.verdict for one in study.verdicts} == {"not run"}


def test_of_other_settings_than_the_shipped_file_has_nothing_is_stored(shipped, tmp_path):
    text = (shipped / f"{NAME}.yaml").read_text(encoding="utf-8")
    (shipped / f"{NAME}.yaml").write_text(text.replace("\nbatch_size: ", "\nbatch_size: 1"), encoding="utf-8")
    (study,) = judged_or_stored([Path(NAME)], tmp_path)
    assert [one.verdict for one in study.verdicts] == ["not run"] * 2


def test_a_claim_whose_margin_was_changed_is_not_run(shipped, tmp_path):
    path = shipped / f"{NAME}.yaml"
    text = path.read_text(encoding="utf-8")
    before = re.search(r"expect: .*?by: ([0-9.]+)", text, re.DOTALL)
    path.write_text(f"{text[: before.start(1)]}1.5{text[before.end(1) :]}", encoding="utf-8")
    (study,) = judged_or_stored([Path(NAME)], tmp_path)
    assert sorted(one.verdict for one in study.verdicts) == ["cannot tell", "not run"]


def test_a_claim_that_was_added_to_a_shipped_file_is_not_run(shipped, tmp_path):
    added = "\n  - {id: NEW, says: more, metric: test_loss, expect: {range: [0, 1], of: norm=none}}\n"
    path = shipped / f"{NAME}.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + added, encoding="utf-8")
    (study,) = judged_or_stored([Path(NAME)], tmp_path)
    assert [one.verdict for one in study.verdicts] == ["refuted", "cannot tell", "not run"]


MODEL = "model: mlp\ndataset: linear_regression\n"
CLAIMS = "claims:\n  - {id: X1, says: a, metric: test_loss, expect: {}}\n"


@pytest.mark.parametrize("mine", [MODEL + CLAIMS, CLAIMS + MODEL])
def test_studies_of_ones_own_in_configs_come_first(mine):
    Path("configs").mkdir()
    Path("configs/mine.yaml").write_text(mine, encoding="utf-8")
    assert claim_files() == [Path("configs/mine.yaml")]


def test_the_name_of_a_claim_leads_to_its_study():
    code, out, err = normbench("claims", "B5d", "B12c")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "B5d: must be a study, got a claim of b05_speed. See normbench claims b05_speed",
        "B12c: must be a study, got a claim of b12_recurrent. See normbench claims b12_recurrent",
    ]


def test_json_is_the_file_of_stored_verdicts():
    assert normbench("claims", "--json").out == (shipped_folder() / VERDICTS).read_text(encoding="utf-8")


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
