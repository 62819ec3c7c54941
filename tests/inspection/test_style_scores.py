"""Style and content of images: by hand, and as the two sides of the mean squared error."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.datasets.base import Split
from normbench.inspection.losses import constant_predictor, evaluate, loss_function
from normbench.inspection.split_scores import quantities, score

TASK = "style_transfer"


def images(seed, num=6):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(num, 3, 5, 4, generator=rng) * 2 + 1


def test_both_sides_make_up_the_mean_squared_error():
    output, target = images(0), images(1)
    stds = [each.double().std((2, 3), correction=0) for each in (output, target)]
    style = sum(score(output[[i]][:, [c]], target[[i]][:, [c]], TASK)["style_loss"] for i in range(6) for c in range(3))
    content = sum(
        (stds[0] * stds[1])[i, c].item() * score(output[[i]][:, [c]], target[[i]][:, [c]], TASK)["content_loss"]
        for i in range(6)
        for c in range(3)
    )
    assert (style + content) / 18 == pytest.approx(F.mse_loss(output, target).item(), rel=1e-4)
    assert style / 18 == pytest.approx(score(output, target, TASK)["style_loss"])


def test_another_style_is_no_other_content():
    target = images(0)
    found = score(3 * target + 2, target, TASK)
    assert found["content_loss"] == pytest.approx(0, abs=1e-6)
    expected = (2 * target.mean((2, 3)) + 2).square() + (2 * target.std((2, 3), correction=0)).square()
    assert found["style_loss"] == pytest.approx(expected.mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [(lambda x: -x, 4), (torch.zeros_like, 1), (lambda x: x, 0)],
    ids=["negative", "flat", "equal"],
)
def test_content_is_twice_what_is_missing_of_correlation_one(change, expected):
    target = images(0)
    assert score(change(target), target, TASK)["content_loss"] == pytest.approx(expected, abs=1e-4)


def test_images_are_read_in_pieces_that_change_nothing(monkeypatch):
    net, split = torch.nn.Conv2d(3, 3, 1), Split(images(0, 7), images(1, 7))
    at_once = evaluate(net, split, TASK)
    assert tuple(at_once) == quantities(TASK)
    monkeypatch.setattr("normbench.inspection.losses.MAX_NUMBERS", 3 * 60)
    assert evaluate(net, split, TASK) == pytest.approx(at_once, rel=1e-5)


def test_it_is_learned_by_the_mean_squared_error_and_a_diverged_run_counts_as_the_mean_image():
    output, target = images(0), images(1)
    assert loss_function(TASK, 0)(output, target) == F.mse_loss(output, target)
    train = Split(output, target)
    expected = score(target.mean(0).expand_as(target), target, TASK)
    assert constant_predictor(train, train, TASK) == pytest.approx(expected)
