"""Adds up what the runs of each arm cost in CPU seconds, as their environment.json says."""

from dataclasses import dataclass
from pathlib import Path

from normbench.evidence.statistics.means import mean_of
from normbench.storage.run_folder import ENVIRONMENT_JSON, Arm, Run


@dataclass(frozen=True)
class ArmCost:
    """What the finished runs of one arm cost.

    Attributes:
        arm: The arm's label.
        num_runs: Number of its finished runs.
        cpu_s: CPU seconds of each run that says it, in the order of the seeds.
    """

    arm: str
    num_runs: int
    cpu_s: tuple[float, ...]

    @property
    def per_run(self) -> float | None:
        """Mean CPU seconds of a run; None where no run says it."""
        return mean_of(self.cpu_s) if self.cpu_s else None

    @property
    def total(self) -> float | None:
        """CPU seconds of all runs that say it; None where no run does."""
        return sum(self.cpu_s) if self.cpu_s else None


def read_cost(arm: Arm) -> ArmCost:
    """Return what an arm's finished runs cost.

    Raises:
        RunFolderError: An environment.json is damaged.
    """
    said = [run.environment.get("cpu_s") for run in arm.runs]
    return ArmCost(arm.name, len(arm.runs), tuple(cpu_s for cpu_s in said if cpu_s is not None))


def cpu_seconds_in(folder: Path) -> float:
    """Return the CPU seconds of all finished runs in a study's folder, also of tuning, that say it; 0 of no folder.

    Raises:
        RunFolderError: An environment.json is damaged.
    """
    runs = [Run(path, _seed(path)) for path in sorted(folder.glob("**/seed-*")) if (path / ENVIRONMENT_JSON).is_file()]
    return sum(run.environment.get("cpu_s") or 0.0 for run in runs)


def _seed(path: Path) -> int:
    digits = path.name.removeprefix("seed-")
    return int(digits) if digits.isdigit() else 0
