"""Switchable norm against the paper's formula, at the published code's conventions, and where that code breaks."""

import pytest
import torch
from torch import nn

from normbench.errors import SettingError
from normbench.norms.switchable_norm import KINDS, SwitchableNorm, SwitchableNormSpec

EPS = 1e-5


def normal(*shape, mean=0.0, std=1.0, dtype=torch.float64):
    return (mean + std * torch.randn(shape, dtype=torch.float64)).to(dtype)


def layer(num_features=4, **settings):
    made = SwitchableNorm(num_features, **settings).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made


def by_the_paper(x, mean_shares, var_shares, weight, bias):
    """Luo et al., 2018, equations 3 and 4, on (N, C, H, W), one output channel of one sample at a time."""
    y = torch.empty_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            values = (x[n, c], x[n], x[:, c])
            means = [v.mean() for v in values]
            variances = [((v - v.mean()) ** 2).mean() for v in values]
            mean = sum(share * m for share, m in zip(mean_shares, means, strict=True))
            var = sum(share * v for share, v in zip(var_shares, variances, strict=True))
            y[n, c] = weight[c] * (x[n, c] - mean) / (var + EPS) ** 0.5 + bias[c]
    return y


def by_the_published_code(x, mean_shares, var_shares):
    """Its formulas on (N, C, H, W), without affine: from unbiased variances of maps."""
    maps = x.flatten(2)
    mean_in, var_in = maps.mean(-1, keepdim=True), maps.var(-1, keepdim=True)
    square = var_in + mean_in**2
    mean_ln, mean_bn = mean_in.mean(1, keepdim=True), mean_in.mean(0, keepdim=True)
    var_ln, var_bn = square.mean(1, keepdim=True) - mean_ln**2, square.mean(0, keepdim=True) - mean_bn**2
    mean = mean_shares[0] * mean_in + mean_shares[1] * mean_ln + mean_shares[2] * mean_bn
    var = var_shares[0] * var_in + var_shares[1] * var_ln + var_shares[2] * var_bn
    return ((maps - mean) / (var + EPS).sqrt()).view_as(x)


def shares(made):
    return made.mean_weight.softmax(0), made.var_weight.softmax(0)


def test_it_is_the_papers_formula():
    made, x = layer(), normal(3, 4, 5, 6, mean=2)
    torch.testing.assert_close(made(x), by_the_paper(x, *shares(made), made.weight, made.bias))


def test_with_compat_official_it_is_the_published_codes_formula():
    made, x = layer(affine=False, compat="official"), normal(3, 4, 5, 6, mean=2)
    torch.testing.assert_close(made(x), by_the_published_code(x, *shares(made)))


def test_with_compat_official_vectors_have_unbiased_variances():
    made, x = layer(affine=False, compat="official", kinds=("layer", "batch")), normal(7, 4)
    (mean_ln, mean_bn), (var_ln, var_bn) = shares(made)
    mean = mean_ln * x.mean(1, keepdim=True) + mean_bn * x.mean(0)
    var = var_ln * x.var(1, keepdim=True) + var_bn * x.var(0)
    torch.testing.assert_close(made(x), (x - mean) / (var + EPS).sqrt())


@pytest.mark.parametrize(
    ("kind", "torchs"),
    [("instance", nn.GroupNorm(4, 4)), ("layer", nn.GroupNorm(1, 4)), ("batch", nn.BatchNorm2d(4))],
)
def test_one_kind_alone_is_that_norm(kind, torchs):
    made, x = SwitchableNorm(4).double(), normal(3, 4, 5, 6, mean=2)
    made.use_only(kind)
    torch.testing.assert_close(made(x), torchs.double()(x))
    assert {name: share.item() for name, share in made.mixing_weights().items()} == {
        f"{name}.{each}": float(each == kind) for name in ("mean", "var") for each in KINDS
    }


def test_it_starts_with_equal_shares():
    assert [share.item() for share in SwitchableNorm(4).mixing_weights().values()] == pytest.approx([1 / 3] * 6)


@pytest.mark.parametrize(("size", "factor"), [(2, 1.25), (4, 1.0625), (8, 1.0156)])
def test_the_published_unbiased_variance_makes_batch_variances_too_large(size, factor):
    """norms.md 1.1: by 1.24 at 2x2, 1.06 at 4x4, 1.016 at 8x8."""
    x, found = normal(512, 4, size, size), {}
    for compat in ("none", "official"):
        made = layer(compat=compat, momentum=1.0)
        made(x)
        found[compat] = made.running_var.mean().item()
    assert found["none"] == pytest.approx(x.transpose(0, 1).flatten(1).var(1, correction=0).mean().item(), rel=1e-12)
    assert found["official"] / found["none"] == pytest.approx(factor, rel=0.01)


def after(made, num_steps, mean=0.0):
    for _ in range(num_steps):
        made.train()(normal(512, 4, 4, 4, mean=mean))
    return made.eval()


@pytest.mark.parametrize(("num_steps", "share"), [(1, 0.10), (5, 0.41), (20, 0.88)])
def test_early_evaluations_see_a_sane_variance_and_as_published_a_small_one(num_steps, share):
    assert after(layer(), num_steps).running_var.mean().item() == pytest.approx(1, rel=0.05)
    official = after(layer(compat="official"), num_steps)
    assert official.running_var.mean().item() == pytest.approx(share * 16 / 15, rel=0.05)


def test_an_evaluation_before_training_leaves_the_batchs_share_as_it_is():
    made, x = SwitchableNorm(4).double().eval(), normal(3, 4, 5, 6)
    made.use_only("batch")
    torch.testing.assert_close(made(x), x, rtol=1e-5, atol=0)


def test_the_batch_average_has_mean_and_variance_of_all_batches_together():
    made = layer(average="batch")
    batches = [normal(6, 4, 3, 3, mean=i) for i in range(5)]
    for x in batches:
        made(x)
    values = torch.cat(batches).transpose(0, 1).flatten(1)
    torch.testing.assert_close(made.running_mean, values.mean(1))
    torch.testing.assert_close(made.running_var, values.var(1, correction=0))
    made.reset_running_stats()
    made(batches[0])
    torch.testing.assert_close(made.running_mean, batches[0].mean((0, 2, 3)))


def test_the_published_batch_average_is_a_sum_that_nothing_divides():
    """norms.md 1.1: after 100 batches, running_mean is about 300 instead of 3, output std 0.054."""
    official = after(SwitchableNorm(4, average="batch", compat="official").double(), 100, mean=3)
    finished = after(SwitchableNorm(4, average="batch").double(), 100, mean=3)
    assert official.running_mean.mean().item() == pytest.approx(300, rel=0.01)
    x = normal(64, 4, 16, 16, mean=3)
    assert official(x).std().item() == pytest.approx(0.054, rel=0.05)
    assert finished.running_mean.mean().item() == pytest.approx(3, rel=0.01)
    assert finished(x).std().item() == pytest.approx(1, rel=0.05)


def test_variances_do_not_cancel_far_from_zero():
    """norms.md 1.1: mean square less squared mean gave between -0.06 and +0.19 in float32."""
    made = SwitchableNorm(4, momentum=1.0)
    made(normal(16, 4, 14, 14, mean=1000, std=0.1, dtype=torch.float32))
    assert made.running_var.tolist() == pytest.approx([0.01] * 4, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (5, 4, 1, 1), (1, 4), (1, 1), (1, 1, 1, 1), (1, 4, 3, 3)])
def test_single_positions_samples_and_channels_give_finite_outputs_and_gradients(shape):
    made, x = SwitchableNormSpec().build(shape[1:]), torch.randn(shape, requires_grad=True)
    for module in (made.train(), made.eval()):
        y = module(x)
        y.square().sum().backward()
        assert y.isfinite().all()
        assert x.grad.isfinite().all()


@pytest.mark.parametrize("feature_shape", [(4,), (4, 1), (4, 1, 1)])
def test_features_with_one_position_mix_layer_and_batch_statistics_alone(feature_shape):
    assert SwitchableNormSpec().build(feature_shape).kinds == ("layer", "batch")


def test_as_published_one_value_has_no_variance_and_is_refused():
    spec = SwitchableNormSpec(compat="official")
    with pytest.raises(SettingError) as refusal:
        spec.check_batch((4,), 1)
    assert str(refusal.value) == (
        "batch_size: must give switchable_norm with compat: official 2 values per channel (features (4,)), got 1. "
        "Use a larger batch, or compat: none."
    )
    with pytest.raises(SettingError) as refusal:
        spec.build((1, 1))
    assert str(refusal.value) == (
        "compat: must be none for features of shape (1, 1), one value per sample, got 'official'. Use compat: none."
    )
    with pytest.raises(ValueError, match="must have 2 values or more per unbiased variance, got 1"):
        SwitchableNorm(4, compat="official")(torch.randn(5, 4, 1, 1))


def test_what_is_mixed_is_learned_and_is_no_weight_of_a_layer():
    made = SwitchableNorm(4)
    made(torch.randn(3, 4, 5, 5)).pow(3).sum().backward()
    assert made.mean_weight.grad.abs().max() > 0
    assert made.var_weight.grad.abs().max() > 0


def test_without_learning_the_mixing_weights_stay_thirds_and_get_no_gradient():
    made, x = SwitchableNorm(4, learn_mixing=False), torch.randn(3, 4, 5, 5)
    learned, same_x = SwitchableNorm(4), x.clone()
    assert set(dict(made.named_parameters())) == {"weight", "bias"}
    assert made.state_dict().keys() == learned.state_dict().keys()
    assert torch.equal(made(x), learned(same_x))
    optimizer = torch.optim.SGD(made.parameters(), lr=1.0)
    made(x).pow(3).sum().backward()
    optimizer.step()
    assert all(share.item() == pytest.approx(1 / 3) for share in made.mixing_weights().values())
    assert not made.mean_weight.requires_grad


def test_the_config_says_whether_mixing_is_learned():
    for learn in (True, False):
        made = SwitchableNormSpec(learn_mixing=learn).build((4, 5, 5))
        assert ("mean_weight" in dict(made.named_parameters())) is learn
