"""Scores of masks: known numbers, the rules for absent classes and ignored pixels, and batches that change nothing."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.datasets.base import IGNORED, Split
from normbench.inspection.losses import constant_predictor, evaluate, evaluation_batches, loss_function
from normbench.inspection.split_scores import score


def said(classes, num_classes):
    """Return logits (N, C, H, W) that say these classes."""
    return 10.0 * F.one_hot(torch.as_tensor(classes), num_classes).movedim(-1, 1).float()


def scored(predicted, masks, num_classes=2):
    return score(said(predicted, num_classes), torch.as_tensor(masks), "segmentation")


def test_binary_masks_are_scored_by_their_foreground():
    found = scored([[[1, 1, 0, 0]]], [[[1, 0, 0, 0]]])
    assert (found["dice"], found["iou"], found["accuracy"]) == (pytest.approx(2 / 3), pytest.approx(1 / 2), 0.75)


def test_overlaps_are_averaged_over_images_and_not_over_pixels():
    found = scored([[[1, 1, 1, 1]], [[0, 1, 0, 0]]], [[[1, 1, 1, 1]], [[1, 0, 0, 0]]])
    assert (found["dice"], found["iou"]) == (0.5, 0.5)


def test_of_several_classes_the_mean_over_those_that_are_there_counts():
    found = scored([[[0, 1, 1, 3]]], [[[0, 0, 1, 3]]], num_classes=4)
    assert found["dice"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)  # class 2 is in neither
    assert found["iou"] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)


def test_a_class_that_is_only_predicted_counts_0():
    assert scored([[[0, 2]]], [[[0, 0]]], num_classes=3)["dice"] == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize(("predicted", "dice"), [([[[0, 0]]], 1.0), ([[[0, 1]]], 0.0)])
def test_an_empty_mask_counts_1_if_it_was_predicted_empty(predicted, dice):
    assert scored(predicted, [[[0, 0]]])["dice"] == dice


def test_ignored_pixels_count_nowhere():
    masks = torch.tensor([[[1, 0, IGNORED, IGNORED]]])
    assert scored([[[1, 0, 1, 1]]], masks) == scored([[[1, 0, 0, 0]]], masks)
    assert scored([[[1, 0, 1, 1]]], masks)["dice"] == scored([[[1, 0, 1, 1]]], masks)["accuracy"] == 1


def test_an_image_without_a_pixel_that_counts_is_left_out():
    nothing = [[IGNORED, IGNORED]]
    assert scored([[[1, 0]], [[1, 1]]], [[[1, 1]], nothing]) == scored([[[1, 0]]], [[[1, 1]]])
    assert all(map(math.isnan, scored([[[1, 1]]], [nothing]).values()))


def test_the_loss_is_the_cross_entropy_over_all_pixels_that_count():
    output, masks = torch.randn(3, 4, 5, 6), torch.randint(4, (3, 5, 6))
    masks[0, 0] = masks[2] = IGNORED
    flat = masks.flatten() != IGNORED
    expected = F.cross_entropy(output.movedim(1, -1).reshape(-1, 4)[flat], masks.flatten()[flat]).item()
    assert loss_function("segmentation", 0)(output, masks).item() == pytest.approx(expected, rel=1e-5)
    assert score(output, masks, "segmentation")["loss"] == pytest.approx(expected, rel=1e-5)


def test_masks_are_read_in_pieces_that_change_nothing(monkeypatch):
    net, x, masks = nn.Conv2d(1, 3, 1), torch.randn(7, 1, 4, 4), torch.randint(3, (7, 4, 4))
    at_once = evaluate(net, Split(x, masks), "segmentation")
    monkeypatch.setattr("normbench.inspection.losses.MAX_NUMBERS", 2 * 16)
    sizes = []
    net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    assert evaluate(net, Split(x, masks), "segmentation") == pytest.approx(at_once, rel=1e-5)
    assert sizes == [2, 2, 3]


def test_large_images_are_read_few_at_a_time():
    x = torch.zeros(1).expand(9, 3, 1024, 1024)
    assert [len(batch) for batch in evaluation_batches(x)] == [2, 2, 2, 3]


def test_the_constant_mask_is_the_best_of_the_training_set_for_each_score():
    train = Split(torch.zeros(2, 1, 1, 4), torch.tensor([[[1, 0, 0, 0]], [[1, 0, 0, IGNORED]]]))
    found = constant_predictor(train, train, "segmentation")
    share = 2 / 7  # of the foreground
    assert found["accuracy"] == pytest.approx(1 - share)
    assert found["loss"] == pytest.approx(-share * math.log(share) - (1 - share) * math.log(1 - share))
    assert found["dice"] == pytest.approx((2 / 5 + 2 / 4) / 2)  # all foreground: no background has one
    assert found["iou"] == pytest.approx((1 / 4 + 1 / 3) / 2)
