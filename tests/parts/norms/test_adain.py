"""AdaIN against the paper's formula and the published ports, and styles exchanged inside a batch."""

import pytest
import torch
from torch.func import functional_call, vmap

from normbench.errors import SettingError
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.adain import AdaIN, AdaINSpec, PermutedAdaIN

EPS = 1e-5


def normal(*shape, mean=2.0, std=3.0):
    return mean + std * torch.randn(shape, dtype=torch.float64)


def by_the_paper(content, style, correction=0):
    """Huang and Belongie, 2017, equation 8, one map at a time; the PyTorch port has correction 1."""
    y = torch.empty_like(content)
    for n in range(content.shape[0]):
        for c in range(content.shape[1]):
            own, other = content[n, c], style[n % len(style), c]
            std, style_std = ((v.var(correction=correction) + EPS) ** 0.5 for v in (own, other))
            y[n, c] = style_std * (own - own.mean()) / std + other.mean()
    return y


@pytest.mark.parametrize(("compat", "correction"), [("none", 0), ("official", 1)])
@pytest.mark.parametrize("style_shape", [(3, 4, 5, 6), (3, 4, 2, 2), (1, 4, 9, 3)])
def test_it_is_the_papers_formula(compat, correction, style_shape):
    content, style = normal(3, 4, 5, 6), normal(*style_shape, mean=-1, std=0.5)
    torch.testing.assert_close(AdaIN(compat=compat)(content, style), by_the_paper(content, style, correction))


def test_the_published_unbiased_variance_shows_where_maps_differ_in_size():
    content, style = normal(2, 3, 8, 8), normal(2, 3, 2, 2)
    stds = {compat: AdaIN(compat=compat)(content, style).flatten(2).std(2) for compat in ("none", "official")}
    torch.testing.assert_close(
        stds["official"] / stds["none"], torch.full((2, 3), (4 / 3 * 63 / 64) ** 0.5).double(), rtol=1e-4, atol=0
    )


def test_a_constant_style_and_a_constant_content_are_well_defined():
    flat, x = torch.full((2, 3, 4, 4), 5.0), torch.randn(2, 3, 4, 4, requires_grad=True)
    assert AdaIN()(x, flat).sub(5).abs().max() < 0.02  # std sqrt(eps)
    torch.testing.assert_close(AdaIN()(flat, x), x.mean((2, 3), keepdim=True).expand_as(x))
    AdaIN()(x, x.detach().flip(0)).square().sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("content", "style", "compat", "message"),
    [
        (
            (2, 3, 4, 4),
            (2, 4, 4, 4),
            "none",
            r"style: must have 3 channels and 1 or 2 samples, got shape \(2, 4, 4, 4\).",
        ),
        (
            (2, 3, 4, 4),
            (3, 3, 4, 4),
            "none",
            r"style: must have 3 channels and 1 or 2 samples, got shape \(3, 3, 4, 4\).",
        ),
        ((2, 3, 4, 4), (2, 3, 1, 1), "official", "content, style: must have 2 positions or more, got 1."),
    ],
)
def test_inputs_that_do_not_fit_are_refused(content, style, compat, message):
    with pytest.raises(ValueError, match=message):
        AdaIN(compat=compat)(torch.randn(content), torch.randn(style))


def trained_pair(probability):
    plain, exchanging = BatchNorm(4).double(), PermutedAdaIN(4, probability=probability).double()
    exchanging.load_state_dict(plain.state_dict())
    return plain, exchanging


def test_without_exchange_and_in_evaluation_it_is_batch_norm_bit_for_bit():
    plain, exchanging = trained_pair(0.0)
    x = normal(5, 4, 3, 3)
    assert torch.equal(exchanging(x), plain(x))
    exchanging.probability = 1.0
    assert torch.equal(exchanging.eval()(x), plain.eval()(x))
    assert exchanging.state_dict().keys() == plain.state_dict().keys()


def test_an_exchange_is_adain_with_the_permuted_batch_before_batch_norm():
    plain, exchanging = trained_pair(1.0)
    x = normal(5, 4, 3, 3) * torch.arange(1.0, 6.0).view(5, 1, 1, 1)
    torch.default_generator.manual_seed(3)
    torch.rand(())
    permutation = torch.randperm(5)
    torch.default_generator.manual_seed(3)
    torch.testing.assert_close(exchanging(x), plain(by_the_paper(x, x[permutation])))


def test_styles_are_exchanged_as_often_as_asked():
    plain, exchanging = trained_pair(0.25)
    x = normal(5, 4, 3, 3) * torch.arange(1.0, 6.0).view(5, 1, 1, 1)
    unchanged = plain(x)
    changed = sum(not torch.equal(exchanging(x), unchanged) for _ in range(400))
    assert 0.18 < changed / 400 < 0.32  # 1 in 120 permutations changes nothing


def test_the_seed_decides_the_exchange():
    _, exchanging = trained_pair(0.5)
    x, seen = normal(5, 4, 3, 3), []
    for _ in range(2):
        torch.default_generator.manual_seed(9)
        seen.append(torch.stack([exchanging(x) for _ in range(8)]))
    assert torch.equal(*seen)


def test_features_without_positions_are_refused():
    with pytest.raises(SettingError, match="must average over 2 values or more per statistic in features of shape"):
        AdaINSpec().build((6,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("compat", ["none", "official"])
def test_half_precision_rounds_what_float64_gives_in_the_contents_dtype(dtype, compat):
    content, style = (torch.randn(2, 3, 40, 40) * std + 500 for std in (30, 60))
    content, style, layer = content.to(dtype), style.to(dtype), AdaIN(compat=compat)
    exact = layer(content.double(), style.double())
    for other in (style, style.float()):
        y = layer(content, other)
        assert y.dtype == dtype
        assert (y.double() - exact).square().mean().sqrt() <= torch.finfo(dtype).eps * exact.square().mean().sqrt()


@pytest.mark.parametrize("compat", ["none", "official"])
def test_second_derivatives_of_constant_maps_are_those_of_finite_differences(compat):
    content, style = normal(2, 3, 2, 2), normal(2, 3, 2, 3)
    content[0], style[1], style[:, 0] = 3, 0, 1
    inputs = (content.requires_grad_(), style.requires_grad_())
    assert torch.autograd.gradgradcheck(AdaIN(compat=compat), inputs, fast_mode=True)


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0, 4)])
@pytest.mark.parametrize("compat", ["none", "official"])
def test_empty_content_is_put_out_as_it_came(shape, compat):
    content = torch.randn(shape, requires_grad=True)
    y = AdaIN(compat=compat)(content, torch.randn(1, 3, 4, 4))
    y.sum().backward()
    assert (y.shape, content.grad.shape) == (shape, shape)


@pytest.mark.parametrize(("content", "style"), [((2, 3, 4), (2, 3, 0)), ((2, 3), (2, 3)), ((2, 3, 4, 4), (2, 3))])
def test_a_style_without_positions_is_refused(content, style):
    with pytest.raises(ValueError, match=r"content, style: must have one position or more, got 0\. Give both as"):
        AdaIN()(torch.randn(content), torch.randn(style))


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_stacked_layers_whose_choice_is_certain_work_under_vmap(probability):
    layer = PermutedAdaIN(4, affine=False, probability=probability)
    buffers = {name: torch.stack([buffer] * 3) for name, buffer in layer.named_buffers()}
    x = torch.randn(3, 8, 4, 5)
    y = vmap(lambda buffers, x: functional_call(layer, buffers, (x,)), randomness="different")(buffers, x)
    assert AdaINSpec(probability=probability).properties((4, 5), batch_size=8, training=True).vmap
    assert y.isfinite().all()
    torch.testing.assert_close(buffers["running_mean"], 0.1 * x.mean((1, 3)))  # an exchange keeps the batch's means
