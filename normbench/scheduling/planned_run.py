"""PlannedRun: one arm with one seed, its folder, and whether the folder holds its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from normbench.storage.digests import find_damage
from normbench.storage.identity import RunIdentity
from normbench.storage.lock import Stamp
from normbench.storage.run_folder import CLAIM_JSON, is_finished
from normbench.study.config import RunConfig
from normbench.training.found_result import find_mismatch


@dataclass(frozen=True)
class PlannedRun:
    """One arm with one seed, and the folder of the run.

    Attributes:
        study: The study's name.
        arm: The arm's label.
        config: All settings; the device is not auto.
        seed: Seed of data, order, weights and dropout.
        folder: The run's folder.
        identity: The run's identity; a result in the folder counts only if it has the same one.
        code: Digests of the user's code as it was when the run was planned.
        outdated: Stamp of a result in the folder that is to be made again; None keeps an existing result.
        may_lack_histograms: Whether a result without histograms counts; ``config`` says whether a new one has any.
    """

    study: str
    arm: str
    config: RunConfig
    seed: int
    folder: Path
    identity: RunIdentity
    code: Mapping[str, str] = field(default_factory=dict)
    outdated: Stamp | None = None
    may_lack_histograms: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether the folder holds a result."""
        return is_finished(self.folder)

    @property
    def is_settled(self) -> bool:
        """Whether the folder holds an undamaged result and no claim."""
        return self.is_finished and not (self.folder / CLAIM_JSON).exists() and not self.problem()

    def problem(self) -> str:
        """Return why the folder's result does not count as this run's, as a sentence; "" if it does.

        Its files must have the right sha256, its identity must be this run's, and it must have recorded all that is
        requested.
        """
        return find_damage(self.folder) or find_mismatch(
            self.folder, self.config, self.identity, may_lack_histograms=self.may_lack_histograms
        )
