"""Refuses data that would fill the memory when several processes hold them at once."""

from collections.abc import Sequence

from normbench.errors import ConfigError
from normbench.finite_data.memory import too_large_text
from normbench.study.study import Study


def refuse_data_beyond_memory(studies: Sequence[Study], num_jobs: int) -> None:
    """Refuse studies whose data need more than a quarter of the free memory in all processes together.

    Args:
        studies: What is to be run.
        num_jobs: Number of runs made at the same time; no more processes than runs are started.

    Raises:
        ConfigError: A line per study.
    """
    lines = []
    for study in studies:
        num_processes = min(num_jobs, len(study.arms) * len(study.seeds))
        problem = too_large_text(max(config.dataset.num_bytes for config in study.arms.values()), num_processes)
        if problem:
            lines.append(f"{study.source}: dataset: {problem}, got --jobs {num_jobs}. Use fewer jobs or rows.")
    if lines:
        raise ConfigError(lines)
