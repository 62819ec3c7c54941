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
from normbench.storage.scalar_tags import scalar_tag
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.training.build import build_training
from normbench.training.experiment import run_experiment
from normbench.training.loop import train
from normbench.training.recorders.event_values import histogram_values
from normbench.training.recorders.histograms import histograms_of
from normbench.training.recorders.memory import MemoryRecorder
from normbench.training.recorders.study_files import write_pictures
from normbench.training.recorders.tags import LayerTags
from normbench.training.recorders.tensorboard import TensorBoardRecorder

WEIGHT_DECAY = Path(__file__).parents[3] / "configs" / "weight_decay.yaml"
STEPS = [0, 5, 10, 15, 20]
SLICES = list(range(21))
"""Steps with histograms: 20 or more, also where fewer are recorded."""
ENDINGS = {"weight": "", "grad": "_grad"}
KEEP_ALL = dict.fromkeys(("histograms", "scalars", "images", "tensors"), 0)


def read_back(folder):
    return EventAccumulator(str(folder), size_guidance=KEEP_ALL).Reload()


def histogram_tags(board):
    return set(board.Tags()["histograms"])


def shown(frame):
    """The tags of an MLP's weights and gradients by kind and parameter, without biases."""
    weights = [name for name in frame.weights if name.endswith(".weight")]
    return {
        f"{number:02}_{name.replace('.', '/')}{ending}": (kind, name)
        for number, name in enumerate(weights, 1)
        for kind, ending in ENDINGS.items()
    }


def remembered(config, seed):
    """Train the same run again and keep a frame of each step: with the same config and seed they are the same."""
    training, _ = build_training(config, seed)
    recorder = MemoryRecorder()
    train(training, config.total_steps, 1, recorder)
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


PAIR = ("weight", "weight_grad")


def test_each_layer_has_its_weight_beside_its_gradient_at_twenty_steps_or_more(runs):
    assert len(runs) == 4
    for _, board, frames in runs:
        names = list(frames[0].weights)
        assert len(names) == 8
        assert histogram_tags(board) == set(shown(frames[0]))
        assert sorted(histogram_tags(board))[:4] == [f"0{n}_hidden{n}/{own}" for n in (1, 2) for own in PAIR]
        for tag in histogram_tags(board):
            assert [event.step for event in board.Histograms(tag)] == SLICES, tag


def test_histograms_say_what_the_tensors_say(runs):
    for _, board, frames in runs:
        for tag, (kind, name) in shown(frames[0]).items():
            for event, frame in zip(board.Histograms(tag), frames, strict=True):
                found, tensor = event.histogram_value, frame.tensors()[kind][name]
                assert (found.num, sum(found.bucket)) == (tensor.numel(), tensor.numel()), tag
                assert (found.min, found.max) == (tensor.min().item(), tensor.max().item()), tag


def test_histograms_npz_holds_what_the_event_file_was_written_from(runs):
    for run, board, frames in runs:
        table = read_histograms(Run(run.folder, run.seed))
        assert table.steps.tolist() == SLICES
        columns = list(zip(table.kinds.tolist(), table.names.tolist(), strict=True))
        assert sorted(columns) == sorted((kind, name) for kind in ENDINGS for name in frames[0].weights)
        for tag, column in shown(frames[0]).items():
            i = columns.index(column)
            for row, event in enumerate(board.Histograms(tag)):
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
        for i, value in enumerate(histogram_values(table, LayerTags([]))):
            ends = {key: getattr(value.histo, key) for key in ("min", "max", "num")}
            bins = {"bucket_limit": table.right_edges[0, i].tolist(), "bucket": table.counts[0, i].tolist()}
            whole = HistogramProto(**ends, **bins)
            assert len(value.histo.bucket) <= min(NUM_BINS, 2 * size)
            assert compress_histogram_proto(value.histo) == compress_histogram_proto(whole)


def test_the_arms_differ_and_so_do_the_seeds(runs):
    lasts = [board.Histograms("02_hidden2/weight")[-1].histogram_value.sum_squares for _, board, _ in runs]
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
            if frame.step in STEPS
            for kind, tensors in frame.tensors().items()
            for name, tensor in tensors.items()
        }
        assert stds == pytest.approx(expected, rel=1e-12, abs=1e-300)


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
    named = {"activation": "activation", "update": "weight_update", "weight": "weight"}
    assert histogram_tags(board) == {
        f"{layer}/{named[kind]}" for layer in ("01_hidden1", "02_output") for kind in kinds
    }
    assert (tmp_path / "run" / HISTOGRAMS_NPZ).exists() == bool(kinds)
    steps = {
        "activation": [0, 2, 4],
        "weight_update": [0, 1, 2, 3],
    }  # no step follows the end, nothing is updated there
    for tag in histogram_tags(board):
        assert [event.step for event in board.Histograms(tag)] == steps.get(tag.partition("/")[2], [0, 1, 2, 3, 4])


def test_biases_are_shown_on_request_and_kept_in_any_case(tmp_path):
    board = short_run(tmp_path / "run", biases=True)
    of_layer = {"bias", "bias_grad", "weight", "weight_grad"}
    assert histogram_tags(board) == {f"{layer}/{own}" for layer in ("01_hidden1", "02_output") for own in of_layer}
    short_run(tmp_path / "without")
    kept = [(tmp_path / name / HISTOGRAMS_NPZ).read_bytes() for name in ("run", "without")]
    assert kept[0] == kept[1]


def test_without_tensorboard_neither_an_event_file_nor_histograms_are_written(tmp_path):
    short_run(tmp_path / "run", tensorboard=False)
    assert not list((tmp_path / "run").glob("events*"))
    assert not (tmp_path / "run" / HISTOGRAMS_NPZ).exists()
    assert (tmp_path / "run" / "layer_stats.csv").is_file()


def frame_of(step, weight):
    """A frame with the weight of one layer: TAG, of one input."""
    return Frame(step, {"train_loss": float(step)}, {"a.weight": weight[:, None]}, {}, {}, {})


TAG = "01_a/weight"


def test_many_steps_are_thinned_to_what_tensorboard_keeps(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=2500) as recorder:
        for step in range(2500):
            recorder.record(frame_of(step, torch.ones(1)))
    board = read_back(tmp_path)
    assert [event.step for event in board.Histograms(TAG)] == [*range(0, 2500, 6), 2499]
    assert [event.step for event in board.Scalars("loss/train")] == list(range(0, 2500, 3))
    written = {event.step for event in EventFileLoader(str(next(tmp_path.glob("events*")))).Load()}
    assert written == {*range(0, 2500, 3), 2499}  # steps left out of both leave no record


def test_five_hundred_steps_are_all_kept(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=500) as recorder:
        for step in range(500):
            recorder.record(frame_of(step, torch.ones(1)))
    assert len(read_back(tmp_path).Histograms(TAG)) == 500


def test_what_was_recorded_can_be_read_before_the_run_ends(tmp_path):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=3) as recorder:
        recorder.record(frame_of(0, torch.tensor([1.0, 2.0])))
        assert read_back(tmp_path).Histograms(TAG)[0].histogram_value.num == 2


@pytest.mark.parametrize(("values", "share", "num"), [([1.0, torch.nan, 3.0, torch.inf], 0.5, 2), ([torch.nan], 1, 0)])
def test_values_that_are_not_finite_are_shown_as_a_share(tmp_path, values, share, num):
    with TensorBoardRecorder(tmp_path, ["weight"], num_frames=1) as recorder:
        recorder.record(frame_of(7, torch.tensor(values)))
    board = read_back(tmp_path)
    assert [(event.step, event.value) for event in board.Scalars(f"nonfinite_share/{TAG}")] == [(7, share)]
    assert histogram_tags(board) == ({TAG} if num else set())
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
        assert [event.histogram_value.min for event in read_back(found).Histograms(TAG)] == [seed] * 3


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
    monkeypatch.setattr("normbench.training.recorders.slices.FEWEST_SLICES", 1)
    board = short_run(tmp_path / "run", num_steps)
    assert [event.step for event in board.Histograms("01_hidden1/weight")] == expected


def test_finite_tensors_have_no_share_of_others(runs):
    assert not [tag for _, board, _ in runs for tag in board.Tags()["scalars"] if tag.startswith("nonfinite_share")]


def test_pictures_can_be_read_as_images(tmp_path):
    png = BytesIO()
    Figure(figsize=(3, 2), dpi=50).savefig(png, format="png")
    write_pictures(tmp_path, "fitted curves", {0: png.getvalue(), 40: png.getvalue()})
    events = read_back(tmp_path).Images("fitted curves")
    assert [(event.step, event.width, event.height) for event in events] == [(0, 150, 100), (40, 150, 100)]
    assert matplotlib.image.imread(BytesIO(events[1].encoded_image_string)).shape == (100, 150, 4)
