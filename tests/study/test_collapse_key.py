"""The key collapse: what it takes, what it leaves alone, and each mistake with its place and way out."""

import json
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY

from normbench.errors import ConfigError
from normbench.evidence.comparison.collapses import METRICS, limit_word, read_collapse_rule
from normbench.scheduling.plan import make_plan, study_content
from normbench.study.load import load_study

VALUES = "model: mlp\ndataset: linear_regression\nbatch_size: 10\n"
CLASSES = "model: mlp\ndataset: gaussian_clusters\n"
NAMES = "train_loss, train_accuracy, validation_loss, validation_accuracy, test_loss, test_accuracy"
FORM = "must be false, or a mapping of metric and below or above"
BELOW = "Example: collapse: {metric: train_accuracy, below: 0.5}"
ABOVE = "Example: collapse: {metric: train_loss, above: 1.0}"


def load(said, head=CLASSES, more=""):
    Path("a.yaml").write_text(f"{head}collapse: {said}\n{more}", encoding="utf-8")
    return load_study(Path("a.yaml"))


def complaints_of(said, head=CLASSES, more=""):
    with pytest.raises(ConfigError) as error:
        load(said, head, more)
    return [line.removeprefix(f"a.yaml:{head.count(chr(10)) + 1}: ") for line in error.value.complaints]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("true", f"collapse: {FORM}, got True. {BELOW}"),
        ("never", f"collapse: {FORM}, got 'never'. {BELOW}"),
        ("0.5", f"collapse: {FORM}, got 0.5. {BELOW}"),
        ("[train_loss, 1]", f"collapse: {FORM}, got ['train_loss', 1]. {BELOW}"),
        (
            "{metric: train_acc, below: 0.5}",
            f"collapse.metric: must be a known name, got 'train_acc'. Did you mean 'train_accuracy'? One of: {NAMES}.",
        ),
        ("{metric: [1, 2], above: 1}", f"collapse.metric: must be a known name, got [1, 2]. One of: {NAMES}."),
        ("{below: 0.5}", f"collapse.metric: must be a known name, got nothing. Add it. One of: {NAMES}."),
        ("{metric: train_loss}", f"collapse: must hold above, the limit, got {{'metric': 'train_loss'}}. {ABOVE}"),
        (
            "{metric: train_accuracy, above: 0.5}",
            f"collapse.above: must be below for train_accuracy, of which higher is better, got above. {BELOW}",
        ),
        (
            "{metric: test_loss, below: 0.5}",
            f"collapse.below: must be above for test_loss, of which lower is better, got below. {ABOVE}",
        ),
        *(
            (
                f"{{metric: train_accuracy, below: {value}}}",
                f"collapse.below: must be a number above 0, at most 1, as accuracies are, got {shown}. {BELOW}",
            )
            for value, shown in (("50", "50"), ("50 %", "'50 %'"), ("0", "0"), ("true", "True"), (".nan", "nan"))
        ),
        *(
            (
                f"{{metric: train_loss, above: {value}}}",
                f"collapse.above: must be a number above 0, got {shown}. {ABOVE}",
            )
            for value, shown in (("-1", "-1"), (".inf", "inf"), ("", "None"))
        ),
        (
            "{metric: train_loss, above: 1, belw: 2}",
            "collapse.belw: must be a key of collapse, got 'belw'. Did you mean 'below'? Keys: metric, below, above.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_key_and_the_way_out(said, message):
    assert complaints_of(said) == [message]


def test_all_mistakes_are_told_at_once_with_those_of_the_rest_of_the_file():
    found = complaints_of("{metric: x, below: 7, above: -1, limit: 3}", more="seeds: 0\nnorm: groupnorm\n")
    keys = ["seeds", "collapse.limit", "collapse.metric", "collapse.below", "collapse.above", "norm"]
    assert [line.removeprefix("a.yaml:4: ").removeprefix("a.yaml:5: ").partition(":")[0] for line in found] == keys


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric.endswith("accuracy")])
def test_an_accuracy_is_refused_where_an_arm_has_none(metric):
    more = "arms: {clusters: {}, line: {dataset: linear_regression}}\nbatch_size: 10\n"
    names = "train_loss, validation_loss, test_loss"
    (told,) = complaints_of(f"{{metric: {metric}, below: 0.5}}", more=more)
    assert told.startswith(f"collapse.metric: must be recorded for linear_regression (arm line), got '{metric}'. ")
    assert told.endswith(f"One of: {names}.")


def test_without_targets_there_is_nothing_to_set():
    head = "model: mlp\ndataset: gaussian_noise\nnum_steps: 0\n"
    rule = "collapse.metric: must not be given for gaussian_noise (arm none), got 'train_loss'."
    way_out = "It has no targets: leave collapse out."
    assert complaints_of("{metric: train_loss, above: 1}", head) == [f"{rule} {way_out}"]
    assert load("false", head).collapse is False


@pytest.mark.parametrize("said", ["false", "", "{metric: train_accuracy, below: 0.5}", "{metric: test_loss, above: 2}"])
def test_it_goes_to_study_json_and_changes_no_run(said):
    plain, ruled = (make_plan(study, Path("runs")) for study in (load(""), load(said)))
    assert ruled.identities == plain.identities
    assert [run.folder for run in ruled.runs] == [run.folder for run in plain.runs]
    content = json.loads(json.dumps(study_content(ruled)))
    assert content["collapse"] == ruled.study.collapse
    read_collapse_rule(content, Path("study.json"))


def test_it_is_no_setting_of_the_command_line():
    load("")
    answer = normbench("run", "a.yaml", "--set", "collapse=false")
    place = "--set collapse=false: collapse"
    assert (answer.code, answer.err) == (
        2,
        f"{place}: must be a setting of a run, got a key of the study. Edit the file.\n",
    )


@pytest.mark.usefixtures("small_test_sets")
@pytest.mark.parametrize("dataset", ["linear_regression", "gaussian_clusters"])
def test_what_a_file_may_name_is_what_runs_record(dataset):
    Path("tiny.yaml").write_text(TINY.replace("linear_regression", dataset), encoding="utf-8")
    assert normbench("run", "tiny.yaml", "--quiet").code == 0
    recorded = json.loads(next(Path("runs").glob("*/*/seed-0/summary.json")).read_text(encoding="utf-8"))["metrics"]
    for metric in METRICS:
        said = f"{{metric: {metric}, {limit_word(metric)}: 0.5}}"
        head = f"model: mlp\ndataset: {dataset}\nbatch_size: 5\n"
        if metric in recorded:
            assert load(said, head).collapse["metric"] == metric
        else:
            assert complaints_of(said, head)


@pytest.fixture
def ran():
    """Write a study that learns next to nothing in four steps, and run it."""
    Path("tiny.yaml").write_text(TINY + ARMS + "seeds: 3\n", encoding="utf-8")
    assert normbench("run", "tiny.yaml", "--quiet").code == 0


def compared(*words):
    return json.loads(normbench("compare", "runs/tiny", "--json", *words).out)[0]


LATE = "The collapse rule was changed after runs had finished."


@pytest.mark.usefixtures("ran")
def test_a_rule_that_comes_after_runs_holds_and_is_told_until_the_runs_are_gone():
    assert LATE not in normbench("compare").out
    for limit in ("0.0001", "1.0e9"):
        Path("tiny.yaml").write_text(
            f"{TINY}{ARMS}seeds: 3\ncollapse: {{metric: train_loss, above: {limit}}}\n", encoding="utf-8"
        )
        assert LATE in normbench("run", "tiny.yaml", "--quiet").out
        assert {row["num_collapsed"] for row in compared()["rows"]} == {3 if limit == "0.0001" else 0}
    assert LATE in normbench("run", "tiny.yaml", "--quiet").out  # the same rule as the last time, but not as the first
    assert normbench("rm", "runs/tiny", "--yes").code == 0
    assert LATE not in normbench("run", "tiny.yaml", "--quiet").out


@pytest.mark.usefixtures("ran")
def test_a_rule_before_the_first_run_and_more_seeds_are_no_change():
    assert LATE not in normbench("run", "tiny.yaml", "--quiet", "--seeds", "4").out
    head = "study: other\ncollapse: false\n"
    Path("other.yaml").write_text(head + TINY + ARMS, encoding="utf-8")
    assert LATE not in normbench("run", "other.yaml", "--quiet").out


@pytest.mark.usefixtures("ran")
def test_claims_of_a_file_whose_rule_changed_wait_for_a_new_run():
    claims = "claims: [{says: so, metric: test_loss, expect: {less: plain, than: decayed, by: 0.1}}]\n"
    for more in ("", "collapse: false\n"):
        Path("tiny.yaml").write_text(TINY + ARMS + "seeds: 3\n" + claims + more, encoding="utf-8")
        before = json.loads(normbench("claims", "tiny.yaml", "--json").out)[0]
        assert before["verdict"] == "not run"
        assert normbench("run", "tiny.yaml", "--quiet").code == 0
        assert json.loads(normbench("claims", "tiny.yaml", "--json").out)[0]["verdict"] != "not run"
