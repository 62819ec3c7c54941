"""What lies in a run folder or a config cannot steer the terminal, whichever command shows it."""

import re
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study, std_rows

from normbench.storage.files.json_files import read_json, write_json
from normbench.storage.run_folder import ENVIRONMENT_JSON, STUDY_JSON

EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202edesrever\x7f[bold red]loud"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def assert_plain(answer):
    assert STEERING.findall(answer.out + answer.err) == []
    assert "Traceback" not in answer.err


@pytest.fixture(scope="module")
def claim():
    expect = {"less": f"a{EVIL}", "than": "b", "by": 0.1}
    source = {"title": EVIL, "quote": EVIL, "url": EVIL}
    return {"id": EVIL, "says": EVIL, "source": source, "metric": "test_loss", "expect": expect, "discussion": EVIL}


@pytest.fixture
def planted(claim):
    """A study of two arms in which every text that can be another is hostile."""
    layer, name = f"hidden{EVIL}", f"a{EVIL}"
    said = {"question": EVIL, "source": EVIL, "quotes": {name: EVIL, "b": EVIL}, "baseline": "b", "set": [EVIL]}
    study = make_study(name=f"study{EVIL}", arms=["b"], claims=[claim], seeds=[0, 1], options={EVIL: EVIL}, **said)
    content = read_json(study / STUDY_JSON)
    content["arms"].append({"arm": name, "identity": "aaaaaa", "folder": f"a{EVIL}-aaaaaa"})
    write_json(study / STUDY_JSON, content | {"tune": {EVIL: [EVIL]}})
    for arm, value in ((name, EVIL), ("b", "\ud800\udcff"), (f"left{EVIL}", 1)):
        folder = make_arm(study, arm, **{EVIL: value, "norm": arm})
        for seed in (0, 1):
            metrics = [{"step": 0, "test_loss": 1.0 + seed, EVIL: 1}, {"step": 20, "test_loss": 0.5, EVIL: 2}]
            layers = [{"name": layer, "shape": [3, 2], "has_norm": False}]
            stats = [row for kind in ("weight", "grad", "activation") for row in std_rows(kind, {layer: 1.0})]
            run = make_run(folder, seed, metrics, stats, layers=layers, decay_kind=EVIL)
            versions = {"python": EVIL, "device": EVIL, "versions": {EVIL: EVIL}, "started_at": EVIL}
            write_json(run / ENVIRONMENT_JSON, versions | {"cpu_s_per_step": 0.1})
    return study


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--json"],
        ["--csv"],
        ["--markdown"],
        ["--methods"],
        ["--metric", EVIL],
        ["--metric", f"weight.std@hidden{EVIL}"],
        ["--metric", "no_such_column"],
        ["--metric", "weight.std@nowhere"],
        ["--by", EVIL],
        ["--by", "no_such_key"],
        ["--where", f"norm=a{EVIL}"],
        ["--where", f"{EVIL}=3"],
        ["--baseline", EVIL],
        ["--fail-if", "test_loss>0.1"],
        ["--fail-if", EVIL],
        ["--runs-dir", EVIL],
        [f"--{EVIL}"],
    ],
    ids=str,
)
@pytest.mark.usefixtures("planted")
def test_compare_shows_a_planted_run_folder_as_text(options):
    answer = normbench("compare", *options)
    assert answer.out or answer.err
    assert_plain(answer)


@pytest.mark.usefixtures("planted")
def test_what_is_shown_of_it_can_be_read():
    code, out, err = normbench("compare")
    assert (err, code) == ("", 0)
    assert "\\u001b[31mred\\u001b]0;title\\u0007\\u009b2J\\u202edesrever\\u007f" in out
    assert "[bold red]loud" in out


@pytest.mark.parametrize(
    "broken",
    [
        {"study.json": '{"arms": [{"arm": "\\u001b[31m"}]}'},
        {"study.json": f"{EVIL}"},
        {"study.json": '"\\u001b[31m"'},
        {"*/arm.json": '{"\\u001b[31m": 1}'},
        {"*/seed-0/summary.json": '{"\\u001b[31m": "\\u009b"}'},
        {"*/seed-0/metrics.csv": f"{EVIL}\r"},
        {"*/seed-0/environment.json": f"[{EVIL}]"},
    ],
    ids=str,
)
def test_what_is_said_of_a_damaged_run_folder_is_text(planted, broken):
    ((pattern, content),) = broken.items()
    for path in planted.glob(pattern):
        path.write_text(content, encoding="utf-8")
    answer = normbench("compare")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert_plain(answer)


def test_claims_that_were_never_run_are_text():
    Path("a.yaml").write_text(
        TINY + ARMS + 'claims: [{says: "\\e[31mred", id: "\\x9b", metric: test_loss, source: {quote: "\\u202e\\r"}, '
        'expect: {less: plain, than: decayed, by: 0.1}}]\nquotes: {"\\e[31m": "\\e[31m"}\n'
    )
    for options in ([], ["--json"]):
        answer = normbench("claims", "a.yaml", *options)
        assert answer.code == 0
        assert "\\u001b[31mred" in answer.out
        assert_plain(answer)


def test_run_shows_a_question_and_a_folder_as_text():
    Path("a.yaml").write_text(TINY.replace("Does it", "Does \u202e it") + ARMS)
    for options in ([], ["--json"], ["--dry-run"]):
        answer = normbench("run", "a.yaml", "--runs-dir", f"runs{EVIL}", *options)
        assert answer.code == 0
        assert_plain(answer)
    assert "Does \\u202e it" in normbench("compare", "--runs-dir", f"runs{EVIL}").out


def test_a_run_that_fails_says_so_as_text(monkeypatch):
    def fail(*_args, **_options):
        raise OSError(EVIL)

    monkeypatch.setattr("normbench.scheduling.one_job.run_experiment", fail)
    Path("a.yaml").write_text(TINY)
    answer = normbench("run", "a.yaml")
    assert answer.code == 1
    assert "OSError: \\u001b[31mred" in answer.err
    assert_plain(answer)


MISTAKES = {
    "a value": 'model: "\\e[31mred"\ndataset: linear_regression\n',
    "a key": 'model: mlp\ndataset: linear_regression\n"\\e[31m\\nline": 1\n',
    "an arm": 'model: mlp\ndataset: linear_regression\narms: {"a\\n\\e[2Jb": {}}\n',
    "a setting of an arm": 'model: mlp\ndataset: linear_regression\narms: {a: {"\\x9b\\n": 1}}\n',
    "a grid": 'model: mlp\ndataset: linear_regression\ngrid: {"norm.\\e[31m\\n": [1, 2]}\n',
    "a study": 'study: "\\e[31m\\u202e"\nmodel: mlp\ndataset: linear_regression\n',
    "a baseline": f'{TINY}{ARMS}baseline: "\\e[31m\\n"\n',
    "a tag": 'model: !<\\e[31m> "x"\ndataset: linear_regression\n',
    "a given key twice": '"\\e\\n": 1\n"\\e\\n": 1\n',
    "a claim": f'{TINY}{ARMS}claims: [{{"\\e[31m\\n": 1, says: a, expect: b}}]\n',
    "a claim's arm": f'{TINY}{ARMS}claims: [{{says: a, metric: b, expect: {{less: "\\e[1m", than: "\\n", by: 1}}}}]\n',
    "control characters": "model: \x1b[31m\n",
    "marks that turn text": "model: \u202emlp\n\u2066: 1\n",
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_config_is_told_in_one_line_of_text(text):
    Path(f"a{EVIL}.yaml").write_text(text, encoding="utf-8")
    answer = normbench("run", f"a{EVIL}.yaml", "--dry-run")
    assert (answer.code, answer.out) == (2, "")
    lines = answer.err.splitlines()
    assert lines
    assert all(line.startswith("a\\u001b[31mred") for line in lines)
    assert_plain(answer)


def test_a_mistake_in_an_option_is_told_in_one_line_of_text():
    Path("a.yaml").write_text(TINY)
    for option in ("--set", "--vary", "--tune"):
        for text in (f"norm={EVIL}", f"{EVIL}\n=1,2", f"{EVIL}\n"):
            answer = normbench("run", "a.yaml", option, text, "--dry-run")
            assert answer.code == 2
            assert all(line.startswith(option) for line in answer.err.splitlines())
            assert_plain(answer)
