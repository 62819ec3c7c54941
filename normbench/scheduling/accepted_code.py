"""Code of the user's that was changed since runs were made, and accepted as theirs: --accept-code."""

from dataclasses import dataclass, replace
from pathlib import Path

from normbench.storage.accepted_code import AcceptedCode, read_accepted_code
from normbench.storage.choices import TUNING
from normbench.storage.contents.study import StudyContent
from normbench.storage.identity import IDENTITY_JSON, RunIdentity, read_identity
from normbench.storage.run_folder import finished_seeds
from normbench.study.config import RunConfig
from normbench.study.study import Study


@dataclass(frozen=True)
class EarlierRuns:
    """Finished runs of an arm that were made with other code, or from other data, of the user's.

    Attributes:
        folder: The arm's folder.
        identity: The identity of these runs.
        num_runs: Number of finished runs.
    """

    folder: Path
    identity: RunIdentity
    num_runs: int


def identity_in(study: Study, config: RunConfig) -> RunIdentity:
    """Return the identity of a config's runs in a study: by its engine, with the code of earlier runs if accepted."""
    assert study.engine != "auto", "the engine is chosen before runs are planned, see with_engine"
    identity = replace(config.identity(), engine=study.engine)
    then = next((known.then for known in study.accepted if dict(known.now) == identity.code), None)
    return identity if then is None else identity.with_code(then)


def with_accepted_code(study: Study, folder: Path, earlier: StudyContent) -> Study:
    """Return a study with the code that was accepted for its runs before, and that which it accepts now.

    Args:
        study: The study; its engine and its arms' devices are not auto.
        folder: The study's folder.
        earlier: The content of study.json of an earlier command.
    """
    known = replace(study, accepted=tuple(read_accepted_code(earlier)))
    if not study.accept_code:
        return known
    runs = KnownRuns(folder)
    for config in study.arms.values():
        identity = identity_in(known, config)
        found = runs.before(identity) if identity.code else None
        if found and found.identity.with_code(identity.code) == identity:
            accepted = AcceptedCode(config.identity().code, found.identity.code)
            known = replace(known, accepted=(*known.accepted, accepted))
    return known


class KnownRuns:
    """The finished runs of a study's arms, those of its tuning too, read once.

    Args:
        folder: The study's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._by_settings: dict[str, list[EarlierRuns]] = {}
        for path in (*folder.glob(f"*/{IDENTITY_JSON}"), *folder.glob(f"{TUNING}/*/{IDENTITY_JSON}")):
            identity, num_runs = read_identity(path.parent), len(finished_seeds(path.parent))
            if identity and num_runs:
                found = EarlierRuns(path.parent, identity, num_runs)
                self._by_settings.setdefault(_settings_of(identity), []).append(found)

    def of(self, identity: RunIdentity) -> EarlierRuns | None:
        """Return the runs of an identity."""
        alike = self._by_settings.get(_settings_of(identity), ())
        return next((runs for runs in alike if runs.identity == identity), None)

    def before(self, identity: RunIdentity) -> EarlierRuns | None:
        """Return the newest runs that differ from an identity in code or data alone; None if it has runs itself."""
        alike = self._by_settings.get(_settings_of(identity), ())
        return None if self.of(identity) else max(alike, key=_made_at, default=None)


def _settings_of(identity: RunIdentity) -> str:
    return replace(identity, digests={}).sha256


def _made_at(runs: EarlierRuns) -> float:
    return (runs.folder / IDENTITY_JSON).stat().st_mtime
