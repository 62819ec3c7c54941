"""CPU time of a probe of a user's model, against one pass forward and backward through it, in one process."""

import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

from normbench.inspection.probe import probe_model

sys.path.insert(0, str(Path(__file__).parents[1]))
from foreign_models import ResNet, encoder, plain

ROUNDS = 7
MODELS = {
    "dense, 6 x 512": (lambda: plain(6, 512), (64, 512)),
    "resnet, 32 wide": (lambda: ResNet(32), (16, 3, 32, 32)),
    "encoder, 3 layers": (encoder, (32, 24, 16)),
    "lstm, 128 wide": (lambda: nn.LSTM(32, 128, batch_first=True), (32, 24, 32)),
}


def main() -> None:
    """Print the median of alternating ratios for each model."""
    torch.set_num_threads(1)
    print(f"CPU milliseconds, medians of {ROUNDS} alternating rounds")
    print(f"  {'model':<20}{'pass':>8}{'probe':>8}{'ratio':>8}")
    for name, (make, shape) in MODELS.items():
        model, x = make(), torch.randn(shape)
        rounds = [(spent(passed, model, x), spent(probe_model, model, x)) for _ in range(ROUNDS + 1)][1:]
        ratio = statistics.median(probe / one for one, probe in rounds)
        one, probe = (1e3 * statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"  {name:<20}{one:8.1f}{probe:8.1f}{ratio:8.1f}")


def passed(model: nn.Module, x: torch.Tensor) -> None:
    """Go forward and backward once."""
    output = model(x)
    (output[0] if isinstance(output, tuple) else output).sum().backward()
    model.zero_grad()


def spent(call, *arguments) -> float:
    """Return the CPU seconds of a call."""
    started = time.process_time()
    call(*arguments)
    return time.process_time() - started


if __name__ == "__main__":
    main()
