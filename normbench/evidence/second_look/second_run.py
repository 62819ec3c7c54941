"""Judges decided claims by a second run on new seeds: held, open, or fell.

The rules are in docs/methods.md, "6. Claims".
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from normbench.errors import ConfigError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.deciding_part import deciding_part
from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.later_looks import SecondRun, SecondVerdict
from normbench.evidence.claims.study_verdicts import file_verdicts, judge_claims, run_command
from normbench.evidence.claims.verdict import INCOMPLETE, NOT_RUN, ClaimVerdict
from normbench.evidence.claims.words import DECIDED, DEPENDS, HOLDS, OPPOSITE, SMALLER
from normbench.evidence.second_look.repeatability import chance_of_same_verdict
from normbench.storage.names import SECOND_RUN, SECOND_RUN_OPTION
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.study_folder import StudyFolder, read_study

FIRST_SEED = 500
"""The first seed of second runs."""
SAME = {HOLDS: (HOLDS,), OPPOSITE: (OPPOSITE,), SMALLER: (SMALLER, OPPOSITE), DEPENDS: (DEPENDS,)}
"""The verdicts of a second run that say what the first said: what lies below 0 also falls short of its margin."""
AGAINST: Mapping[str, Sequence[str]] = {
    HOLDS: (OPPOSITE, SMALLER, DEPENDS),
    OPPOSITE: (HOLDS,),
    SMALLER: (HOLDS,),
    DEPENDS: (),
}
"""Tasks that disagree speak against a claim that held on all together; that they agree again refutes nothing."""


@dataclass(frozen=True)
class _Second:
    """The expectations of each claim of a study, and its verdict by the second run."""

    expectations: Sequence[Sequence[Expectation]]
    verdicts: Sequence[ClaimVerdict]


def second_seeds(count: int) -> tuple[int, ...]:
    """Return the seeds of a second run.

    Example:
        >>> second_seeds(3)
        (500, 501, 502)
    """
    return tuple(range(FIRST_SEED, FIRST_SEED + count))


def num_decided_seeds(path: Path, runs_dir: Path) -> int:
    """Return on how many seeds the decided claims of a study file rest; 0 where none is decided.

    Raises:
        ConfigError: The study makes no claims, or has no whole runs; or its seeds reach those of second runs.
        RunFolderError: A run's file is missing or was changed.
    """
    verdicts = file_verdicts(path, runs_dir)
    if not verdicts:
        rule = "must be a study with claims, whose decided ones are run again, got none"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. Leave the option out."])
    undone = next((one for one in verdicts if one.verdict in (NOT_RUN, INCOMPLETE)), None)
    if undone:
        rule = f"must follow a first run of all seeds, got: {undone.id} {undone.verdict}, {undone.why}"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. First {run_command(str(path), runs_dir)}"])
    seeds = seeds_of_decided(verdicts)
    if any(seed >= FIRST_SEED for seed in seeds):
        rule = f"must follow a first run on seeds below {FIRST_SEED}, got {max(seeds)}"
        raise ConfigError([f"{path}: {SECOND_RUN_OPTION}: {rule}. Choose smaller seeds."])
    return len(seeds)


def seeds_of_decided(verdicts: Sequence[ClaimVerdict]) -> Sequence[int]:
    """Return the seeds on which the decided claims of a study rest, which are the same for all; empty without one."""
    return next((one.seeds for one in verdicts if one.verdict in DECIDED), ())


def outcome(first: str, second: str) -> SecondVerdict:
    """Return what a second verdict makes of a first one.

    Example:
        >>> outcome("holds", "holds"), outcome("holds", "cannot tell"), outcome("smaller than claimed", "holds")
        ('held', 'open', 'fell')
        >>> outcome("depends on the task", "depends on the task"), outcome("holds", "depends on the task")
        ('held', 'fell')
    """
    if second in SAME[first]:
        return "held"
    return "fell" if second in AGAINST[first] else "open"


def with_second_run(verdicts: Sequence[ClaimVerdict], study: StudyFolder) -> list[ClaimVerdict]:
    """Return a study's verdicts, each decided one with what its second run says; as they are where there is none.

    Args:
        verdicts: The verdicts of the first run, one for each claim of the study.
        study: The folder of the first run.

    Raises:
        RunFolderError: A file of the second run is missing or was changed.
    """
    found = _judge_again(verdicts, study)
    if found is None:
        return list(verdicts)
    judged = zip(verdicts, found.verdicts, found.expectations, strict=True)
    return [replace(one, second=_second_run(one, again, expected)) for one, again, expected in judged]


def _judge_again(verdicts: Sequence[ClaimVerdict], study: StudyFolder) -> _Second | None:
    """Judge all claims by the second run; None where there is none of the same file and as many seeds."""
    folder = study.folder.with_name(f"{study.folder.name}{SECOND_RUN}")
    if not os.path.lexists(folder / STUDY_JSON):
        return None
    second = read_study(folder)
    content, wanted = second.content, list(second_seeds(len(seeds_of_decided(verdicts))))
    is_same_file = content.get("content_sha256") == study.content.get("content_sha256")
    if not is_same_file or list(content.get("options", {})) != [SECOND_RUN_OPTION] or content.get("seeds") != wanted:
        return None
    raw_claims = study.content.get("claims", [])
    claims, _ = read_claims(raw_claims, second.planned_arms())
    again = judge_claims(second, raw_claims, verdicts[0].command, str(folder))
    return _Second([claim.expectations for claim in claims], again)


def _second_run(first: ClaimVerdict, again: ClaimVerdict, expected: Sequence[Expectation]) -> SecondRun | None:
    if first.verdict not in DECIDED or again.verdict == INCOMPLETE or not again.parts:
        return None
    place = _told_part(first, again)
    part = again.parts[place]
    numbers = (part.n, part.effect, part.low, part.high, part.p_corrected)
    return SecondRun(outcome(first.verdict, again.verdict), *numbers, chance_of_same_verdict(first, expected), place)


def _told_part(first: ClaimVerdict, again: ClaimVerdict) -> int:
    """Return the part that is told of a second run: what its verdict rests on, or what spoke against the claim.

    Where a claim holds, each of its parts has to hold again; where it does not, one is enough.
    """
    of = again if first.verdict == HOLDS else first
    return next(i for i, part in enumerate(of.parts) if part is deciding_part(of))
