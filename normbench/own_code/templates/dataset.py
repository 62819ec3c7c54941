"""my_dataset: 300 made-up rows of 8 numbers, and which of two classes each is of."""

import numpy as np
from numpy.typing import NDArray


def make(num_samples: int = 300, noise_std: float = 0.5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return inputs and targets, one row per sample: read your own files here.

    Inputs are (N, features), or images (N, C, H, W). Targets (N,) are classes if they are whole numbers or text, and
    numbers to predict if they have a fraction. A torch Dataset of samples (x, y) may be returned as well. Called once:
    each seed splits the rows anew, and inputs are standardized by the mean and std of the training rows.

    All arguments are settings: dataset: {name: own, source: "my_dataset:make", settings: {num_samples: 100}}.
    """
    rng = np.random.default_rng(0)  # the same rows each time
    x = rng.normal(size=(num_samples, 8))
    score = x[:, 0] * x[:, 1] + rng.normal(scale=noise_std, size=num_samples)
    return x.astype(np.float32), (score > 0).astype(np.int64)
