"""A step of a user's own network: normbench's training loop against the loop that a user would write by hand.

CPU time of steps that are not recorded, in turn in one process. Both train the same small residual network with batch
norm and dropout; the bare loop zeroes gradients, calls the network, goes back and makes torch's step.

    .venv/bin/python tests/bench/bench_own_step.py [pairs]
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from own_networks import write_study
from torch import nn

from normbench.study.load import load_study
from normbench.study.own_code import running_code_of
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics

NUM_PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
NUM_STEPS, BOUND, FEWEST_MS = 40, 1.1, 2.0
NET = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


class Net(nn.Module):
    def __init__(self, width, depth, output_shape):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(depth)])
        self.drop, self.head = nn.Dropout(0.1), nn.Linear(width, *output_shape)

    def forward(self, x):
        return self.head(self.drop(self.blocks(self.stem(x)).mean((2, 3))))
"""


def config():
    """Return the settings of a run of that network."""
    model = {"name": "own", "build": "my_net:Net", "settings": {"width": 6, "depth": 1}}
    data = {"name": "banknotes", "num_samples": 64}
    path = write_study(modules={"my_net.py": NET}, model=model, dataset=data, batch_size=8, num_steps=NUM_STEPS)
    (found,) = load_study(path).arms.values()
    return found.on("cpu")


def bare_loop(network, x, y, optimizer):
    """Make the steps that a user would write by hand."""
    loss_of, generator = nn.CrossEntropyLoss(), torch.Generator().manual_seed(0)
    for _ in range(NUM_STEPS):
        chosen = torch.randperm(len(x), generator=generator)[:8]
        optimizer.zero_grad()
        loss = loss_of(network(x[chosen]), y[chosen])
        loss.backward()
        optimizer.step()
        loss.item()


def cpu_ms(make):
    """Return the CPU milliseconds of one step."""
    started = time.process_time()
    make()
    return 1000 * (time.process_time() - started) / NUM_STEPS


def main():
    """Print each pair and the median ratio."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        settings = config()
        with numerics(), running_code_of(settings):
            print("one step of a user's network, CPU milliseconds, beside a bare loop")
            ours, data = build_training(settings, 0)
            bare, _ = build_training(settings, 0)
            sgd = torch.optim.SGD(bare.model.parameters(), 0.01, momentum=0.9)
            ratios, times = [], []
            for _ in range(NUM_PAIRS):
                times.append(cpu_ms(lambda: bare_loop(bare.model, data.train.x, data.train.y, sgd)))
                ratios.append(cpu_ms(lambda: train(ours, NUM_STEPS, NUM_STEPS + 1, None)) / times[-1])
    step, ratio = statistics.median(times), statistics.median(ratios)
    print(f"bare loop {step:.2f} ms, of at least {FEWEST_MS:g}; median ratio {ratio:.3f}, at most {BOUND} wanted")
    sys.exit(ratio > BOUND or step < FEWEST_MS)


if __name__ == "__main__":
    main()
