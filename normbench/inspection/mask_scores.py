"""Scores predicted masks: cross-entropy and accuracy over all pixels, Dice and IoU per image, averaged over images."""

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.datasets.base import IGNORED


def pixel_loss(output: Tensor, masks: Tensor, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy over all pixels that count.

    Args:
        output: (N, C, H, W), a logit per class.
        masks: (N, H, W) int64 classes, -100 where a pixel does not count.
        reduction: As in torch.
    """
    if output.is_cuda:  # over two dimensions torch's gradient is not the same twice there
        output, masks = output.movedim(1, -1).reshape(-1, output.shape[1]), masks.reshape(-1)
    return F.cross_entropy(output, masks, ignore_index=IGNORED, reduction=reduction)


class MaskScores:
    """Adds up the scores of a split batch by batch, so that the outputs of large images need not be held at once.

    ``loss`` and ``accuracy`` are means over all pixels that count. ``dice`` = 2 |A and B| / (|A| + |B|) (Dice, 1945)
    and ``iou`` = |A and B| / |A or B| (Jaccard, 1912), A the predicted and B the true pixels of a class, are computed
    for each image and class. Of an image they are the mean over its classes; of two classes the second one alone
    counts, the foreground. A class that is absent in both A and B is left out. Where this leaves no class, an empty
    image that was predicted empty, the image counts 1, as in the BraTS challenge (Isensee et al., nnU-Net for brain
    tumor segmentation, 2020, https://arxiv.org/abs/2011.00848). Then they are averaged over images. An image none of
    whose pixels count is left out.
    """

    def __init__(self) -> None:
        self.loss_sum = 0.0
        self.num_pixels = self.num_right = self.num_images = 0
        self.sums = {"dice": 0.0, "iou": 0.0}

    def add(self, output: Tensor, masks: Tensor) -> None:
        """Add a batch: logits (N, C, H, W) and classes (N, H, W)."""
        self.loss_sum += pixel_loss(output, masks, "sum").item()
        counts = _confusion(output.argmax(1), masks, output.shape[1])
        counts = counts[counts.sum((1, 2)) > 0]
        both, true, predicted = counts.diagonal(dim1=1, dim2=2), counts.sum(2), counts.sum(1)
        self.num_pixels += int(true.sum())
        self.num_right += int(both.sum())
        self.num_images += len(counts)
        for name, overlaps in _overlaps(both, true, predicted).items():
            self.sums[name] += overlaps.sum().item()

    def result(self) -> dict[str, float]:
        """Return loss, dice, iou and accuracy of all that was added; nan where no pixel counted."""
        pixels, images = self.num_pixels or float("nan"), self.num_images or float("nan")
        overlaps = {name: total / images for name, total in self.sums.items()}
        return {"loss": self.loss_sum / pixels, **overlaps, "accuracy": self.num_right / pixels}


def constant_overlaps(masks: Tensor, num_classes: int) -> dict[str, list[float]]:
    """Return Dice and IoU of a prediction that has the same class in all pixels, for each class."""
    sizes = _pixels_by_class(masks, num_classes)
    found: dict[str, list[float]] = {"dice": [], "iou": []}
    for label in range(num_classes):
        only = torch.zeros_like(sizes)
        only[:, label] = 1
        for name, overlaps in _overlaps(sizes * only, sizes, sizes.sum(1, keepdim=True) * only).items():
            found[name].append(overlaps.mean().item())
    return found


def _pixels_by_class(masks: Tensor, num_classes: int) -> Tensor:
    """Count the pixels of each class in each image: (N, C); images without a pixel that counts are left out."""
    counts = _count(masks, masks, (num_classes,))
    return counts[counts.sum(1) > 0]


def _confusion(predicted: Tensor, masks: Tensor, num_classes: int) -> Tensor:
    """Count the pixels of each image by true and by predicted class: (N, C, C)."""
    return _count(masks * num_classes + predicted, masks, (num_classes, num_classes))


def _count(kinds: Tensor, masks: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Count the pixels of each image by kind, a number below the product of ``shape``: (N, *shape) int64."""
    image = torch.arange(len(masks), device=masks.device).view(-1, 1, 1)
    numbers = (image * prod(shape) + kinds)[masks != IGNORED]
    return torch.bincount(numbers, minlength=len(masks) * prod(shape)).view(-1, *shape)


def _overlaps(both: Tensor, true: Tensor, predicted: Tensor) -> dict[str, Tensor]:
    """Return Dice and IoU of each image, (N,) float64, from the pixels of each class: (N, C) each."""
    first = 1 if true.shape[1] == 2 else 0
    sizes = {"dice": (true + predicted) / 2, "iou": true + predicted - both}
    return {name: _mean_of_present(both[:, first:], size[:, first:]) for name, size in sizes.items()}


def _mean_of_present(both: Tensor, size: Tensor) -> Tensor:
    """Return the mean of both / size over the classes of size above 0, and 1 where there is none."""
    is_present = size > 0
    found = torch.where(is_present, both.double() / size.clamp_min(0.5), 0.0).sum(1) / is_present.sum(1)
    return torch.where(is_present.any(1), found, 1.0)
