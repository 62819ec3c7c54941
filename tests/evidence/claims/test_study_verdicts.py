"""Verdicts of a file: only of runs of what the file says, whole and untouched."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

CLAIMS = """\
baseline: plain
seeds: 6
claims:
  - {id: X1, says: decay lowers the loss, metric: test_loss, expect: {less: decayed, than: plain, by: 0.01}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a small study that has been run."""
    folder = tmp_path_factory.mktemp("made")
    with chdir(folder):
        Path("tiny.yaml").write_text(TINY + ARMS + CLAIMS, encoding="utf-8")
        assert normbench("run", "tiny.yaml").code == 0
    return folder


@pytest.fixture
def ran(made):
    """Return the folder of the study, in a copy that the test may change."""
    shutil.copytree(made, Path.cwd(), dirs_exist_ok=True)
    return Path("runs/tiny")


def verdict(file="tiny.yaml"):
    answer = normbench("claims", file, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)[0]


def edit(old, new, path=Path("tiny.yaml")):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def some_run(folder):
    return next(folder.glob("decayed-*")) / "seed-3"


def test_two_claims_of_one_id_are_refused():
    text = TINY + ARMS + CLAIMS + CLAIMS.splitlines()[-1]
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    answer = normbench("run", "tiny.yaml")
    complaint = "claims.1.id: must be an id that no claim before it has, got 'X1'. Write another one.\n"
    assert (answer.code, answer.err) == (2, f"tiny.yaml:{len(text.splitlines())}: {complaint}")


@pytest.mark.usefixtures("ran")
def test_a_verdict_has_all_it_rests_on():
    found = verdict()
    assert found["verdict"] in ("holds", "opposite", "smaller than claimed", "cannot tell")
    assert (found["n"], found["margins"]) == (6, [pytest.approx(1.01)])
    assert found["low"] < found["effect"] < found["high"]
    assert 0 < found["p"] <= 1
    assert len(found["hash"]) == 12
    assert found["command"] == "normbench run tiny.yaml"


@pytest.mark.usefixtures("ran")
def test_what_was_never_run_is_not_run():
    Path("other.yaml").write_text(TINY + ARMS + CLAIMS, encoding="utf-8")
    assert verdict("other.yaml")["verdict"] == "not run"


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("num_steps: 4", "num_steps: 5", "the file has changed since it was run"),
        ("seeds: 6", "seeds: 7", "the file has changed since it was run"),
        ("by: 0.01", "by: 0.5", "what is expected has changed since it was run"),
    ],
)
def test_a_file_that_says_something_else_by_now_is_not_run(old, new, why):
    edit(old, new)
    found = verdict()
    assert (found["verdict"], found["why"]) == ("not run", why)


@pytest.mark.usefixtures("ran")
def test_a_discussion_may_be_added_afterwards():
    edit("id: X1,", "id: X1, discussion: It did.,")
    assert verdict()["verdict"] != "not run"


@pytest.mark.usefixtures("ran")
def test_other_options_are_another_question():
    answer = normbench("run", "tiny.yaml", "--seeds", "7")
    assert "NOT RUN" in answer.out
    assert verdict()["why"] == "last run with other options: --seeds 7"


def test_seeds_edited_in_study_json_are_seen(ran):
    said = json.loads((ran / "study.json").read_text(encoding="utf-8"))
    (ran / "study.json").write_text(json.dumps(said | {"seeds": [0, 1, 2, 3, 4]}), encoding="utf-8")
    assert verdict()["why"] == "study.json was changed: its seeds are not the file's"


def test_a_deleted_run_is_named(ran):
    for path in some_run(ran).iterdir():
        path.unlink()
    found = verdict()
    assert found["verdict"] == "incomplete"
    assert found["why"] == "1 of 6 seeds of decayed have not finished, the first is 3"


@pytest.mark.parametrize("name", ["metrics.csv", "summary.json"])
def test_a_changed_number_is_named(ran, name):
    path = some_run(ran) / name
    path.write_text(path.read_text(encoding="utf-8").replace("1", "2"), encoding="utf-8")
    answer = normbench("claims", "tiny.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert str(path) in answer.err


def test_a_truncated_file_is_named(ran):
    path = some_run(ran) / "metrics.csv"
    path.write_bytes(path.read_bytes()[:-7])
    assert str(path) in normbench("claims", "tiny.yaml").err


def test_a_copied_run_is_no_further_seed(ran):
    arm = next(ran.glob("decayed-*"))
    for path in (arm / "seed-2").iterdir():
        (arm / "seed-3" / path.name).write_bytes(path.read_bytes())
    assert "seed-3" in normbench("claims", "tiny.yaml").err


@pytest.mark.usefixtures("ran")
def test_claims_that_are_no_list_are_a_mistake():
    Path("tiny.yaml").write_text(TINY + "claims: 5\n", encoding="utf-8")
    answer = normbench("claims", "tiny.yaml")
    assert (answer.code, "claims: must be a list, got 5" in answer.err) == (2, True)


@pytest.mark.usefixtures("ran")
def test_a_page_is_markdown_in_a_folder_that_is_there():
    assert "must end in .md" in normbench("claims", "tiny.yaml", "--markdown", "page").err
    Path("file").touch()
    assert "must lie in a folder" in normbench("claims", "tiny.yaml", "--markdown", "file/page.md").err


@pytest.mark.usefixtures("ran")
def test_the_report_of_a_run_ends_with_its_verdicts():
    assert "X1" in normbench("run", "tiny.yaml").out


@pytest.mark.usefixtures("ran")
def test_compare_tells_them_too_unless_something_else_is_asked():
    assert "X1" in normbench("compare").out
    assert json.loads(normbench("compare", "--json").out)[0]["claims"][0]["id"] == "X1"
    assert "X1" not in normbench("compare", "--metric", "train_loss").out


@pytest.mark.usefixtures("ran")
def test_a_claim_of_a_metric_that_no_run_has_says_so_and_leaves_the_others_theirs():
    lost = "  - {id: X2, says: a typo, metric: test_lost, expect: {less: decayed, than: plain, by: 0.01}}\n"
    edit(CLAIMS, CLAIMS + lost)
    ran = normbench("run", "tiny.yaml")
    assert (ran.code, "ANSWER" in ran.out) == (0, True)
    found = {one["id"]: one for one in json.loads(normbench("claims", "tiny.yaml", "--json").out)}
    assert found["X1"]["verdict"] != "incomplete"
    assert (found["X2"]["verdict"], found["X2"]["parts"]) == ("incomplete", [])
    assert found["X2"]["why"].startswith(
        "metric test_lost: must be a column that was recorded, got 'test_lost'. Did you"
    )
