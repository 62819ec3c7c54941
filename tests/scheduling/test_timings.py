"""What runs cost is measured once for all that are alike in it, kept in the runs folder, and taken from no other."""

import json
import re
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import ARMS, TINY, make_arm, make_run, make_study

from normbench.datasets.gaussian_clusters import GaussianClustersSpec
from normbench.scheduling import timings as timings_module
from normbench.scheduling.run_timing import RunTiming
from normbench.scheduling.timings import NOT_FELT, SWITCHES, Timings, key_of
from normbench.storage import timings as kept_module
from normbench.storage.files.json_files import read_json, write_json, write_sealed_json
from normbench.storage.timings import TIMINGS_JSON, add_timings, read_timings
from normbench.study.config import RunConfig

RUNS = Path("runs")
KEPT = RUNS / TIMINGS_JSON
TIMING = RunTiming(data_s=6.0, build_s=2.0, step_s=1.0, row_s=10.0, last_s=100.0)
LOOKS = (["compare", "runs"], ["list", "--json"], ["list", "runs/.timings.json"])
BASE = {"model": "mlp", "dataset": "gaussian_clusters", "norm": "batch_norm", "num_steps": 100}


@pytest.fixture
def timed(monkeypatch):
    """The configs that were measured, each at the same cost."""
    found = []
    monkeypatch.setattr(timings_module, "time_run", lambda config, _: found.append(config) or TIMING)
    monkeypatch.setattr(Timings, "_is_warm", True)
    return found


def write(name, more=ARMS):
    Path(name).write_text(TINY + more, encoding="utf-8")
    return name


def dry_run(*words):
    answer = normbench("run", *words, "--dry-run", "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def config_with(**settings):
    return RunConfig.model_validate(BASE | settings).on("cpu")


def test_a_run_is_the_sum_of_its_parts():
    every_10 = {"recording": {"every_steps": 10}}
    costs = [TIMING.cpu_s(config_with(num_steps=n, **every_10)) for n in (0, 1, 10, 11, 100)]
    assert costs == [108, 118, 127, 137, 298]  # rows at 0, 10 .., one more at the end; other steps are plain
    assert TIMING.cpu_s(config_with(**every_10), num_sharing=3) == 298 - 6 + 2


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": {"lr": 0.5}},
        {"optimizer": {"name": "sgd", "momentum": 0.1}},
        {"init": "kaiming_normal", "init_scale": 2.0, "replica": 3, "weight_decay": 0.1, "decay_on": "weights"},
        {"num_steps": 7, "schedule": "cosine", "recording": {"every_steps": 3, "figures": False}},
        {"norm": {"name": "batch_norm", "momentum": 0.3, "eps": 0.1}},
        {"dataset": {"name": "gaussian_clusters", "noise_std": 3.0}},
    ],
)
def test_what_no_part_of_a_run_feels_is_measured_once(settings):
    assert key_of(config_with(**settings)) == key_of(config_with())


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 8},
        {"norm": "layer_norm"},
        {"norm": {"name": "batch_norm", "momentum": None}},
        {"norm": {"name": "batch_norm", "extra_momenta": [0.5]}},
        {"model": {"name": "mlp", "width": 5, "depth": 2}},
        {"dataset": {"name": "gaussian_clusters", "num_samples": 100}},
        {"dataset": {"name": "gaussian_clusters", "noise_std": 0.0}},
        {"weight_parametrization": "weight_norm"},
        {"optimizer": "adam"},
        {"optimizer": {"name": "sgd", "momentum": 0.0}},
        {"dropout": 0.1},
        {"l1": 0.1},
        {"threads": 2},
        {"num_steps": 0},
        {"recording": {"diagnostics": True}},
        {"recording": {"tensorboard": False}},
        {"recording": {"histograms": ["update"]}},
        {"sampling": "by_class"},
        {"checkpointing": True},
    ],
)
def test_what_changes_the_work_is_measured_anew(settings):
    assert key_of(config_with(**settings)) != key_of(config_with())


def test_all_settings_that_do_not_count_are_settings():
    assert {*NOT_FELT, *SWITCHES} <= set(RunConfig.model_fields)


def test_arms_that_differ_in_numbers_alone_are_measured_once(timed):
    grid = "grid: {optimizer.lr: [0.1, 0.2], l1: [0, 0.1, 0.3], norm: [none, layer_norm]}\n"
    (plan,) = dry_run(write("tiny.yaml", grid))
    assert [(config.norm.name, config.l1 > 0) for config in timed] == [
        ("none", False),
        ("layer_norm", False),
        ("none", True),
        ("layer_norm", True),
    ]
    assert len({arm["cpu_s_per_run"] for arm in plan["arms"]}) == 1


def test_files_share_what_was_measured_and_so_do_commands(timed):
    dry_run(write("one.yaml"), write("two.yaml"))
    assert len(timed) == 1
    dry_run(write("three.yaml"))
    assert len(timed) == 1
    assert len(read_json(KEPT)["timings"]) == 1


def test_what_is_kept_costs_the_same_when_it_is_read(timed):
    first, again = dry_run(write("tiny.yaml")), dry_run("tiny.yaml")
    assert (first, len(timed)) == (again, 1)


def test_the_step_of_a_stack_is_kept_too(monkeypatch):
    measured = []
    monkeypatch.setattr(timings_module, "time_stack_step", lambda *asked: measured.append(asked) or 2.0)
    for _ in range(2):
        with Timings(RUNS) as timings:
            assert [timings.of_stack_step(config_with(), 0, size) for size in (8, 32, 8)] == [2.0] * 3
    assert [size for _, _, size in measured] == [8, 32]


@pytest.mark.usefixtures("timed")
def test_data_that_arms_share_are_paid_once():
    (alone,) = dry_run(write("alone.yaml", ""))
    (shared,) = dry_run(write("shared.yaml"))
    assert alone["cpu_s"] - shared["arms"][0]["cpu_s_per_run"] == pytest.approx(6.0 / 2)


@pytest.mark.usefixtures("timed")
def test_a_tuning_run_costs_the_mean_of_what_is_tried(monkeypatch):
    costs = {5: 2.0, 10: 4.0}
    timing = lambda config, _: RunTiming(0.0, costs[config.batch_size], 0.0, 0.0, 0.0)  # noqa: E731
    monkeypatch.setattr(timings_module, "time_run", timing)
    (plan,) = dry_run(write("tiny.yaml", "tune: {batch_size: [5, 10]}\nkeep_given: false\n"))
    assert [arm["cpu_s_per_tuning_run"] for arm in plan["arms"]] == [3.0]


def sealed(**changes):
    def damage():
        content = {key: value for key, value in read_json(KEPT).items() if key != "sha256"}
        write_sealed_json(KEPT, content | {"measured_with": content["measured_with"] | changes})

    return damage


def with_timing(timing):
    def damage():
        content = {key: value for key, value in read_json(KEPT).items() if key != "sha256"}
        write_sealed_json(KEPT, content | {"timings": dict.fromkeys(content["timings"], timing)})

    return damage


def unsealed():
    write_json(KEPT, {key: value for key, value in read_json(KEPT).items() if key != "sha256"})


def reformatted():
    content = read_json(KEPT)
    tenfold = {key: dict.fromkeys(timing, 10.0) for key, timing in content["timings"].items()}
    KEPT.write_text(json.dumps(content | {"timings": tenfold}), encoding="utf-8")


def cut():
    KEPT.write_bytes(KEPT.read_bytes()[:-40])


@pytest.mark.parametrize(
    "damage",
    [
        *(sealed(**{key: "another"}) for key in ("cpu", "num_cpus", "torch", "normbench", "numerics", "python")),
        *(with_timing(timing) for timing in (None, 3, {}, {"step_s": 1.0})),
        *(with_timing(vars(TIMING) | {"step_s": wrong}) for wrong in ("1", -1.0, None, True)),
        cut,
        unsealed,
        reformatted,
        lambda: KEPT.write_text("[]", encoding="utf-8"),
        lambda: write_json(KEPT, {"timings": 3}),
        KEPT.unlink,
    ],
)
def test_what_is_damaged_or_of_another_machine_or_version_is_measured_anew(damage, timed):
    (before,) = dry_run(write("tiny.yaml"))
    damage()
    (after,) = dry_run("tiny.yaml")
    assert (len(timed), before) == (2, after)
    assert dry_run("tiny.yaml") == [after]
    assert len(timed) == 2


@pytest.mark.usefixtures("timed")
def test_it_is_the_only_file_that_a_dry_run_writes():
    write("tiny.yaml")
    dry_run("tiny.yaml")
    assert sorted(str(path) for path in Path().rglob("*")) == ["runs", str(KEPT), "tiny.yaml"]


def test_a_folder_that_cannot_be_written_stays_as_it_is():
    RUNS.write_text("no folder", encoding="utf-8")
    add_timings(RUNS, {"key": vars(TIMING)})
    assert read_timings(RUNS) == {}
    assert RUNS.read_text(encoding="utf-8") == "no folder"


def test_the_oldest_are_left_out(monkeypatch):
    monkeypatch.setattr(kept_module, "MAX_KEPT", 2)
    for key in ("a", "b", "c"):
        add_timings(RUNS, {key: {}})
    assert list(read_timings(RUNS)) == ["b", "c"]


def looked_at(*words):
    """Return what a command says of the runs folder, without ages."""
    return [re.sub(r"age_s.*", "", text) if isinstance(text, str) else text for text in normbench(*words)]


@pytest.mark.usefixtures("timed")
def test_no_command_takes_it_for_a_study():
    make_run(make_arm(make_study(arms=["none"])))
    before = [looked_at(*words) for words in LOOKS]
    dry_run(write("tiny.yaml"))
    assert KEPT.is_file()
    assert [looked_at(*words) for words in LOOKS] == before
    normbench("rm", "runs/made_up", "--yes")
    assert (KEPT.exists(), (RUNS / "made_up").exists()) == (True, False)


def test_every_part_is_measured_and_data_that_are_known_are_not_drawn_again(monkeypatch):
    monkeypatch.setattr(Timings, "_is_warm", True)
    timings, drawn = Timings(), []
    real = GaussianClustersSpec.build
    monkeypatch.setattr(GaussianClustersSpec, "build", lambda spec, seed: drawn.append(seed) or real(spec, seed))
    found = [timings.of(config_with(num_steps=2, optimizer={"name": name}), 0) for name in ("sgd", "adam")]
    assert all(min(vars(timing).values()) > 0 for timing in found)
    assert found[0].data_s == found[1].data_s
    assert drawn == [0]
