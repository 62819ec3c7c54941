"""On a GPU: a run leaves the same bytes each time, continued or not, and a probe says what it says on the CPU.

Skipped without a GPU, which ``NORMBENCH_TEST_CUDA=1`` shows to the tests.
"""

import copy
from dataclasses import replace

import pytest
import torch
from foreign_models import HEALTHY, Recurrent, batch_for

from normbench.inspection.probe import probe_model
from normbench.storage.digests import sealed_digests
from normbench.storage.identity import STACKED
from normbench.study.config import RunConfig
from normbench.training.attempt import Interrupted
from normbench.training.experiment import run_experiment
from normbench.training.numerics import numerics
from normbench.training.run_hooks import RunHooks
from normbench.training.stack.experiment import run_stack
from normbench.training.stack.open_runs import Member

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.usefixtures("small_test_sets"),
]
NUM_STEPS = 6
IMAGES = {"dataset": {"name": "banknotes", "num_samples": 24}, "model": {"name": "resnet", "width": 8}}
SEQUENCES = {"dataset": {"name": "sequences", "num_samples": 24}}
CONFIGS = {
    "line": {"dataset": {"name": "linear_regression", "num_samples": 24}, "model": {"name": "mlp"}},
    "lenet": IMAGES | {"model": "lenet", "norm": "batch_norm"},
    "resnet, checkpointing": IMAGES | {"norm": "noisy_batch_norm", "checkpointing": True},
    "resnet, adain": IMAGES | {"norm": "adain"},
    "rnn": SEQUENCES | {"model": "rnn", "norm": "layer_norm"},
    "transformer": SEQUENCES | {"model": "transformer", "norm": "layer_norm", "optimizer": "adam"},
}
EACH = pytest.mark.parametrize("name", CONFIGS)


def run(name, folder, hooks=None):
    recording = {"every_steps": 2, "diagnostics": True, "histograms": ["weight", "grad", "activation", "update"]}
    given = {"batch_size": 8, "num_steps": NUM_STEPS, "dropout": 0.2, "device": "cuda", "recording": recording}
    folder.mkdir(exist_ok=True)
    config = RunConfig.model_validate(given | CONFIGS[name])
    return run_experiment(config, 3, folder, study="s", arm="a", hooks=hooks)


@EACH
def test_a_run_leaves_the_same_bytes_and_the_random_states_as_they_were(name, tmp_path):
    torch.cuda.manual_seed(4)
    states = torch.get_rng_state(), torch.cuda.get_rng_state()
    run(name, tmp_path / "one")
    assert all(map(torch.equal, states, (torch.get_rng_state(), torch.cuda.get_rng_state())))
    torch.rand(7, device="cuda")
    run(name, tmp_path / "two")
    assert sealed_digests(tmp_path / "one") == sealed_digests(tmp_path / "two") != {}


@EACH
def test_a_run_stopped_after_every_step_leaves_the_bytes_of_a_whole_one(name, tmp_path):
    run(name, tmp_path / "whole")
    for _ in range(NUM_STEPS):
        with pytest.raises(Interrupted):
            run(name, tmp_path / "stopped", RunHooks(should_stop=lambda: True))
        torch.rand(7, device="cuda")  # another process has other random numbers
    run(name, tmp_path / "stopped")
    assert sealed_digests(tmp_path / "stopped") == sealed_digests(tmp_path / "whole")


@pytest.mark.parametrize("norm", ["none", "batch_norm", "layer_norm", "group_norm"])
def test_a_stack_is_the_loop_to_rounding_and_leaves_the_same_bytes_each_time(norm, tmp_path):
    given = {"batch_size": 8, "num_steps": NUM_STEPS, "dropout": 0.2, "device": "cuda", "norm": norm}
    config = RunConfig.model_validate(given | CONFIGS["line"])
    identity = replace(config.identity(), engine=STACKED)
    summaries = {}
    for name in ("one", "two"):
        folders = [tmp_path / name / f"seed-{seed}" for seed in range(8)]
        for folder in folders:
            folder.mkdir(parents=True)
        members = [Member(config, seed, at, "s", "a", identity) for seed, at in enumerate(folders)]
        summaries[name] = run_stack([None, *members[1:]])
    assert summaries["one"] == summaries["two"]
    (tmp_path / "alone").mkdir()
    alone = run_experiment(config, 3, tmp_path / "alone", study="s", arm="a")
    assert summaries["one"][3]["metrics"] == pytest.approx(alone["metrics"], rel=1e-3)


def probed(model, x, device):
    def to_device(tensor):
        return tensor.to(device)

    with numerics():
        seen = probe_model(copy.deepcopy(model).to(device).eval(), to_device(x))
    return {one.layer: (one.figures["std"], one.figures.get("grad_std", 0.0)) for one in seen}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_foreign_model_has_the_figures_of_the_cpu(name):
    make, shape = HEALTHY[name]
    model, x = make(), batch_for(shape)
    here, there = (probed(model, x, device) for device in ("cpu", "cuda"))
    assert list(here) == list(there)
    for layer, figures in here.items():
        assert there[layer] == pytest.approx(figures, rel=1e-3), layer


def test_a_recurrent_model_can_be_probed_in_training():
    with numerics():
        seen = probe_model(Recurrent().cuda().train(), batch_for((8, 10, 6)).cuda())
    assert seen[0].figures["grad_std"] > 0
