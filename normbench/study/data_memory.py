"""Refuses data that would fill the memory when several processes hold them at once."""

from collections.abc import Callable, Sequence

from normbench.errors import ConfigError
from normbench.finite_data.memory import too_large_text
from normbench.study.study import Study


def refuse_data_beyond_memory(
    studies: Sequence[Study], num_jobs: int, num_together: Callable[[Study], int] = lambda _: 1
) -> None:
    """Refuse studies whose data need more than a quarter of the free memory in all processes together.

    Args:
        studies: What is to be run.
        num_jobs: Number of processes; no more than there are runs are started.
        num_together: Returns how many runs of a study a process holds at once, each with data of its own.

    Raises:
        ConfigError: A line per study.
    """
    lines = []
    for study in studies:
        num_processes = min(num_jobs, len(study.arms) * len(study.seeds))
        together = num_together(study)
        num_bytes = together * max(config.dataset.num_bytes for config in study.arms.values())
        problem = too_large_text(num_bytes, num_processes)
        if problem:
            apart = ", or --engine loop" if together > 1 else ""
            lines.append(f"{study.source}: dataset: {problem}, got --jobs {num_jobs}. Use fewer jobs or rows{apart}.")
    if lines:
        raise ConfigError(lines)
