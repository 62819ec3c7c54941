"""Networks of a user's own, as text: modules that tests write beside a study file, and the file itself."""

from pathlib import Path

import yaml

from normbench.study.load import load_study

DATA = {"name": "gaussian_clusters", "num_samples": 24, "num_features": 4, "num_classes": 2, "clusters_per_class": 1}
NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.first, self.norm = nn.Linear(4, width), nn.BatchNorm1d(width)
        self.relu, self.drop, self.head = nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.drop(self.relu(self.norm(self.first(x)))))


def build(width=6, output_shape=(2,)):
    return Net(width, *output_shape)
"""


def write_study(folder=Path(), name="own", modules=None, **settings):
    """Write a study of the user's own network with its modules; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in (modules or {"my_net.py": NET}).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    content = {"model": {"name": "own", "build": "my_net:build"}, "dataset": DATA, "batch_size": 4, "num_steps": 4}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content | settings), encoding="utf-8")
    return path


def own_study(folder=Path(), options=None, **settings):
    """Write a study of the user's own network, and read it."""
    return load_study(write_study(folder, **settings), **(options or {}))
