"""One training step of normbench, without recording, against the loop that a user would write by hand with torch.

CPU microseconds of a step with one thread: blocks of steps in random order, medians. The bare loop has torch's own
layers, draws batches from a shuffle per epoch, zeroes gradients, goes back, makes torch's fused step, reads the loss.

    .venv/bin/python tests/bench/bench_step.py [blocks]
"""

import random
import statistics
import sys
import time

import torch
from torch import nn

from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics

NUM_BLOCKS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
NUM_STEPS, BOUND = 100, 1.0
NUM_SAMPLES, NUM_CLASSES = 1000, 3
NORMS = {"batch_norm": nn.BatchNorm1d, "layer_norm": nn.LayerNorm, "group_norm": lambda width: nn.GroupNorm(2, width)}
NETS = {  # widths, norm, batch size
    "3 x 8": ((8,) * 3, "none", 4),
    **{f"2 x 64, {norm}": ((64,) * 2, norm, 32) for norm in ("none", *NORMS)},
    "3 x 200": ((200,) * 3, "none", 10),
}


def config_of(widths, norm, batch_size):
    """Return the settings of a run."""
    return RunConfig.model_validate(
        {
            "model": {"name": "mlp", "hidden_features": widths},
            "dataset": {"name": "gaussian_clusters", "num_samples": NUM_SAMPLES, "num_classes": NUM_CLASSES},
            "norm": norm,
            "batch_size": batch_size,
            "num_steps": NUM_STEPS,
            "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9},
        }
    )


def bare_network(in_features, widths, norm):
    """Return the network of torch's own layers."""
    layers = []
    for before, width in zip((in_features, *widths), widths, strict=False):
        layers += [nn.Linear(before, width), *([NORMS[norm](width)] if norm in NORMS else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], NUM_CLASSES))


def bare_loop(network, optimizer, split, batch_size):
    """Make the steps that a user would write by hand."""
    order = []
    for _ in range(NUM_STEPS):
        if not order:
            order = list(torch.randperm(NUM_SAMPLES)[: NUM_SAMPLES // batch_size * batch_size].split(batch_size))
        chosen = order.pop()
        loss = nn.functional.cross_entropy(network(split.x[chosen]), split.y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()


def cpu_us(make):
    """Return the CPU microseconds of one step."""
    started = time.process_time()
    make()
    return 1e6 * (time.process_time() - started) / NUM_STEPS


def compare(widths, norm, batch_size):
    """Return the median microseconds of a step of normbench's and of the bare loop, and the median ratio."""
    training, data = build_training(config_of(widths, norm, batch_size), 0)
    network = bare_network(data.train.x.shape[1], widths, norm)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)
    loops = [
        lambda: train(training, NUM_STEPS, NUM_STEPS + 1, None),
        lambda: bare_loop(network, optimizer, data.train, batch_size),
    ]
    blocks = []
    for _ in range(NUM_BLOCKS + 1):
        times = {index: cpu_us(loops[index]) for index in random.sample((0, 1), 2)}
        blocks.append((times[0], times[1]))
    blocks = blocks[1:]  # the first warms up
    ours, bare = (statistics.median(times) for times in zip(*blocks, strict=True))
    return ours, bare, statistics.median(mine / theirs for mine, theirs in blocks)


def main():
    """Print each network; fail where a step costs more than the bare loop's."""
    print(f"{'hidden layers':20} {'normbench':>10} {'bare loop':>10} {'beside it':>10} {'ratio':>6}   us per step")
    missed = False
    with numerics():
        for name, net in NETS.items():
            ours, bare, ratio = compare(*net)
            missed |= ratio > BOUND
            print(f"{name:20} {ours:10.0f} {bare:10.0f} {ours - bare:+10.0f} {ratio:6.2f}", flush=True)
    print(f"ratio at most {BOUND} wanted")
    sys.exit(missed)


if __name__ == "__main__":
    main()
