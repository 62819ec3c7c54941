"""normbench compares normalizations and regularizations by experiments; its public functions are loaded lazily."""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["compare_runs", "load_study", "probe_model", "run_study", "swap_norms"]

if TYPE_CHECKING:
    from normbench.evidence.comparison.comparison import compare_runs
    from normbench.inspection.probe import probe_model
    from normbench.norm_swap.swap import swap_norms
    from normbench.scheduling.schedule import run_study
    from normbench.study.load import load_study

_MODULES = {
    "load_study": "normbench.study.load",
    "run_study": "normbench.scheduling.schedule",
    "compare_runs": "normbench.evidence.comparison.comparison",
    "probe_model": "normbench.inspection.probe",
    "swap_norms": "normbench.norm_swap.swap",
}


def __getattr__(name: str) -> Any:
    """Import a public function when it is first used: torch takes seconds, ``--help`` should not."""
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module 'normbench' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
