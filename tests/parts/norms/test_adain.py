"""AdaIN against the paper's formula and the published ports, and styles exchanged inside a batch."""

import pytest
import torch

from normbench.errors import SettingError
from normbench.norms.adain import AdaIN, AdaINSpec, PermutedAdaIN
from normbench.norms.batch_norm import BatchNorm

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
