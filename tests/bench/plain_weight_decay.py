"""The weight-decay experiment as a plain PyTorch script: what a user would write by hand instead of using normbench.

Two MLPs (200-200-200, ReLU) on ten points of a noisy line, SGD with momentum, 2000 steps, histograms of every weight and gradient
every 200 steps with tensorboardX's own add_histogram. Prints one JSON line with its CPU seconds, imports left out.

    python plain_weight_decay.py [--seeds 1] [--hidden 200] [--steps 2000] [--every 200] [--threads 1]
"""

import argparse
import json
import tempfile
import time

import torch
from tensorboardX import SummaryWriter
from torch import nn


def make_data(num_samples=10, slope=1.5, train_noise_std=0.5, test_noise_std=0.3):
    x = torch.linspace(-1, 1, num_samples).unsqueeze(1)
    return x, slope * x + train_noise_std * torch.randn_like(x), x, slope * x + test_noise_std * torch.randn_like(x)


def make_mlp(hidden):
    widths = [1, hidden, hidden, hidden]
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(hidden, 1))


def train(seed, weight_decay, args, writer):
    torch.manual_seed(seed)
    train_x, train_y, test_x, test_y = make_data()
    torch.manual_seed(seed)
    model = make_mlp(args.hidden)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=weight_decay)
    loss_function = nn.MSELoss()
    for step in range(args.steps):
        loss = loss_function(model(train_x), train_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % args.every == 0:
            for name, parameter in model.named_parameters():
                writer.add_histogram(f"weight/{name}", parameter, step)
                writer.add_histogram(f"grad/{name}", parameter.grad, step)
    with torch.no_grad():
        return loss.item(), loss_function(model(test_x), test_y).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=200)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.process_time()
    losses = {}
    for seed in range(args.seeds):
        for arm, weight_decay in (("normal", 0.0), ("weight_decay", 0.01)):
            with SummaryWriter(tempfile.mkdtemp()) as writer:
                losses[f"{arm}/seed-{seed}"] = train(seed, weight_decay, args, writer)
    print(json.dumps({"cpu_s": round(time.process_time() - started, 3), "train_test_loss": losses}))


if __name__ == "__main__":
    main()
