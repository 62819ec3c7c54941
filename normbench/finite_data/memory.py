"""Finds how much memory is free for data, and says in one line when data need more than a quarter of it."""

from contextlib import suppress
from pathlib import Path

SHARE_OF_MEMORY = 0.25
"""Of the memory that is free; the rest is for networks, gradients and others."""
_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_KIB = 1024


def free_bytes() -> int | None:
    """Return the memory that is free on this machine, or within a container's limit; None if unknown."""
    known = [size for size in (_free_of_machine(), _free_of_container()) if size is not None]
    return min(known) if known else None


def too_large_text(num_bytes: float, num_processes: int = 1) -> str:
    """Return what is wrong with data of this size in each process; "" where they fit.

    Example:
        >>> too_large_text(1), "GB in each of 4 processes" in too_large_text(1e18, 4)
        ('', True)
    """
    free = free_bytes()
    if free is None or num_bytes * num_processes <= SHARE_OF_MEMORY * free:
        return ""
    each = f" in each of {num_processes} processes" if num_processes > 1 else ""
    return f"needs {size_text(num_bytes)}{each}, at most a quarter of the {size_text(free)} of free memory may be used"


def size_text(num_bytes: float) -> str:
    """Write a size as a number with its unit.

    Example:
        >>> size_text(512), size_text(1.5e6), size_text(3.25e9)
        ('1 KB', '1.5 MB', '3.2 GB')
    """
    if num_bytes < 1e6:
        return f"{max(1, num_bytes / 1e3):.0f} KB"
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes < 1e9 else f"{num_bytes / 1e9:,.1f} GB"


def _free_of_machine() -> int | None:
    with suppress(OSError, ValueError):
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * _KIB
    return None


def _free_of_container() -> int | None:
    """Return what a container's limit leaves, cached files not counted; None without a limit."""
    with suppress(OSError, ValueError):
        limit, used = (int((_GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        stats = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
        return limit - used + int(stats["file"])
    return None
