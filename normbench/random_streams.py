"""Makes one stream of random numbers per seed and purpose, so that arms share data, order, weights and masks."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
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


def stream(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator for one purpose of a seed, e.g. ``stream(0, "data", "train")``."""
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))


def dropout_stream(seed: int, replica: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a new generator for the masks of dropout in one run, on the device that the network computes on."""
    return stream(replica_seed(seed, replica), "dropout", "masks", device=device)


def noise_seed(seed: int, replica: int) -> int:
    """Return the seed of torch's global generator in one run, from which norms draw: noise, exchanges of styles.

    Dropout's masks are from another stream, so that neither moves the other.
    """
    return derive_seed(replica_seed(seed, replica), "dropout")  # another word would change all runs with such a norm


@contextmanager
def seeded_globally(seed: int) -> Iterator[None]:
    """Seed the global generators of torch, numpy and Python inside the block, for code that draws from them.

    After it they stand where they stood before.
    """
    import numpy as np

    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's code may draw from it
    with torch.random.fork_rng():
        seed_globally(seed)
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002


def seed_globally(seed: int) -> None:
    """Seed the global generators of torch, numpy and Python."""
    import numpy as np

    torch.default_generator.manual_seed(seed)  # torch.manual_seed asks devices of every maker: 100 times slower
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the user's code may draw from it
    random.seed(seed)
