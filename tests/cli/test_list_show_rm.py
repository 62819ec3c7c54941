"""normbench list, show and rm: what they print, refuse and leave."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study, std_rows, write_csv

from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.lock import claim_run
from normbench.storage.owners import Owner
from normbench.storage.run_folder import ENVIRONMENT_JSON, STUDY_JSON

SETTINGS = {
    "model": "mlp",
    "norm": "none",
    "dataset": "linear_regression",
    "optimizer": "sgd",
    "optimizer__lr": 0.1,
    "weight_decay": 0.0,
    "l1": 0.0,
    "dropout": 0.0,
    "batch_size": 5,
    "init": "default",
    "decay_on": "all",
    "device": "cpu",
    "num_steps": 20,
}
LAYERS = [{"name": name, "shape": [3, 2], "has_norm": False} for name in ("hidden1", "output")]
EVIL = "\x1b[31mred\x9b2J\u202edesrever\x7f[bold red]loud"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
AGE_S = 7300


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no line needs to be broken."""
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def study():
    """Two arms, each with what can become of a run."""
    study = make_study(arms=["a", "b"], seeds=[0, 1, 2, 3], source="made_up.yaml", options={"--set": ["l1=0.1"]})
    for arm in ("a", "b"):
        make_arm(study, arm, changed=["norm"], **SETTINGS)
    metrics = [{"step": step, "train_loss": 1.0, "test_loss": 2.0} for step in (0, 10)]
    stats = [
        row
        for step, std in ((0, 1.0), (10, 4.0), (16, "nan"))
        for kind in ("weight", "grad", "activation")
        for row in std_rows(kind, {"hidden1": std, "output": std}, step)
    ]
    old(make_run(study / "a-aaaaaa", 0, metrics, stats[:12], layers=LAYERS), "summary.json")
    old(make_run(study / "a-aaaaaa", 1, metrics, stats, layers=LAYERS, status="diverged", step=16), "summary.json")
    for seed, status in ((0, "interrupted"), (1, "failed")):
        folder = study / "b-aaaaaa" / f"seed-{seed}"
        folder.mkdir()
        write_csv(folder / "metrics.csv", metrics)
        Owner("token", status=status, error="OSError: no space" * seed, started_at="yesterday").write(folder)
        old(folder, "claim.json")
    (study / "b-aaaaaa" / "seed-0" / "checkpoint.pt").write_bytes(b"x" * 1500)
    (study / "b-aaaaaa" / "seed-1" / "error.txt").write_text("\n".join(f"line {i}" for i in range(20)))
    return study


def old(folder, name):
    os.utime(folder / name, (time.time() - AGE_S,) * 2)


def answer(*words):
    code, out, err = normbench(*words)
    assert (code, err) == (0, "")
    return out


def refused(*words):
    code, out, err = normbench(*words)
    assert (code, out) == (2, "")
    return err.rstrip("\n")


@pytest.mark.usefixtures("study")
def test_list_counts_the_runs_of_each_arm():
    assert answer("list").splitlines() == [
        "study    arm       finished  diverged  interrupted  failed  newest",
        "made_up  a-aaaaaa         1         1                          2 h",
        "made_up  b-aaaaaa                                1       1     2 h",
        "4 runs: 1 finished, 1 diverged, 1 interrupted, 1 failed",
    ]


def test_list_shows_each_run_and_who_makes_it(study):
    with claim_run(study / "b-aaaaaa" / "seed-2") as mine:
        lines = answer("list", "--runs").splitlines()
        by_arm = answer("list", study / "b-aaaaaa").splitlines()
        assert json.loads(answer("list", "--json", "--status", "running"))[0]["owners"][0]["token"] == mine.owner.token
    who = f"process {os.getpid()} on {mine.owner.host}"
    assert [re.sub("  +", "|", line) for line in lines[1:5]] == [
        "made_up|a-aaaaaa|0|finished|2 h",
        "made_up|a-aaaaaa|1|diverged|2 h",
        "made_up|b-aaaaaa|0|interrupted|2 h",
        "made_up|b-aaaaaa|1|failed|2 h|OSError: no space",
    ]
    assert re.fullmatch(rf"made_up +b-aaaaaa +2 +running +\d+ s +{re.escape(who)}", lines[5])
    assert by_arm[1].endswith(who)
    assert by_arm[2] == "3 runs: 1 running, 1 interrupted, 1 failed"


@pytest.mark.usefixtures("study")
def test_list_takes_statuses_and_paths():
    words = ("list", "made_up/a-aaaaaa", "--status", "diverged", "--status", "failed", "--runs", "--json")
    (run,) = json.loads(answer(*words))
    told = {"study": "made_up", "arm": "a-aaaaaa", "is_tuning": False, "seed": 1, "status": "diverged"}
    told |= {"folder": "runs/made_up/a-aaaaaa/seed-1", "problem": "", "owner": None}
    assert run | told == run
    assert AGE_S <= run["age_s"] < AGE_S + 1000
    assert answer("list", "--status", "stopped") == "runs: none of 4 runs is stopped.\n"


def test_list_of_nothing_says_so():
    Path("runs").mkdir()
    assert answer("list") == "runs: no runs yet. Run a config first: normbench run lenet_bn\n"
    assert answer("list", "--json") == "[]\n"


def test_list_refuses_what_is_no_status_and_no_folder():
    Path("runs").mkdir()
    known = "finished, diverged, running, interrupted, failed, stopped, damaged"
    line = f"--status fail: must be a status of a run, got 'fail'. Did you mean 'failed'? One of: {known}."
    assert refused("list", "--status", "fail") == line
    assert refused("list", "x") == "x: must be a folder, here or in runs, got none. See what there is: normbench list"


def test_show_tells_a_finished_run(study):
    write_json(study / "a-aaaaaa" / "seed-0" / ENVIRONMENT_JSON, {"started_at": "yesterday", "duration_s": 3.21})
    lines = answer("show", "made_up/a-aaaaaa/seed-0").splitlines()
    first = "made_up · mlp, no norm on linear_regression · seed 0 · cpu"
    assert lines[0] == first
    assert "  10        1.00       2.00" in lines
    assert "std per layer · a" in lines
    assert [line for line in lines if line.startswith(("status", "made  ", "folder", "go on", "again"))] == [
        "status   finished · 2 h ago · step 20 of 20",
        "made     yesterday · 3.2 s",
        "folder   runs/made_up/a-aaaaaa/seed-0",
    ]
    assert re.search(r"^files    environment.json \d+ bytes, layer_stats.csv \d+ bytes, metrics.csv", lines[-1])


@pytest.mark.usefixtures("study")
def test_show_tells_where_a_run_diverged_and_the_statistics_before():
    out = answer("show", "made_up/a-aaaaaa/seed-1")
    assert "status   diverged · 2 h ago · step 16 of 20\n         The loss of step 16 was not finite." in out
    table = out.partition("std per layer at the last recorded steps\n")[2].splitlines()
    assert table[0].split() == ["step", "layer", "weight", "weight", "gradient", "output"]
    last = [line.split() for line in table[1:] if line.startswith("  10")]
    assert last == [["10", "hidden1", "4.00", "4.00", "4.00"], ["10", "output", "4.00", "4.00", "4.00"]]


@pytest.mark.usefixtures("study")
def test_show_tells_what_a_run_failed_of_and_how_it_goes_on():
    Path("made_up.yaml").write_text("anything")
    lines = answer("show", "made_up/b-aaaaaa/seed-1").splitlines()
    assert lines[:2] == ["made_up · b-aaaaaa · seed 1", "  norm none"]
    assert lines[2:12] == ["", "error.txt ends with", *(f"  line {i}" for i in range(12, 20))]
    owner = Owner("")
    assert lines[13:] == [
        "status   failed · 2 h ago · step 10 of 20 recorded · begins again",
        "         OSError: no space",
        f"owner    process {os.getpid()} on {owner.host}, since yesterday",
        "folder   runs/made_up/b-aaaaaa/seed-1",
        lines[-2],
        "go on    normbench run made_up.yaml --set l1=0.1",
    ]


@pytest.mark.usefixtures("study")
def test_show_tells_how_far_an_interrupted_run_is():
    out = answer("show", "made_up/b-aaaaaa/seed-0")
    assert "status   interrupted · 2 h ago · step 10 of 20 recorded · goes on from its checkpoint\n" in out
    assert "checkpoint.pt 1.5 kB" in out
    assert "go on" not in out  # what it was run from is gone


def test_show_reads_a_file_that_is_being_written(study):
    folder = study / "b-aaaaaa" / "seed-2"
    with claim_run(folder):
        assert "status   running · last sign of life 0 s ago\n" in answer("show", folder)
        (folder / "metrics.csv").write_text("step,train_loss\n0,1.0\n12,0.5\n15")
        assert " · step 12 of 20 recorded\n" in answer("show", folder)


@pytest.mark.parametrize(
    ("name", "change"), [("summary.json", b"{"), ("layer_stats.csv", b"step\n"), ("metrics.csv", b"")]
)
def test_show_names_the_file_that_is_damaged(study, name, change):
    folder = study / "a-aaaaaa" / "seed-0"
    (folder / name).write_bytes(change)
    out = answer("show", folder)
    assert "status   damaged · " in out
    assert f"         {folder}/{name}: must be " in out


@pytest.mark.parametrize(
    "summary", [{"layers": [{}]}, {"layers": 3}, {"total_steps": "x"}, {"files": 7}, {"files": {"../x": 1}}], ids=str
)
def test_show_of_what_another_version_wrote_has_no_traceback(study, summary):
    make_run(study / "a-aaaaaa", 3, **summary)
    assert "status   damaged · " in answer("show", "made_up/a-aaaaaa/seed-3")


@pytest.mark.usefixtures("study")
def test_show_wants_one_run():
    names = "a-aaaaaa/seed-0, a-aaaaaa/seed-1"
    assert (
        refused("show", "made_up/a-aaaaaa") == f"made_up/a-aaaaaa: must hold one run, got 2: {names}. Name one of them."
    )
    Path("runs/none").mkdir()
    assert refused("show", "none") == "none: must hold one run, got none. See what there is: normbench list"


def test_show_in_json_holds_it_all(study):
    report = json.loads(answer("show", "made_up/a-aaaaaa/seed-1", "--json"))
    told = {"status": "diverged", "step": 16, "total_steps": 20, "choice": None, "command": "", "seed": 1}
    assert report | told == report
    assert [line["layer"] for line in report["layers"]["lines"]] == ["hidden1", "output"]
    assert next(frame for frame in report["last_frames"] if frame["step"] == 10) == {
        "layer": "hidden1",
        "step": 10,
        "weight_std": 4.0,
        "grad_std": 4.0,
        "output_std": 4.0,
    }
    assert report["settings"]["optimizer.lr"] == 0.1
    assert set(report["files"]) == {path.name for path in (study / "a-aaaaaa" / "seed-1").iterdir()}


def test_show_tells_a_run_as_it_was_trained_and_its_command_goes_on_with_it():
    Path("tiny.yaml").write_text(TINY + ARMS)
    assert normbench("run", "tiny.yaml", "--quiet", "--tune", "optimizer.lr=0.01,0.02", "--seeds", 1).code == 0
    chosen = {arm["arm"]: arm["folder"] for arm in read_json(Path("runs/tiny/study.json"))["arms"]}
    out = answer("show", f"tiny/{chosen['decayed,tuned']}")
    assert out.startswith("tiny · mlp, no norm on linear_regression · seed 0 · cpu\n  weight_decay 0.1 · dropout 0")
    assert "\ntuned    decayed,tuned: optimizer.lr " in out
    assert "status   finished · " in out
    tuning = [run for run in json.loads(answer("list", "--runs", "--json")) if run["is_tuning"]]
    assert f"seed {tuning[0]['seed']}" in answer("show", tuning[0]["folder"]).splitlines()[0]
    (folder,) = Path("runs/tiny").glob("plain-*/seed-0")
    whole = (folder / "summary.json").read_bytes()
    (folder / "summary.json").unlink()
    words = shlex.split(answer("show", folder).partition("go on    ")[2].splitlines()[0])
    assert words == ["normbench", *shlex.split("run tiny.yaml --seeds 1 --tune optimizer.lr=0.01,0.02")]
    assert normbench(*words[1:], "--quiet").code == 0
    assert (folder / "summary.json").read_bytes() == whole
    (folder / "summary.json").unlink()
    Path("tiny.yaml").unlink()
    words = shlex.split(answer("show", folder).partition("go on    ")[2].splitlines()[0])
    assert words == ["normbench", "run", f"{folder}/config.yaml"]
    assert normbench(*words[1:], "--quiet").code == 0
    assert (folder / "summary.json").read_bytes() == whole


@pytest.fixture
def planted(study):
    """Run folders in which every text is hostile."""
    evil = make_study(name=f"study{EVIL}", arms=[f"a{EVIL}"], source=EVIL, options={EVIL: EVIL}, seeds=[0, 1])
    arm = make_arm(evil, f"a{EVIL}", **{EVIL: EVIL, "norm": EVIL})
    layers = [{"name": EVIL, "shape": [1], "has_norm": False}]
    stats = [row for kind in ("weight", "grad", "activation") for row in std_rows(kind, {EVIL: 1.0})]
    run = make_run(arm, 0, stats=stats, layers=layers, status="diverged", decay_kind=EVIL)
    write_json(run / ENVIRONMENT_JSON, {"device": EVIL, "started_at": EVIL, "versions": {"torch": EVIL}})
    (run / EVIL).write_text(EVIL)
    for seed, status in ((1, "failed"), (2, "running"), (3, EVIL)):
        folder = arm / f"seed-{seed}"
        folder.mkdir()
        Owner(EVIL, pid=1, host=EVIL, status=status, error=f"{EVIL}\n{EVIL}", started_at=EVIL).write(folder)
        (folder / "error.txt").write_text(f"{EVIL}\r\n{EVIL}")
        (folder / "metrics.csv").write_text(f"{EVIL}\n{EVIL}\n")
        (folder / "config.yaml").write_text(f"study: {EVIL!r}")
    make_run(arm, 4)
    (arm / "seed-4" / "summary.json").write_text(f'{{"status": "{EVIL}"}}')
    (evil / STUDY_JSON).write_text("[" * 10_000)
    return study


@pytest.mark.usefixtures("planted")
def test_what_lies_in_a_run_folder_is_shown_as_text():
    arm = f"study{EVIL}/a{EVIL}-aaaaaa"
    listed = [
        ("list", *more) for more in ([], ["--runs"], ["--json"], ["--runs", "--json"], ["--status", EVIL], [EVIL])
    ]
    shown = [("show", f"{arm}/seed-{seed}", *more) for seed in range(5) for more in ([], ["--json"])]
    for words in [*listed, *shown, ("show", EVIL), ("show", arm), ("rm", EVIL), ("rm", f"study{EVIL}")]:
        code, out, err = normbench(*words)
        assert STEERING.findall(out + err) == []
        assert ("Traceback" in err, code in (0, 2)) == (False, True), words
        assert out or err


@pytest.mark.usefixtures("study")
def test_rm_asks_for_yes_where_there_is_no_terminal():
    line = refused("rm", "made_up/a-aaaaaa")
    assert re.fullmatch(r"rm: must be confirmed, got no terminal to ask at about 2 runs, \S+ kB\. Add --yes\.", line)
    assert "2 runs" in answer("list", "made_up/a-aaaaaa")


@pytest.mark.parametrize(("said", "left"), [("y\n", 2), ("n\n", 4), ("\n", 4)])
@pytest.mark.usefixtures("study")
def test_rm_says_what_would_go_and_asks(monkeypatch, said, left):
    stdin = StringIO(said)
    stdin.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, err = normbench("rm", "made_up/a-aaaaaa")
    assert (code, out) == (0, out)
    assert re.search(r"  runs/made_up/a-aaaaaa  2 runs, \S+ kB\ntogether 2 runs, \S+ kB\nRemove them for good\?", err)
    assert ("removed 2 runs" in out, "nothing removed" in out) == (left == 2, left == 4)
    assert len(json.loads(answer("list", "--runs", "--json"))) == left


def test_rm_leaves_a_study_that_can_be_compared_and_completed(study):
    assert answer("rm", study / "a-aaaaaa", "--yes").startswith("removed 2 runs, ")
    assert answer("compare").count(": no finished run.") == 2
    assert answer("rm", "made_up", "--yes").startswith("removed 2 runs, ")
    assert answer("list").startswith("runs: no runs yet.")


def test_rm_refuses_what_is_running_and_leaves_all(study):
    with claim_run(study / "b-aaaaaa" / "seed-2") as mine:
        line = refused("rm", "made_up/a-aaaaaa", "made_up/b-aaaaaa", "--yes")
        place = f"{study}/b-aaaaaa/seed-2: must not be running, got process {mine.owner.pid} on {mine.owner.host}"
        assert line.startswith(place)
    assert len(json.loads(answer("list", "--runs", "--json"))) == 5


def test_rm_that_cannot_empty_a_folder_says_so_and_exits_with_1(study, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("normbench.storage.removal.shutil.rmtree", refuse)
    code, out, err = normbench("rm", study, "--yes")
    assert (code, out.startswith("removed 4 runs"), err.count("\n")) == (1, True, err.count(".removed-"))


@pytest.mark.usefixtures("study")
def test_none_of_them_reaches_torch():
    words = [
        ["list", "--runs"],
        ["show", "made_up/a-aaaaaa/seed-1"],
        ["show", "made_up/b-aaaaaa/seed-1"],
        ["rm", "made_up", "--yes"],
    ]
    code = f"import sys\nfrom command_line import normbench\nfor w in {words}: assert normbench(*w).code == 0, w\n"
    code += "print(sorted({'torch', 'scipy', 'matplotlib', 'tensorboardX'} & set(sys.modules)))"
    paths = os.pathsep.join(str(Path(__file__).parents[n]) for n in (1, 2))
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
