"""PlannedRun: one arm with one seed, its folder, and whether its result is there."""

from dataclasses import dataclass
from pathlib import Path

from normbench.storage.identity import RunIdentity
from normbench.storage.lock import Stamp
from normbench.storage.run_folder import CLAIM_JSON, is_finished, problem_with
from normbench.study.config import RunConfig
from normbench.training.found_result import other_settings


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and the folder it is written to.

    Attributes:
        study: The study's name.
        arm: The arm's label.
        config: All settings, the device resolved.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        identity: What its numbers depend on; a result in the folder counts only if it has the same.
        outdated: Stamp of a result in that folder which is to be made again; None keeps a result that is there.
    """

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path
    identity: RunIdentity
    outdated: Stamp | None = None

    @property
    def is_finished(self) -> bool:
        """Whether its result is there."""
        return is_finished(self.folder)

    @property
    def is_settled(self) -> bool:
        """Whether its result is there, whole, and nothing left to tidy up."""
        return self.is_finished and not (self.folder / CLAIM_JSON).exists() and not self.problem()

    def problem(self) -> str:
        """Return what keeps the result that lies here from counting as this run's, as a sentence; "" if nothing does.

        Its files must be as they were written, its identity this run's, and it must have recorded what is asked for.
        """
        return problem_with(self.folder) or other_settings(self.folder, self.config, self.identity)
