"""What normbench tensorboard serves: runs under short names, only those asked for, and new ones when they are there."""

from pathlib import Path

import pytest
from made_up_runs import make_arm, make_run, make_study
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import DATA_TYPE_FLOAT64, DATA_TYPE_STRING

from normbench.errors import RunFolderError
from normbench.report.board.about_run import PAGE
from normbench.report.board.columns import choose_columns
from normbench.report.board.served_folder import ServedFolder, runs_of
from normbench.storage.run_states import RunState
from normbench.storage.run_status import RunStatus

RUNS = Path("runs")
LOSSES = [{"step": 0, "train_loss": 1.0, "test_loss": 1.5}]


def add_run(arm, seed=0, rows=LOSSES):
    make_run(arm, seed, rows)
    (arm / f"seed-{seed}" / "events.out.tfevents.1").write_bytes(b"")


@pytest.fixture
def two_arms():
    """A study of two arms with two seeds, its mean curves and its fitted curves."""
    study = make_study(RUNS, "decay", arms=["plain", "decayed"], baseline="plain")
    for arm, decay in (("plain", 0.0), ("decayed", 0.1)):
        folder = make_arm(study, arm, weight_decay=decay, norm="none")
        for seed in range(2):
            add_run(folder, seed)
        for part in (f"summary/{arm}/mean of 2 seeds", "curves/seed-0", "curves/seed-1"):
            (study / part).mkdir(parents=True, exist_ok=True)
    return study


def served(*paths, seed=None, find=None):
    folder = Path("served")
    folder.mkdir()
    return ServedFolder(folder, find or (lambda: runs_of(paths or [RUNS], seed)))


def names(of):
    """The names of the served runs: links to their folders, and the run about the studies."""
    return {str(path.relative_to(of.folder)) for path in of.folder.rglob("*") if path.is_symlink()} | {
        path.name for path in of.folder.glob("about*")
    }


WHOLE = {"about", "decay/fitted curves/seed-0", "decay/fitted curves/seed-1"} | {
    f"decay/{arm}/{run}" for arm in ("plain", "decayed") for run in ("seed-0", "seed-1", "mean of 2 seeds")
}


def test_runs_are_named_by_study_arm_and_seed(two_arms):
    board = served()
    board.update()
    assert names(board) == WHOLE
    assert (board.folder / "decay/plain/seed-1").resolve() == (two_arms / "plain-aaaaaa" / "seed-1").resolve()


@pytest.mark.usefixtures("two_arms")
@pytest.mark.parametrize(
    ("path", "seed", "expected"),
    [
        ("decay", None, WHOLE),
        ("decay/plain-aaaaaa", None, {name for name in WHOLE if "decayed" not in name}),
        ("decay/plain-aaaaaa/seed-1", None, {"decay/plain/seed-1", "decay/fitted curves/seed-1"}),
        ("decay", 1, {name for name in WHOLE if not name.endswith("seed-0")}),
        ("decay", 7, {"about"}),
    ],
)
def test_only_what_is_asked_for_is_served(path, seed, expected):
    make_run(make_arm(make_study(RUNS, "other", arms=["none"])))
    board = served(RUNS / path, seed=seed)
    board.update()
    assert names(board) == expected | {"about"} | ({"decay/plain/mean of 2 seeds"} if "seed-1" in path else set())


def test_arms_of_one_name_keep_their_digits_and_studies_of_one_name_get_a_number(two_arms):
    add_run(make_arm(two_arms, "plain", identity="bbbbbb"))
    add_run(make_arm(make_study(Path("others"), "decay", arms=["none"])))
    board = served(RUNS, Path("others"))
    board.update()
    assert {name for name in names(board) if name.endswith("seed-0")} == {
        "decay/decayed/seed-0",
        "decay/plain-aaaaaa/seed-0",
        "decay/plain-bbbbbb/seed-0",
        "decay (2)/none/seed-0",
        "decay/fitted curves/seed-0",
    }


def test_new_runs_appear_and_removed_ones_go(two_arms):
    board = served()
    board.update()
    add_run(two_arms / "plain-aaaaaa", 2)
    for path in sorted((two_arms / "decayed-aaaaaa" / "seed-1").iterdir()):
        path.unlink()
    (two_arms / "decayed-aaaaaa" / "seed-1").rmdir()
    board.update()
    assert {name for name in names(board) if "seed-" in name and "fitted" not in name} == {
        *(f"decay/plain/seed-{seed}" for seed in range(3)),
        "decay/decayed/seed-0",
    }


def read_about(board):
    """Return the name of the run about the studies, its columns and its page, by TensorBoard's own reader."""
    (run,) = board.folder.glob("about*")
    found = EventMultiplexer({run.name: str(run)}).Reload()
    content = found.PluginRunToTagToContent(metadata.PLUGIN_NAME)[run.name][metadata.EXPERIMENT_TAG]
    page = found.Tensors(run.name, f"decay/{PAGE}")[0].tensor_proto.string_val[0].decode()
    return run.name, metadata.parse_experiment_plugin_data(content), page


@pytest.mark.usefixtures("two_arms")
def test_the_page_has_question_answer_and_settings_and_hparams_what_differs():
    board = served()
    board.update()
    run, columns, page = read_about(board)
    assert run == "about"
    assert [(info.name, info.type) for info in columns.hparam_infos] == [("weight_decay", DATA_TYPE_FLOAT64)]
    interval = columns.hparam_infos[0].domain_interval
    assert (interval.min_value, interval.max_value) == (0.0, 0.1)
    assert [info.name.tag for info in columns.metric_infos] == ["loss/test", "loss/train"]
    assert page.startswith("### decay · Is it made up?")
    assert "**ANSWER**" in page
    assert "- norm: none" in page
    assert "| arm | weight\\_decay |\n| --- | --- |\n| decayed | 0.1 |\n| plain | 0.0 |" in page


def test_while_a_run_is_made_there_is_no_answer_and_then_one_under_another_name(two_arms):
    found = runs_of([RUNS])
    made = [RunState(run.arm, run.name, run.seed, RunStatus.RUNNING, 0.0) for run in found]
    shown = [made]
    board = served(find=lambda: shown[0])
    board.update()
    _, _, page = read_about(board)
    assert "ANSWER" not in page
    assert "will stand here" in page
    shown[0] = found
    board.update()
    run, _, page = read_about(board)
    assert (run, "**ANSWER**" in page) == ("about (2)", True)
    board.update()
    assert read_about(board)[0] == "about (2)"
    make_arm(two_arms, "decayed", weight_decay=0.1, norm="batch_norm")
    board.update()
    types = {info.name: info.type for info in read_about(board)[1].hparam_infos}
    assert types == {"weight_decay": DATA_TYPE_FLOAT64, "norm": DATA_TYPE_STRING}


@pytest.mark.usefixtures("two_arms")
def test_a_study_that_cannot_be_read_says_so_on_its_page():
    (RUNS / "decay" / "study.json").write_text("{", encoding="utf-8")
    board = served()
    board.update()
    assert "study.json" in read_about(board)[2]


def test_the_metric_that_most_runs_have_comes_first():
    runs = []
    for name, row in (("a", {"step": 0, "test_accuracy": 1, "test_loss": 1}), ("b", {"step": 0, "test_loss": 1})):
        arm = make_arm(make_study(RUNS, name, arms=["none"]))
        add_run(arm, rows=[row])
        runs.append(arm / "seed-0")
    assert choose_columns([], runs[:1]).metrics == ["accuracy/test", "loss/test"]
    assert choose_columns([], runs).metrics == ["loss/test", "accuracy/test"]


@pytest.mark.usefixtures("two_arms")
def test_where_no_link_can_be_made_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(Path, "symlink_to", lambda *_, **__: (_ for _ in ()).throw(OSError(1, "not permitted")))
    rule = "must be a folder in which links can be made, got: not permitted. Set TMPDIR to another folder."
    with pytest.raises(RunFolderError) as refusal:
        served().update()
    assert str(refusal.value).endswith(rule)
