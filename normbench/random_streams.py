"""Makes one stream of random numbers per seed and purpose, so that arms share data, order and initial weights."""

from hashlib import sha256

import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for one purpose of a seed; the same on every machine."""
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


def replica_seed(seed: int, replica: int) -> int:
    """Return the seed of a replica's order, weights and dropout; replica 0 has the seed itself.

    Example:
        >>> replica_seed(7, 0), replica_seed(7, 1) == replica_seed(7, 2)
        (7, False)
    """
    return derive_seed(seed, "replica", replica) if replica else seed


def stream(seed: int, *purpose: str | int) -> torch.Generator:
    """Return a new CPU generator for one purpose of a seed, e.g. ``stream(0, "data", "train")``."""
    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
