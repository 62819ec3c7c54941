"""Preflight's warnings in full: the ways out that they propose are enough, and the reasons that they give are so."""

import pytest
import torch
from inspection.preflight_cases import IMAGES, POINTS, SMALL_IMAGES, found
from torch import nn

from normbench.findings import Finding
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.dynamic_erf import DynamicErf
from normbench.norms.dynamic_tanh import DynamicTanh
from normbench.norms.switchable_norm import SwitchableNorm
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder

TEXTS = {
    "few_values": (
        {**IMAGES, "norm": "batch_norm", "batch_size": 4},
        Finding(
            "warning",
            ("fc1.norm",),
            "takes batch statistics over 4 values per channel (4 samples x 1 position)",
            why="The variance of 4 normal values has a standard error of 82 %.",
            way_out="Use batch_size: 16 or more, or norm: layer_norm or group_norm, which do not look at the batch.",
            source="few_values",
        ),
    ),
    "dropout_before_norm": (
        {**POINTS, "norm": "batch_norm", "dropout": 0.3},
        Finding(
            "warning",
            ("hidden2.norm",),
            "remembers statistics of what dropout 0.3 has thinned out (first in hidden1.dropout)",
            why="In evaluation nothing is dropped, and the variance is smaller than the remembered one, for "
            "activations of mean 0 by a factor of 1.43: variance shift (Li et al., 2018).",
            way_out="Write dropout: 0, or use a norm without running statistics (layer_norm, group_norm); "
            "reestimated_test_loss says what the shift costs.",
            source="dropout_before_norm",
        ),
    ),
    "momentum_convention": (
        {**POINTS, "model": {"name": "mlp", "hidden_features": [8]}, "norm": {"name": "batch_norm", "momentum": 0.997}},
        Finding(
            "warning",
            ("hidden1.norm",),
            "keeps 0.3 % of its running statistics per step (norm.momentum 0.997)",
            why="momentum is the share of the NEW batch here and in torch, and of the OLD value in TensorFlow and some "
            "papers. Evaluation then depends on the last batch or two.",
            way_out="Write norm.momentum: 0.003, if the share of the old value was meant.",
            source="momentum_convention",
        ),
    ),
    "initial_statistics": (
        {
            **POINTS,
            "model": {"name": "mlp", "hidden_features": [8]},
            "norm": {"name": "batch_norm", "momentum": 0.01},
            "num_steps": 100,
        },
        Finding(
            "warning",
            ("hidden1.norm",),
            "evaluates with running statistics of which 36.6 % is their start, mean 0 and variance 1 "
            "(norm.momentum 0.01, 100 steps)",
            why="Training never reads them, so that it looks well while evaluation is wrong.",
            way_out="Use norm.momentum: 0.03 or num_steps: 299 or more. reestimated_test_loss is read without them.",
            source="initial_statistics",
        ),
    ),
    "short_ramps": (
        {**POINTS, "model": {"name": "mlp", "hidden_features": [8]}, "norm": "batch_renorm", "num_steps": 130},
        Finding(
            "warning",
            ("hidden1.norm",),
            "never has its full r_max in 130 steps",
            figure="r_max grows from step 25 to 200",
            why="What is compared is a norm on the way to its settings.",
            way_out="Use num_steps: 201 or more, or earlier norm.r_max_steps.",
            source="short_ramps",
        ),
    ),
}


@pytest.mark.parametrize(("settings", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_warning_in_full(settings, expected):
    assert found("warning", **settings) == [expected]


@pytest.mark.parametrize(("momentum", "num_steps"), [(0.01, 100), (0.001, 7), (0.02, 31)])
def test_the_way_out_of_stalled_statistics_is_one_and_no_more_than_needed(momentum, num_steps):
    def warned(momentum, num_steps):
        return found("warning", **POINTS, norm={"name": "batch_norm", "momentum": momentum}, num_steps=num_steps)

    words = warned(momentum, num_steps)[0].way_out.split()
    larger, more = float(words[words.index("norm.momentum:") + 1]), int(words[words.index("num_steps:") + 1])
    assert not warned(larger, num_steps)
    assert warned(larger - 0.0011, num_steps)
    assert not warned(momentum, more)
    assert warned(momentum, more - 1)


def test_the_smallest_batch_that_is_proposed_is_enough():
    settings = {**SMALL_IMAGES, "norm": "batch_norm", "model": {**SMALL_IMAGES["model"], "stem_stride": 2}}
    words = found("warning", **settings, batch_size=3)[0].way_out.split()
    proposed = int(words[words.index("batch_size:") + 1])
    assert found("warning", **settings, batch_size=proposed) == []
    assert found("warning", **settings, batch_size=proposed - 1) != []


def test_a_batch_renorm_that_never_opens_is_called_batch_norm_and_the_way_out_is_enough():
    def warned(norm, num_steps):
        return found("warning", "short_ramps", **POINTS, norm={"name": "batch_renorm"} | norm, num_steps=num_steps)

    first = warned({}, 26)[0]  # at its last step, 25, both limits are still closed
    assert (first.what, len(warned({}, 27))) == ("is batch_norm in all 26 steps", 2)
    assert warned({}, 27)[0].what == "never has its full r_max and d_max in 27 steps"
    enough = int(first.way_out.split()[2])
    assert (warned({}, enough), len(warned({}, enough - 1))) == ([], 2)
    assert warned({"r_max_steps": [2, 20], "d_max_steps": [2, 25]}, 26) == []
    assert warned({"r_max": 1.0, "d_max": 0.0}, 26) == []


@pytest.mark.parametrize("sampling", ["shuffled", "by_class"])
@pytest.mark.parametrize("tracks", [True, False])
def test_no_batch_of_one_reaches_a_norm_that_would_take_its_statistics(sampling, tracks):
    """So there is no check for it: 501 samples leave one over in batches of 4 and in evaluation's of 500."""
    norm, data = (
        {"name": "batch_norm", "track_running_stats": tracks},
        {"name": "gaussian_clusters", "num_samples": 501},
    )
    settings = {**POINTS, "dataset": data, "norm": norm, "batch_size": 4, "sampling": sampling, "num_steps": 3}
    training, _ = build_training(RunConfig.model_validate(settings), seed=0)
    sizes = []
    for layer in training.model.modules():
        if isinstance(layer, BatchNorm):
            layer.register_forward_pre_hook(
                lambda layer, x: sizes.append(len(x[0])) if layer.training or not tracks else None
            )
    outcome = train(training, 3, 1, MemoryRecorder())
    assert (outcome.status, min(sizes)) == ("finished", 4)


# The reasons that the warnings give, against what happens.


def test_dropout_makes_the_remembered_variance_as_much_larger_as_the_warning_says():
    (warning,) = found("warning", **POINTS, norm="batch_norm", dropout=0.3)
    norm, x = nn.BatchNorm1d(1, momentum=1.0), torch.randn(100_000, 1)
    norm(nn.Dropout(0.3)(x))
    assert f"by a factor of {norm.running_var.item() / x.var().item():.2f}:" in warning.why


@pytest.mark.parametrize("values", [4, 8])
def test_a_variance_of_few_values_is_as_uncertain_as_the_warning_says(values):
    variances = torch.randn(400_000, values).var(1)
    (one, _) = found("warning", **POINTS, norm="batch_norm", batch_size=values)
    assert f"standard error of {100 * variances.std().item():.0f} %" in one.why


def test_batch_norm_of_two_values_tells_only_which_is_larger():
    layer = nn.BatchNorm1d(50, affine=False)
    torch.testing.assert_close(layer(100 * torch.randn(2, 50)).abs(), torch.ones(2, 50), atol=1e-3, rtol=0)


@pytest.mark.parametrize("momentum", [0.01, 0.1])
def test_of_the_initial_statistics_as_much_is_left_as_the_warning_says(momentum):
    norm = {"name": "batch_norm", "momentum": momentum}
    warning = found("warning", **POINTS, norm=norm, num_steps=10)[0]
    layer = nn.BatchNorm1d(1, momentum=momentum)
    for _ in range(10):
        layer(torch.full((4, 1), 2.0))  # of variance 0: what remains is the start's
    assert f"of which {100 * layer.running_var.item():.3g} % is their start" in warning.what


def test_a_bias_before_batch_norm_has_no_gradient():
    layer = nn.Linear(3, 4).double()
    output = nn.BatchNorm1d(4).double()(layer(torch.randn(8, 3).double()))
    output.pow(3).sum().backward()
    assert layer.bias.grad.abs().max() < 1e-12 * layer.weight.grad.abs().max()


def test_decayed_mixing_weights_do_move_to_equal_shares():
    layer = SwitchableNorm(3, kinds=("instance", "layer", "batch"))
    layer.mean_weight.data = torch.tensor([3.0, 1.0, 0.0])
    assert layer.mixing_weights()["mean.instance"] > 0.8
    optimizer = torch.optim.SGD([layer.mean_weight], lr=0.1, weight_decay=1.0)
    for _ in range(60):
        layer.mean_weight.grad = torch.zeros(3)
        optimizer.step()
    assert layer.mixing_weights()["mean.instance"] == pytest.approx(1 / 3, abs=2e-3)


@pytest.mark.parametrize("layer", [DynamicTanh((3,)), DynamicErf((3,))], ids=["tanh", "erf"])
def test_the_less_alpha_is_the_less_comes_through_and_at_0_the_output_is_the_same_for_every_input(layer):
    x, spreads = torch.randn(64, 3), []
    for alpha in (0.5, 0.1, 0.0):
        nn.init.constant_(layer.alpha, alpha)
        spreads.append(layer(x).std(0).max().item())
    assert spreads[0] > spreads[1] > spreads[2] == 0.0
