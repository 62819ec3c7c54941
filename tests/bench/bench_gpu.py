"""Steps a second of 1, 16, 256 and 1,024 dense networks of 64 and 64 units on a GPU: one by one, and as one stack.

Wall time, since a GPU works beside the process; each step ends with the losses on the CPU. A step of a stack counts as
one of each member. Without a GPU it says so; `cpu` as argument runs the two smallest there, to try the script.

    .venv/bin/python tests/bench/bench_gpu.py [cuda|cpu]
"""

import sys
import time

import torch

from normbench.study.config import RunConfig
from normbench.training.build import build_training
from normbench.training.loop import train
from normbench.training.numerics import numerics
from normbench.training.stack.stack import Stack

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"
NUM_MEMBERS = (1, 16, 256, 1024) if DEVICE == "cuda" else (1, 16)
NORMS = ("none", "batch_norm", "layer_norm")
NUM_STEPS, NUM_WARM = 100, 10


def members_of(norm, num_members):
    """Return the config and the objects of each member."""
    model, data = {"name": "mlp", "hidden_features": [64, 64]}, {"name": "gaussian_clusters", "num_samples": 256}
    config = RunConfig.model_validate(
        {"model": model, "dataset": data, "norm": norm, "batch_size": 32, "device": DEVICE}
    )
    return config, [build_training(config, seed)[0] for seed in range(num_members)]


def seconds(work):
    """Return the wall time of some work, that of the GPU included."""
    started = time.monotonic()
    work()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - started


def looped(norm):
    """Return the steps a second of one network in the loop."""
    _, (training,) = members_of(norm, 1)
    train(training, NUM_WARM, NUM_WARM, None)
    return NUM_STEPS / seconds(lambda: train(training, NUM_STEPS, NUM_STEPS, None))


def stacked(norm, num_members):
    """Return the steps a second of all members of a stack together."""
    config, members = members_of(norm, num_members)
    stack = Stack(members, [config] * num_members)
    for step in range(NUM_WARM):
        stack.step(step)
    return num_members * NUM_STEPS / seconds(lambda: [stack.step(step) for step in range(NUM_STEPS)])


def main():
    """Print a row per norm and number of members."""
    if DEVICE == "cuda" and not torch.cuda.is_available():
        print("no GPU here: nothing measured")
        return
    name = torch.cuda.get_device_name() if DEVICE == "cuda" else "CPU"
    print(f"dense networks of 64 and 64, batch 32, on {name}\nnorm         members  steps/s as a stack  loop")
    with numerics():
        for norm in NORMS:
            one = looped(norm)
            for num_members in NUM_MEMBERS:
                rate = stacked(norm, num_members)
                print(f"{norm:12} {num_members:7,}  {rate:18,.0f}  {one:5,.0f}", flush=True)


if __name__ == "__main__":
    main()
