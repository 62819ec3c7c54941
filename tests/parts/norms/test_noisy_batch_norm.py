"""Batch norm with noise after it: what is drawn, how it is spread, and that evaluation has none."""

import pytest
import torch

from normbench.errors import SettingError
from normbench.norms._batch_norm import BatchNorm
from normbench.norms.noisy_batch_norm import NoisyBatchNorm, NoisyBatchNormSpec

X = torch.zeros(2000, 3, 2, 2)


def test_evaluation_is_that_of_batch_norm_and_so_are_parameters_and_buffers():
    noisy, plain = NoisyBatchNorm(3), BatchNorm(3)
    assert noisy.state_dict().keys() == plain.state_dict().keys()
    x = torch.randn(8, 3, 2, 2)
    noisy(x), plain(x)
    assert torch.equal(noisy.eval()(x), plain.eval()(x))


def test_without_noise_training_is_that_of_batch_norm():
    x = torch.randn(8, 3, 2, 2)
    assert torch.equal(NoisyBatchNorm(3, 0.0, 1.0, 0.0)(x), BatchNorm(3)(x))


def test_all_positions_of_a_map_share_factor_and_shift():
    noisy, x = NoisyBatchNorm(3), torch.randn(8, 3, 4, 4)
    torch.default_generator.manual_seed(2)
    y = noisy(x)
    torch.default_generator.manual_seed(2)
    scale, shift = noisy.draw_noise(x)
    assert scale.shape == shift.shape == (8, 3, 1, 1)
    torch.testing.assert_close(y, scale * BatchNorm(3)(x) + shift)


def test_a_step_draws_a_mean_per_channel_and_every_sample_lies_around_it():
    """Appendix A: uniform of half-width 0.1 around mu, normal of std 0.1 around sigma."""
    scale, shift = (drawn.flatten(1) for drawn in NoisyBatchNorm(3).draw_noise(X))
    assert (shift.amax(0) - shift.amin(0)).tolist() == pytest.approx([0.2] * 3, rel=0.01)
    assert shift.std(0).tolist() == pytest.approx([0.2 / 12**0.5] * 3, rel=0.05)
    assert scale.std(0).tolist() == pytest.approx([0.1] * 3, rel=0.05)
    assert len(set(shift.mean(0).round(decimals=2).tolist())) == 3


def test_over_steps_the_means_are_uniform_in_their_ranges():
    noisy = NoisyBatchNorm(5000, noise_spread=0.0)
    scale, shift = (drawn.flatten() for drawn in noisy.draw_noise(torch.zeros(1, 5000)))
    for values, low, high in ((shift, -0.5, 0.5), (scale, 1.0, 1.25)):
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() <= high
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.02)


def test_each_step_has_another_distribution():
    noisy = NoisyBatchNorm(3, noise_spread=0.0)
    first, second = noisy.draw_noise(X), noisy.draw_noise(X)
    assert not torch.isclose(first[0][0], second[0][0]).any()
    assert not torch.isclose(first[1][0], second[1][0]).any()


def test_a_batch_of_one_value_per_channel_is_refused():
    with pytest.raises(SettingError) as refusal:
        NoisyBatchNormSpec().check_batch((3,), 1)
    assert str(refusal.value) == (
        "batch_size: must give noisy_batch_norm 2 values per channel or more (features of shape (3,)), got 1. "
        "Use a larger batch, or norm: layer_norm, which does not look at the batch."
    )
