"""Which normalization and regularization to use, answered by experiments; public functions, loaded lazily."""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["compare_runs", "load_study", "probe_model", "run_study"]

if TYPE_CHECKING:
    from normbench.arms import load_study
    from normbench.evidence.comparison import compare_runs
    from normbench.scheduling import run_study
    from normbench.training.probing import probe_model

_HOMES = {
    "load_study": "normbench.arms",
    "run_study": "normbench.scheduling",
    "compare_runs": "normbench.evidence.comparison",
    "probe_model": "normbench.training.probing",
}


def __getattr__(name: str) -> Any:
    """Import a public function when it is first used: torch takes seconds, ``--help`` should not."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'normbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
