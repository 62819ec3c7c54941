"""What TensorBoard's own reader finds in a run's folder, and that the CSV files say the same."""

import csv
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.distribution.compressor import compress_histogram_proto
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboardX.proto.summary_pb2 import HistogramProto

from normbench.inspection.watch.frame import Frame
from normbench.inspection.watch.layer_stats import layer_of
from normbench.scheduling.schedule import run_study
from normbench.storage.histogram_table import NUM_BINS, read_histograms
from normbench.storage.run_folder import HISTOGRAMS_NPZ, Run
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.training.build import build_training
from normbench.training.experiment import run_experiment
from normbench.training.loop import train
from normbench.training.recorders.event_values import histogram_values
from normbench.training.recorders.histograms import histograms_of
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.recorders.study_files import write_pictures
from normbench.training.recorders.tags import scalar_tag
from normbench.training.recorders.tensorboard import TensorBoardRecorder

WEIGHT_DECAY = Path(__file__).parents[3] / "configs" / "weight_decay.yaml"
STEPS = [0, 5, 10, 15, 20]
KEEP_ALL = dict.fromkeys(("histograms", "scalars", "images", "tensors"), 0)


def read_back(folder):
    return EventAccumulator(str(folder), size_guidance=KEEP_ALL).Reload()


def histogram_tags(board):
    return set(board.Tags()["histograms"])


def remembered(config, seed):
    """Train the same run again and keep its frames: with the same config and seed they are the same."""
    training, _ = build_training(config, seed)
    recorder = MemoryRecorder()
    train(training, config.total_steps, config.every_steps, recorder)
    return recorder.frames


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every run of the study, shortened, with what TensorBoard reads and what was to be seen."""
    torch.set_num_threads(1)
    study = load_study(WEIGHT_DECAY, set_=["num_steps=20", "recording.every_steps=5"], seeds=2)
    done = [progress.run for progress in run_study(study, tmp_path_factory.mktemp("runs"))]
    return [(run, read_back(run.folder), remembered(run.config, run.seed)) for run in done]


def short_run(folder, num_steps=4, **recording):
    settings = {"model": {"name": "mlp", "hidden_features": [4]}, "dataset": "linear_regression", "batch_size": 10}
    config = RunConfig.model_validate(settings | {"num_steps": num_steps, "recording": {"every_steps": 2} | recording})
    folder.mkdir()
    run_experiment(config, 0, folder, study="short", arm="only")
    return read_back(folder)


def test_each_parameter_has_a_weight_and_a_gradient_histogram_at_the_steps_asked_for(runs):
    assert len(runs) == 4
    for _, board, frames in runs:
        names = list(frames[0].weights)
        assert len(names) == 8
        assert histogram_tags(board) == {f"{kind}/{name}" for kind in ("weight", "grad") for name in names}
        for tag in histogram_tags(board):
            assert [event.step for event in board.Histograms(tag)] == STEPS, tag


def test_histograms_say_what_the_tensors_say(runs):
    for _, board, frames in runs:
        for tag in histogram_tags(board):
            kind, _, name = tag.partition("/")
            for event, frame in zip(board.Histograms(tag), frames, strict=True):
                found, tensor = event.histogram_value, frame.tensors()[kind][name]
                assert (found.num, sum(found.bucket)) == (tensor.numel(), tensor.numel()), tag
                assert (found.min, found.max) == (tensor.min().item(), tensor.max().item()), tag


def test_histograms_npz_holds_what_the_event_file_was_written_from(runs):
    for run, board, _ in runs:
        table = read_histograms(Run(run.folder, run.seed))
        assert table.steps.tolist() == STEPS
        assert {f"{kind}/{name}" for kind, name in zip(table.kinds, table.names, strict=True)} == histogram_tags(board)
        for i, (kind, name) in enumerate(zip(table.kinds, table.names, strict=True)):
            for row, event in enumerate(board.Histograms(f"{kind}/{name}")):
                found = event.histogram_value
                for key in ("min", "max", "sum", "sum_squares", "num"):
                    assert getattr(found, key) == getattr(table, key)[row, i]
                edges = np.array([found.min, *found.bucket_limit])
                shares = np.linspace(found.min, found.max, 200)
                whole = [table.min[row, i], *table.right_edges[row, i]], [0, *table.counts[row, i].cumsum()]
                expected = np.interp(shares, *whole)  # how many values lie below, a bin's spread evenly as it is drawn
                np.testing.assert_allclose(np.interp(shares, edges, [0, *np.cumsum(found.bucket)]), expected, rtol=1e-9)


def test_tensorboard_s_own_percentiles_are_those_of_all_bins():
    for seed, size in enumerate([1, 2, 5, 40, 3000]):
        tensor = torch.randn(size, generator=torch.Generator().manual_seed(seed))
        table = histograms_of({("weight", "a"): tensor, ("weight", "b"): tensor.round()}, 0)
        for i, value in enumerate(histogram_values(table)):
            ends = {key: getattr(value.histo, key) for key in ("min", "max", "num")}
            bins = {"bucket_limit": table.right_edges[0, i].tolist(), "bucket": table.counts[0, i].tolist()}
            whole = HistogramProto(**ends, **bins)
            assert len(value.histo.bucket) <= min(NUM_BINS, 2 * size)
            assert compress_histogram_proto(value.histo) == compress_histogram_proto(whole)


def test_the_arms_differ_and_so_do_the_seeds(runs):
    lasts = [board.Histograms("weight/hidden2.weight")[-1].histogram_value.sum_squares for _, board, _ in runs]
    assert len(set(lasts)) == 4


def test_points_csv_has_every_sample_and_the_truth_on_the_curves_grid(runs):
    for run, _, _ in runs:
        points = list(csv.DictReader((run.folder / "points.csv").read_text().splitlines()))
        truth = [point for point in points if point["split"] == "noise_free"]
        assert {point["split"] for point in points} == {"train", "validation", "test", "noise_free"}
        with (run.folder / "curve.csv").open() as file:
            assert [point["x"] for point in truth] == next(csv.reader(file))[1:]
        assert [float(point["y"]) for point in truth] == pytest.approx([1.5 * float(p["x"]) for p in truth], abs=1e-6)


def test_the_roughness_is_of_the_curve_of_its_row(runs):
    for run, board, _ in runs:
        rows = list(csv.DictReader((run.folder / "metrics.csv").read_text().splitlines()))
        curves = list(csv.reader((run.folder / "curve.csv").read_text().splitlines()))[1:]
        for row, (_, *fit) in zip(rows, curves, strict=True):
            f = list(map(float, fit))
            bends = [(a - 2 * b + c) ** 2 for a, b, c in zip(f, f[1:], f[2:], strict=False)]
            assert float(row["roughness"]) == pytest.approx(sum(bends), rel=1e-9)
        assert [event.step for event in board.Scalars("roughness")] == STEPS


def test_scalars_are_the_columns_of_metrics_csv(runs):
    for run, board, _ in runs:
        rows = list(csv.DictReader((run.folder / "metrics.csv").read_text().splitlines()))
        columns = [column for column in rows[0] if column != "step"]
        assert set(board.Tags()["scalars"]) == {scalar_tag(column) for column in columns}
        for column in columns:
            written = {int(row["step"]): float(row[column]) for row in rows if row[column]}
            seen = {event.step: event.value for event in board.Scalars(scalar_tag(column))}
            assert list(seen) == (STEPS[1:] if column.startswith("batch_loss") else STEPS)
            assert seen == pytest.approx(written, rel=1e-6)  # events hold float32


def test_layer_stats_csv_is_of_the_same_tensors(runs):
    for run, _, frames in runs:
        rows = list(csv.DictReader((run.folder / "layer_stats.csv").read_text().splitlines()))
        stds = {(int(row["step"]), row["layer"], row["kind"]): float(row["std"]) for row in rows}
        expected = {
            (frame.step, layer_of(name), kind): tensor.double().std(correction=0).item()
            for frame in frames
            for kind, tensors in frame.tensors().items()
            for name, tensor in tensors.items()
        }
        assert stds == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_the_config_stands_in_tensorboard_as_text(runs):
    for run, board, _ in runs:
        (event,) = board.Tensors("config/text_summary")
        lines = [line.removeprefix("    ") for line in event.tensor_proto.string_val[0].decode().splitlines()]
        assert lines == (run.folder / "config.yaml").read_text().splitlines()


def test_hparams_name_the_group_of_the_arm_and_leave_the_experiment_out(runs):
    for run, board, _ in runs:
        content = board.PluginTagToContent("hparams")
        assert set(content) == {"_hparams_/session_start_info", "_hparams_/session_end_info"}
        info = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
        assert info.group_name == run.folder.parent.name == f"{run.arm}-{run.identity.short}"
        assert info.hparams["weight_decay"].number_value == run.config.weight_decay
        assert info.hparams["optimizer"].string_value == "sgd"
        assert info.hparams["model.bias"].bool_value is True


def test_runs_of_one_arm_share_a_group_and_arms_do_not(runs):
    groups = {
        HParamsPluginData.FromString(
            board.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        ).session_start_info.group_name
        for _, board, _ in runs
    }
    assert len(groups) == 2


@pytest.mark.parametrize("kinds", [["activation"], ["update"], ["weight", "activation", "update"], []])
def test_only_the_kinds_asked_for_get_histograms(tmp_path, kinds):
    board = short_run(tmp_path / "run", histograms=kinds)
    assert {tag.partition("/")[0] for tag in histogram_tags(board)} == set(kinds)
    assert (tmp_path / "run" / HISTOGRAMS_NPZ).exists() == bool(kinds)
    for tag in histogram_tags(board):  # no step follows the end, so nothing is updated there
        assert [event.step for event in board.Histograms(tag)] == ([0, 2] if tag.startswith("update") else [0, 2, 4])


def test_without_tensorboard_neither_an_event_file_nor_histograms_are_written(tmp_path):
    short_run(tmp_path / "run", tensorboard=False)
    assert not list((tmp_path / "run").glob("events*"))
    assert not (tmp_path / "run" / HISTOGRAMS_NPZ).exists()
    assert (tmp_path / "run" / "layer_stats.csv").is_file()


def frame_of(step, weight):
    return Frame(step, {"train_loss": float(step)}, {"a.weight": weight}, {}, {}, {})


def test_many_steps_are_thinned_to_what_tensorboard_keeps(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=2500) as recorder:
        for step in range(2500):
            recorder.record(frame_of(step, torch.ones(1)))
    board = read_back(tmp_path)
    assert [event.step for event in board.Histograms("weight/a.weight")] == [*range(0, 2500, 6), 2499]
    assert [event.step for event in board.Scalars("loss/train")] == list(range(0, 2500, 3))
    written = {event.step for event in EventFileLoader(str(next(tmp_path.glob("events*")))).Load()}
    assert written == {*range(0, 2500, 3), 2499}  # steps left out of both leave no record


def test_five_hundred_steps_are_all_kept(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=500) as recorder:
        for step in range(500):
            recorder.record(frame_of(step, torch.ones(1)))
    assert len(read_back(tmp_path).Histograms("weight/a.weight")) == 500


def test_what_was_recorded_can_be_read_before_the_run_ends(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=3) as recorder:
        recorder.record(frame_of(0, torch.tensor([1.0, 2.0])))
        assert read_back(tmp_path).Histograms("weight/a.weight")[0].histogram_value.num == 2


@pytest.mark.parametrize(("values", "share", "num"), [([1.0, torch.nan, 3.0, torch.inf], 0.5, 2), ([torch.nan], 1, 0)])
def test_values_that_are_not_finite_are_shown_as_a_share(tmp_path, values, share, num):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=1) as recorder:
        recorder.record(frame_of(7, torch.tensor(values)))
    board = read_back(tmp_path)
    assert [(event.step, event.value) for event in board.Scalars("nonfinite_share/weight/a.weight")] == [(7, share)]
    assert histogram_tags(board) == ({"weight/a.weight"} if num else set())
    assert all(event.histogram_value.num == num for tag in histogram_tags(board) for event in board.Histograms(tag))


def test_of_an_empty_tensor_nothing_is_shown(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=1) as recorder:
        recorder.record(frame_of(0, torch.empty(0)))
    board = read_back(tmp_path)
    assert histogram_tags(board) == set()
    assert board.Tags()["scalars"] == ["loss/train"]


def test_recorders_of_several_runs_do_not_know_of_each_other(tmp_path):
    frames = {seed: [frame_of(step, torch.full((2,), seed)) for step in range(3)] for seed in (1.0, 2.0)}

    def record(name, *seeds):
        """Record runs side by side, each step of all before the next."""
        with ExitStack() as stack:
            recorders = {}
            for seed in seeds:
                folder = tmp_path / name / str(seed)
                folder.mkdir(parents=True)
                recorders[seed] = stack.enter_context(TensorBoardRecorder(folder, ["weight"], 3))
            for step in range(3):
                for seed, recorder in recorders.items():
                    recorder.record(frames[seed][step])
            for recorder in recorders.values():
                recorder.finish(succeeded=True)

    record("together", *frames)
    for seed in frames:
        record("apart", seed)
        found, alone = (tmp_path / name / str(seed) for name in ("together", "apart"))
        assert (found / HISTOGRAMS_NPZ).read_bytes() == (alone / HISTOGRAMS_NPZ).read_bytes()
        assert [event.value for event in read_back(found).Scalars("loss/train")] == [0.0, 1.0, 2.0]
        assert [event.histogram_value.min for event in read_back(found).Histograms("weight/a.weight")] == [seed] * 3


def test_a_loss_that_is_not_finite_stays_out_of_tensorboard(tmp_path, capfd):
    with TensorBoardRecorder(tmp_path, [], num_frames=2) as recorder:
        recorder.record(Frame(0, {"train_loss": 2.0, "test_loss": 3.0}, {}, {}, {}, {}))
        recorder.record(Frame(1, {"train_loss": torch.inf, "test_loss": torch.nan}, {}, {}, {}, {}))
    board = read_back(tmp_path)
    assert [(event.step, event.value) for event in board.Scalars("loss/train")] == [(0, 2.0)]
    assert [(event.step, event.value) for event in board.Scalars("loss/test")] == [(0, 3.0)]
    assert "NaN" not in capfd.readouterr().err  # nor does tensorboardX complain


@pytest.mark.parametrize(("num_steps", "expected"), [(8, [0, 2, 4, 6, 8]), (7, [0, 2, 4, 6, 7])])
def test_a_run_of_as_many_rows_as_tensorboard_keeps_is_not_thinned(tmp_path, monkeypatch, num_steps, expected):
    monkeypatch.setattr("normbench.training.recorders.tensorboard.MAX_HISTOGRAM_STEPS", 5)
    board = short_run(tmp_path / "run", num_steps)
    assert [event.step for event in board.Histograms("weight/hidden1.weight")] == expected


def test_finite_tensors_have_no_share_of_others(runs):
    assert not [tag for _, board, _ in runs for tag in board.Tags()["scalars"] if tag.startswith("nonfinite_share")]


def test_pictures_can_be_read_as_images(tmp_path):
    png = BytesIO()
    Figure(figsize=(3, 2), dpi=50).savefig(png, format="png")
    write_pictures(tmp_path, "fitted curves", {0: png.getvalue(), 40: png.getvalue()})
    events = read_back(tmp_path).Images("fitted curves")
    assert [(event.step, event.width, event.height) for event in events] == [(0, 150, 100), (40, 150, 100)]
    assert matplotlib.image.imread(BytesIO(events[1].encoded_image_string)).shape == (100, 150, 4)
