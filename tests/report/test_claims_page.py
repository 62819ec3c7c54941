"""The kept results: what the command writes, of the settings the files have."""

import json
from dataclasses import replace

import pytest
from docs_blocks.markdown import ROOT
from docs_blocks.verdicts import VERDICTS
from runs_in_memory import arm_with, arms_called

from normbench.errors import ComparisonError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.claims.verdicts_file import read_verdicts
from normbench.report.figures.claims import draw_claims
from normbench.report.pages.claims_page import page, write_page
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.identity import NUMERICS
from normbench.storage.names import claim_sha256, content_sha256

KEPT = json.loads(VERDICTS.read_text(encoding="utf-8"))
READ_BACK = read_verdicts(VERDICTS)


def made_up_verdicts():
    arms = [arm_with("a", [0.5] * 8), arm_with("b", [0.6, 0.7] * 4)]
    said = [{"id": "X1", "says": "a | b", "metric": "test_loss", "expect": {"less": "a", "than": "b", "by": 0.05}}]
    return [
        judge_claim(claim, arms, range(8), "x", "normbench run x.yaml")
        for claim in read_claims(said, arms_called("a", "b"))[0]
    ]


def test_the_kept_page_is_what_the_command_writes():
    written = page(READ_BACK, VERDICTS.parent.name)
    assert (ROOT / "configs" / "RESULTS.md").read_text(encoding="utf-8") == written


@pytest.mark.parametrize("study", sorted({said["study"] for said in KEPT}))
def test_the_kept_pictures_are_what_the_command_draws(study):
    verdicts = [verdict for verdict in READ_BACK if verdict.study == study]
    assert (VERDICTS.parent / f"{study}.svg").read_bytes() == draw_claims(verdicts)


@pytest.mark.parametrize("study", sorted({said["study"] for said in KEPT if said["verdict"] != "not run"}))
def test_the_kept_verdicts_are_of_the_settings_and_margins_the_files_have(study):
    now = read_study_file(ROOT / "configs" / f"{study}.yaml").data
    of_study = [said for said in KEPT if said["study"] == study]
    assert {said["content_sha256"] for said in of_study} == {content_sha256(now)}
    assert [said["claim_sha256"] for said in of_study] == [claim_sha256(claim) for claim in now["claims"]]


def test_every_claim_of_every_file_has_a_kept_verdict():
    kept = {(said["study"], said["id"]) for said in KEPT}
    files = {path: read_study_file(path).data for path in sorted((ROOT / "configs").glob("*.yaml"))}
    said = {(path.stem, claim["id"]) for path, data in files.items() for claim in data.get("claims", ())}
    assert said == kept


def test_all_rows_of_the_documents_are_there():
    rows = {"".join(c for c in said["id"][1:] if c.isdigit()) for said in KEPT if said["id"].startswith("B")}
    assert rows == {str(number) for number in range(1, 25)}


def test_a_page_holds_what_a_verdict_rests_on(tmp_path):
    write_page(tmp_path / "R.md", made_up_verdicts())
    text = (tmp_path / "R.md").read_text(encoding="utf-8")
    assert "### X1 a | b\n" in text
    assert "- **holds**: test_loss x 1.30" in text
    assert "expected > 1.05 · 8 of 8 seeds, p 0.0078\n" in text
    assert "![x](R/x.svg)" in text
    assert (tmp_path / "R" / "x.svg").read_bytes().startswith(b"<?xml")
    assert json.loads((tmp_path / "R" / "verdicts.json").read_text())[0]["effect"] == pytest.approx(0.42**0.5 / 0.5)


def test_a_page_says_which_runs_are_of_another_numerics_number():
    (verdict,) = made_up_verdicts()
    of_now, of_before = (replace(verdict, versions={"numerics": str(n)}) for n in (NUMERICS, NUMERICS - 1))
    said = f"Runs of numerics {NUMERICS - 1} are not of this version, numerics {NUMERICS}; the changelog says which"
    assert [said in page(verdicts, "R") for verdicts in ([verdict], [of_now], [of_now, of_before])] == [
        False,
        False,
        True,
    ]
    assert f", numerics {NUMERICS - 1}. Again:" in page([replace(of_before, date="2026-01-02")], "R")


def test_a_page_keeps_the_studies_that_were_not_looked_at_again(tmp_path):
    page_file, (verdict,) = tmp_path / "R.md", made_up_verdicts()
    write_page(page_file, [replace(verdict, study="y"), replace(verdict, study="z")])
    write_page(page_file, [replace(verdict, study="y", says="said anew"), replace(verdict, study="x")])
    kept = read_verdicts(tmp_path / "R" / "verdicts.json")
    assert [(one.study, one.says) for one in kept] == [("x", "a | b"), ("y", "said anew"), ("z", "a | b")]
    assert kept[2] == replace(verdict, study="z", seeds=list(verdict.seeds), parts=list(verdict.parts), stored=True)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"id": "X1"}]'])
def test_verdicts_of_another_make_are_refused_and_stay(tmp_path, text):
    (tmp_path / "R").mkdir()
    (tmp_path / "R" / "verdicts.json").write_text(text)
    with pytest.raises(ComparisonError, match="must hold verdicts as normbench claims writes them"):
        write_page(tmp_path / "R.md", made_up_verdicts())
    assert (tmp_path / "R" / "verdicts.json").read_text() == text
