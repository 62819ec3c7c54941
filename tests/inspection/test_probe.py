"""One pass forward and backward, described: known numbers, in-place activations, outputs of all kinds."""

import math

import pytest
import torch
from foreign_models import BasicBlock, Functional, Generator, Recurrent, ResNet, batch_for, encoder, plain
from torch import nn

from normbench.errors import SettingError
from normbench.inspection.probe import probe_model
from normbench.inspection.watch.layer_stats import describe, layer_of
from normbench.inspection.watch.moments import Moments, pooled
from normbench.random_streams import derive_seed, stream
from normbench.scheduling.probe_seeds import probe_config
from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.recorders.memory import MemoryRecorder


def by_layer(seen):
    return {one.layer: one for one in seen}


def std(tensor):
    return tensor.double().std(correction=0).item()


def test_two_dense_layers_by_hand():
    first, second, x = nn.Linear(5, 7).double(), nn.Linear(7, 3).double(), torch.randn(6, 5).double()
    seen = by_layer(probe_model(nn.Sequential(first, nn.ReLU(), second), x, seed=4))
    hidden = x @ first.weight.T + first.bias
    rectified, is_shut = hidden.clamp_min(0), (hidden <= 0).double()
    direction = torch.randn(6, 3, generator=stream(4, "data", "direction")).double()
    grad_rectified = direction @ second.weight
    grad_hidden = grad_rectified * (hidden > 0)
    wanted = {
        "0": {"std": std(hidden), "mean": hidden.mean().item(), "grad_std": std(grad_hidden)},
        "1": {
            "std": std(rectified),
            "grad_std": std(grad_rectified),
            "zero_share": is_shut.mean().item(),
        },
        "2": {"grad_std": std(direction), "weight_grad_std": std(direction.T @ rectified)},
    }
    wanted["0"] |= {"weight_grad_std": std(grad_hidden.T @ x), "weight_std": std(first.weight.detach())}
    wanted["0"] |= {"weight_gain": (first.weight.detach().square().mean() * 5).sqrt().item()}
    wanted["1"] |= {"dead_share": is_shut.amin(0).mean().item()}
    for layer, figures in wanted.items():
        assert {key: seen[layer].figures[key] for key in figures} == pytest.approx(figures, rel=1e-12)


def test_untrained_weights_multiply_the_rms_by_their_gain():
    for layer, shape in (
        (nn.Linear(400, 300, bias=False), (64, 400)),
        (nn.Conv2d(16, 32, 3, bias=False), (16, 16, 12, 12)),
        (nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), (16, 32, 12, 12)),
        (nn.Conv2d(32, 32, 3, groups=32, bias=False), (16, 32, 12, 12)),
    ):
        (seen,) = probe_model(layer, torch.randn(shape))
        assert seen.figures["std"] == pytest.approx(seen.figures["weight_gain"], rel=0.12)


CONFIGS = {
    "mlp": {"model": {"name": "mlp", "hidden_features": [6, 5]}, "dataset": "linear_regression", "dropout": 0.3},
    "lenet": {"model": "lenet", "norm": "batch_norm", "dataset": {"name": "gratings", "num_samples": 12}},
    "rnn": {"model": "rnn", "norm": "layer_norm", "dataset": {"name": "sequences", "num_samples": 12}},
    "checkpointing": {
        "model": "transformer",
        "norm": "batch_norm",
        "checkpointing": True,
        "dropout": 0.2,
        "dataset": {"name": "sequences", "num_samples": 12},
    },
    "signal": {"model": {"name": "mlp", "width": 8, "depth": 4}, "dataset": {"name": "gaussian_noise", "shape": [8]}},
}


def first_frame(config, seed):
    """What a run records before its first step, by kind and layer."""
    recorder = MemoryRecorder()
    torch.default_generator.manual_seed(derive_seed(seed, "dropout"))
    training, _ = build_training(config, seed)
    training.read, training.final_read, training.curve = lambda _: {}, None, None
    train(training, 1, 1, recorder)
    described = {kind: describe(tensors) for kind, tensors in recorder.frames[0].tensors().items()}
    return {(kind, layer_of(name)): found["std"] for kind in described for name, found in described[kind].items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_is_seen_as_step_0_of_its_run(name):
    """The same numbers as in layer_stats.csv, but for what the order of summation makes of the last digits."""
    config = RunConfig.model_validate({"batch_size": 4, **CONFIGS[name]})
    recorded, report = first_frame(config, 3), probe_config(config, [3])
    assert {line.layer for line in report.lines} == {layer for kind, layer in recorded if kind == "activation"}
    for line in report.lines:
        found = {
            "activation": line.std.value,
            "activation_grad": line.grad_std.value,
            "weight": line.figures["weight_std"],
            "grad": line.figures["weight_grad_std"],
        }
        assert found == pytest.approx({kind: recorded[kind, line.layer] for kind in found}, rel=1e-9)


def out_of_place(model):
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return model


def test_an_in_place_relu_hides_nothing_of_the_norm_before_it():
    model, x = ResNet(), batch_for((4, 3, 16, 16))
    in_place = probe_model(model, x)
    assert in_place == probe_model(out_of_place(model), x)
    norm, relu = by_layer(in_place)["bn1"].figures, by_layer(in_place)["relu"].figures
    assert norm["std"] == pytest.approx(1, abs=1e-3)
    assert norm["zero_share"] < 0.01 < relu["zero_share"]
    assert norm["grad_std"] < relu["grad_std"]


def test_layers_of_a_residual_network_stand_in_order_of_execution():
    seen = probe_model(nn.Sequential(BasicBlock(3, 4, 2)), torch.randn(2, 3, 8, 8))
    names = ["downsample.0", "downsample.1", "conv1", "bn1", "relu", "conv2", "bn2", "relu#2"]
    assert [one.layer for one in seen] == [f"0.{name}" for name in names]
    assert [one.role for one in seen] == [*["weights", "norm"] * 2, "activation", "weights", "norm", "activation"]
    assert [one.after for one in seen][-3:] == ["0.conv2"] * 3
    assert by_layer(seen)["0.conv1"].norm == "BatchNorm2d"


def test_a_norm_after_an_addition_is_not_that_of_the_layer_before_it():
    seen = by_layer(probe_model(encoder(num_layers=1), batch_for((4, 6, 16))))
    assert [seen[f"layers.0.{name}"].norm for name in ("self_attn", "linear1", "linear2")] == ["", "", ""]


@pytest.mark.parametrize("norm_first", [False, True])
def test_torchs_transformer_encoder_layer_by_layer(norm_first):
    model, x = encoder(norm_first=norm_first, num_layers=2).eval(), batch_for((4, 6, 16))
    seen = by_layer(probe_model(model, x))
    parts = {"self_attn", "norm1", "linear1", "linear2", "norm2"}
    assert set(seen) == {f"layers.{i}.{part}" for i in (0, 1) for part in parts}
    assert seen["layers.1.self_attn"].shape == (48, 16)
    layer = model.layers[0]
    with torch.no_grad():
        normed = layer.norm1(x) if norm_first else x
        attended = layer.self_attn(normed, normed, normed)[0]
        added = x + attended if norm_first else layer.norm1(x + attended)
        linear1 = layer.linear1(layer.norm2(added) if norm_first else added)
    assert seen["layers.0.self_attn"].figures["std"] == pytest.approx(std(attended), rel=1e-5)
    assert seen["layers.0.linear1"].figures["std"] == pytest.approx(std(linear1), rel=1e-5)
    assert all(one.figures["grad_std"] > 0 for one in seen.values())


def test_outputs_may_be_dicts_tuples_and_dataclasses_and_inputs_whole_numbers():
    seen = by_layer(probe_model(Generator(), batch_for(None)))
    assert seen["token"].role == "other"
    assert seen["head"].figures["grad_std"] == pytest.approx(1, abs=0.05)
    assert all(one.figures["grad_std"] > 0 for one in seen.values())
    assert list(by_layer(probe_model(Recurrent(), torch.randn(4, 5, 6)))) == ["lstm", "output"]


class Split(nn.Module):
    """A weight, then one operation with several outputs, as the recurrent layers of a GPU are."""

    def __init__(self, into, *, only_first):
        super().__init__()
        self.weight, self.into, self.only_first = nn.Parameter(torch.eye(4)), into, only_first

    def forward(self, x):
        parts = self.into(x @ self.weight)
        return parts[0] if self.only_first else parts


class FirstPart(nn.Sequential):
    def forward(self, x):
        parts = self[0](x)
        return parts if self[0].only_first else parts[0]


@pytest.mark.parametrize("into", [lambda x: x.chunk(2, 1), lambda x: x.unbind(1), torch.linalg.qr, torch.linalg.eigh])
def test_outputs_that_the_loss_leaves_out_do_not_count(into):
    x = torch.randn(4, 4)
    one, all_parts = (probe_model(FirstPart(Split(into, only_first=only)), x @ x.T) for only in (True, False))
    assert all_parts[0].figures["grad_std"] == one[0].figures["grad_std"] > 0
    assert all_parts[0].figures["std"] == one[0].figures["std"]


def test_frozen_layers_are_gone_back_through():
    model = plain(3, 8)
    model.requires_grad_(False)
    seen = by_layer(probe_model(model, torch.randn(4, 8)))
    assert all(one.figures["grad_std"] > 0 for one in seen.values())
    assert "weight_grad_std" not in seen["dense1"].figures


def test_a_model_that_writes_over_its_input_can_be_probed():
    class Centred(nn.Sequential):
        def forward(self, x):
            x -= x.mean(0)
            return super().forward(x)

    x = torch.randn(4, 3)
    before = x.clone()
    assert len(probe_model(Centred(nn.Linear(3, 2)), x)) == 1
    assert torch.equal(x, before)


def test_weight_norm_of_both_kinds_is_one_layer_of_its_direction():
    with pytest.warns(FutureWarning, match="weight_norm"):
        old = nn.utils.weight_norm(nn.Linear(4, 5))
    for layer in (old, nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))):
        (seen,) = probe_model(nn.Sequential(layer), torch.randn(3, 4))
        assert (seen.layer, seen.kind.endswith("Linear"), seen.shape) == ("0", True, (5, 4))
        assert seen.figures["weight_grad_std"] > 0


def test_an_activation_used_twice_has_a_row_for_each_call_and_shared_weights_one():
    relu, dense = nn.ReLU(), nn.Linear(4, 4)
    seen = probe_model(nn.Sequential(dense, relu, dense, relu), x := torch.randn(6, 4))
    assert [one.layer for one in seen] == ["0", "1", "1#2"]
    with torch.no_grad():
        outputs = torch.cat([dense(x), dense(relu(dense(x)))])
    assert seen[0].figures["std"] == pytest.approx(std(outputs), rel=1e-6)
    assert seen[0].figures["max_abs"] == outputs.abs().max().item()


def test_pooled_moments_are_those_of_all_numbers():
    parts = [torch.randn(n, 3) for n in (2, 5, 9)]
    parts[1][:, 2] = parts[0][:, 2] = parts[2][:, 2] = 0
    whole, found = Moments.of(torch.cat(parts), 1), pooled([Moments.of(part, 1) for part in parts])
    assert (found.count, found.max_abs, found.zero_units.tolist()) == (48, whole.max_abs, [False, False, True])
    assert [found.mean, found.var, found.zero_share] == pytest.approx([whole.mean, whole.var, whole.zero_share])


def test_nan_in_one_of_several_calls_is_seen():
    calls = [Moments.of(torch.tensor([[1.0, 2.0]]), 1), Moments.of(torch.tensor([[math.nan, 2.0]]), 1)]
    assert math.isnan(pooled(calls).max_abs)
    assert math.isnan(pooled(calls[::-1]).max_abs)


def test_a_model_in_evaluation_mode_is_probed_as_it_is():
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).eval()
    x = 5 * torch.randn(8, 4)
    with torch.no_grad():
        wanted = std(model(x))
    assert by_layer(probe_model(model, x))["1"].figures["std"] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("is_training", [True, False])
def test_recurrent_layers_in_evaluation_are_probed_without_cudnn(is_training):
    seen, known = [], torch.backends.cudnn.enabled
    model = Recurrent()
    model.lstm.train(is_training)
    model.output.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.enabled))
    probe_model(model, batch_for((4, 5, 6)))
    assert set(seen) == {known and is_training}
    assert torch.backends.cudnn.enabled is known


def test_gradients_are_taken_where_the_caller_has_switched_them_off():
    with torch.no_grad():
        assert by_layer(probe_model(Functional(), torch.randn(4, 16)))["layers.0"].figures["grad_std"] > 0


def test_an_output_without_gradient_is_refused_with_the_way_out():
    class Detached(nn.Linear):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(SettingError) as error:
        probe_model(Detached(2, 2), torch.randn(3, 2))
    assert str(error.value) == (
        "output: must have a floating-point tensor that a gradient can be taken of, got 'Tensor'."
        " Leave out detach() and no_grad() in the model."
    )
