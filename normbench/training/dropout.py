"""Dropout whose masks come from a stream of the run's own, so that nothing else a network draws moves them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from normbench.stacking import RealRows, Stacked


class StackedDropout(Stacked):
    """Dropout of several networks as one, in training: (S, N, *) -> (S, N, *), each mask from its member's stream."""

    takes_real_rows = True

    def __init__(self, members: Sequence["Dropout"]) -> None:
        super().__init__(members)
        self.kept = [1 - member.p for member in members]
        self.streams = [member.stream for member in members]

    def forward(self, x: Tensor, real: RealRows | None = None) -> Tensor:
        """Zero values of each member, and scale its others; padding is zeroed, and nothing is drawn for it."""
        mask = x.new_empty(x.shape)
        masks = mask.unbind() if real is None else real.new_empty(x)
        for of_member, kept, stream in zip(masks, self.kept, self.streams, strict=True):
            of_member.bernoulli_(kept, generator=stream)
        if real is not None:
            mask = real.padded(masks)
        return x * mask.div_(self._shares(x))

    def _shares(self, x: Tensor) -> Tensor | float:
        if len(set(self.kept)) == 1:
            return self.kept[0]
        return x.new_tensor(self.kept).view(-1, *(1 for _ in x.shape[1:]))


class Dropout(nn.Dropout):
    """Zero values at random in training, and scale the others by 1 / (1 - p).

    A mask depends on the stream's state, the input's shape and nothing else: not on torch's global generator, nor on
    how the input lies in memory. In evaluation nothing is drawn. The stream is of the input's device: on a GPU masks
    are drawn there, since a copy from the CPU for every layer and step would cost more than the layer.

    Shape:
        input: any.
        output: same shape, dtype and device as the input.

    Args:
        p: Probability of zeroing a value, 0 to 1.
        stream: Generator that the masks are drawn from; all dropout layers of a run share one.

    References:
        Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014.
        https://jmlr.org/papers/v15/srivastava14a.html

    Example:
        >>> Dropout(0.5, torch.Generator().manual_seed(0))(torch.ones(2, 3)).unique()
        tensor([0., 2.])
    """

    stacked_form = StackedDropout

    def __init__(self, p: float, stream: torch.Generator) -> None:
        super().__init__(p)
        self.stream = stream

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Zero values in training; return the input as it is in evaluation."""
        if not self.training or self.p in (0, 1):  # for these torch draws nothing either
            return super().forward(input)
        kept = 1 - self.p
        mask = input.new_empty(input.shape).bernoulli_(kept, generator=self.stream)
        return input * mask.div_(kept)


OF_ONE_FORWARD = (nn.Dropout, Dropout)
"""Other subclasses compute something of their own, and are left as they are."""


def draw_dropout_from(stream: torch.Generator, model: nn.Module) -> None:
    """Replace every ``nn.Dropout`` of a network by one that draws its masks from ``stream``.

    Models build torch's own layer, so that they work outside a run too; there it draws from the global generator.
    """
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if isinstance(module, nn.Dropout) and type(module) in OF_ONE_FORWARD:
            model.set_submodule(name, Dropout(module.p, stream).train(module.training))
