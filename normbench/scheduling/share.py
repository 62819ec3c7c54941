"""Share: how many CPUs and GPUs of a cluster each job holds while it is made."""

import math
from dataclasses import dataclass

from normbench.errors import ConfigError

EXAMPLE = "Example: --share cpu=1,gpu=0.25"


@dataclass(frozen=True)
class Share:
    """What a job holds of one machine.

    Attributes:
        cpu: Number of CPUs; may be a fraction.
        gpu: Number of GPUs; a fraction, or a whole number from 1.
    """

    cpu: float = 1.0
    gpu: float = 0.0

    def times_in(self, cpus: float, gpus: float) -> int:
        """Return how many such jobs a machine holds at the same time.

        Example:
            >>> Share(1, 0.25).times_in(16, 2), Share(1, 0.25).times_in(4, 2), Share(2).times_in(1, 8)
            (8, 4, 0)
        """
        held = [(cpus, self.cpu), (gpus, self.gpu)]
        return min(math.floor(there / wanted + 1e-9) for there, wanted in held if wanted)

    def __str__(self) -> str:
        """Write it as on the command line."""
        return f"cpu={self.cpu:g}" + (f",gpu={self.gpu:g}" if self.gpu else "")


def read_share(text: str, *, on_gpu: bool = False) -> Share:
    """Read the value of ``--share``; what it does not name is one CPU, and one GPU for jobs on GPUs.

    Args:
        text: Such as ``cpu=1,gpu=0.25``; "" for what is usual.
        on_gpu: Whether the jobs compute on a GPU.

    Raises:
        ConfigError: It is no such text.

    Example:
        >>> read_share("gpu=0.25"), read_share("cpu=2"), read_share("", on_gpu=True)
        (Share(cpu=1.0, gpu=0.25), Share(cpu=2.0, gpu=0.0), Share(cpu=1.0, gpu=1.0))
    """
    usual = {"cpu": 1.0, "gpu": float(on_gpu)}
    found = usual | _read_amounts(text)
    if not found["cpu"] + found["gpu"]:
        raise ConfigError([f"--share {text}: must be more than nothing, got {text!r}. {EXAMPLE}"])
    return Share(**found)


def _read_amounts(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, amount = part.partition("=")
        number = _number(amount)
        if name not in ("cpu", "gpu") or number is None or (name == "gpu" and number > 1 and number % 1):
            rule = "must be cpu=A,gpu=B with numbers from 0, of GPUs a fraction or a whole number"
            raise ConfigError([f"--share {text}: {rule}, got {part!r}. {EXAMPLE}"])
        found[name] = number
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
