"""A claim's verdict: one number per seed for each expectation, tested against its margin."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from normbench.evidence.claims.claim import Claim
from normbench.evidence.claims.expectations import Expectation, Term
from normbench.evidence.claims.margin_test import Part, combined, judge_parts
from normbench.evidence.metrics.diverged import Diverged, as_bad_as_any
from normbench.evidence.metrics.group_metrics import plain_metric, read_by_seed, settings_along
from normbench.evidence.metrics.run_metrics import check_metrics
from normbench.evidence.metrics.scales import is_share
from normbench.evidence.statistics.trends import kendall_tau
from normbench.storage.arm_id import ArmSet, LabelledArm
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.run_folder import Arm

NOT_RUN, INCOMPLETE = "not run", "incomplete"
TINY = 1e-300
"""A loss of exactly 0 has no logarithm."""


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim's verdict with the figures it rests on.

    Attributes:
        verdict: supported, refuted, cannot tell, too few seeds, incomplete or not run.
        why: What is missing, where something is.
        parts: One per expectation.
        study: The study's name.
        hash: Stands for the settings of all the arms that were read.
        date: The day of the last run that was read.
        command: The line that runs it again.
        versions: Of what computed the runs: torch, python.
        content_sha256: Stands for what the study file said about its runs.
    """

    id: str
    says: str
    source: Mapping[str, str]
    verdict: str
    study: str
    command: str
    why: str = ""
    hash: str = ""
    date: str = ""
    parts: Sequence[Part] = ()
    discussion: str = ""
    seeds: Sequence[int] = field(default_factory=tuple)
    versions: Mapping[str, str] = field(default_factory=dict)
    content_sha256: str = ""


def judge_claim(
    claim: Claim,
    arms: Sequence[Arm],
    seeds: Sequence[int],
    study: str,
    command: str,
    planned: ArmSet | None = None,
) -> ClaimVerdict:
    """Return a claim's verdict from the runs of the seeds the study names.

    Args:
        claim: What is said.
        arms: Those with runs; runs of other seeds are not looked at.
        seeds: Those of the study.
        study: Its name.
        command: The line that runs it again.
        planned: All the study's arms, which selectors are about; those with runs if not given.

    Raises:
        ComparisonError: A metric means nothing.
        RunFolderError: A file is missing or was changed.
    """
    found = ClaimVerdict(
        claim.id, claim.says, claim.source, INCOMPLETE, study, command, discussion=claim.discussion, seeds=tuple(seeds)
    )
    arms = [replace(arm, runs=tuple(run for run in arm.runs if run.seed in seeds)) for arm in arms]
    wanted = _wanted(claim, planned.arms if planned else [arm.labelled for arm in arms])
    missing = _missing(wanted, arms, seeds)
    if missing:
        return replace(found, why=missing)
    read = [arm for arm in arms if arm.name in wanted]
    _check_readable(claim, read)
    arms = read
    words = [_in_words(expectation) for expectation in claim.expectations]
    tested = [_with_log_margins(e, part) for e, part in zip(claim.expectations, words, strict=True)]
    numbers = [_numbers(expectation, arms, seeds) for expectation in tested]
    parts = judge_parts(list(zip(tested, numbers, strict=True)), words)
    return replace(
        found,
        verdict=combined([part.verdict for part in parts]),
        why=_why(parts),
        hash=settings_hash(read),
        date=max((str(run.environment.get("started_at", "")) for arm in read for run in arm.runs), default="")[:10],
        parts=parts,
        versions=_versions(read),
    )


def _versions(arms: Sequence[Arm]) -> dict[str, str]:
    """Return what computed the runs, as the first of them says."""
    said = arms[0].runs[0].environment if arms and arms[0].runs else {}
    torch = said.get("versions", {}).get("torch")
    found = {"torch": torch, "python": said.get("python"), "machine": said.get("device")}
    return {name: str(value) for name, value in found.items() if value}


def settings_hash(arms: Sequence[Arm]) -> str:
    """Return the hex digits that stand for the settings of several arms."""
    return sha256(" ".join(sorted(arm.identity for arm in arms)).encode()).hexdigest()[:NUM_DIGITS_SHOWN]


def _wanted(claim: Claim, arms: Sequence[LabelledArm]) -> set[str]:
    """Return the labels of the arms a claim is about, whether they have runs or not."""
    terms = [term for expectation in claim.expectations for term, _ in expectation.terms]
    return {arm.label for arm in arms if any(term.means(arm) for term in terms)}


def _missing(wanted: set[str], arms: Sequence[Arm], seeds: Sequence[int]) -> str:
    """Say which run a claim waits for: a verdict from fewer seeds than were planned would be a choice of seeds."""
    gone = sorted(wanted.difference(arm.name for arm in arms))
    if gone or not wanted:
        return f"no run of {gone[0]} has finished" if gone else "no arm of it has finished"
    for arm in arms:
        lacking = [seed for seed in seeds if seed not in arm.seeds] if arm.name in wanted else []
        if lacking:
            return f"{len(lacking)} of {len(seeds)} seeds of {arm.name} have not finished, the first is {lacking[0]}"
    return ""


def _check_readable(claim: Claim, arms: Sequence[Arm]) -> None:
    """Refuse a metric that no run has, before it becomes a "cannot tell"."""
    metrics = {plain_metric(term.metric) for expectation in claim.expectations for term, _ in expectation.terms}
    check_metrics([arm.runs[0] for arm in arms], sorted(metrics - {""}))


def _why(parts: Sequence[Part]) -> str:
    unread = [part.metric for part in parts if not math.isfinite(part.effect)]
    return f"{unread[0]} has no finite value in some run" if unread else ""


def _numbers(expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int]) -> dict[int, float]:
    """Return the one number per seed that the expectation is about."""
    if expectation.kind == "trend":
        return _trend(expectation, arms, seeds)
    sums = dict.fromkeys(seeds, 0.0)
    read = [read_by_seed(_chosen(term, arms), term.metric) for term, _ in expectation.terms]
    for (term, weight), values in zip(expectation.terms, _as_bad_as_any(expectation, read), strict=True):
        take = _logarithm if is_share(term.metric) and not expectation.is_raw else float
        for seed in seeds:
            sums[seed] += weight * take(values[seed])
    diverged = {seed for seed in seeds if any(isinstance(values[seed], Diverged) for values in read)}
    return {seed: _outside_margins_if_diverged(expectation, number, seed in diverged) for seed, number in sums.items()}


def _as_bad_as_any(expectation: Expectation, read: Sequence[Mapping[int, float]]) -> list[Mapping[int, float]]:
    """Count diverged runs as the worst of all runs that the expectation reads the same metric of."""
    metrics = [term.metric for term, _ in expectation.terms]
    counted: list[Mapping[int, float]] = []
    for at, metric in enumerate(metrics):
        same = [i for i, other in enumerate(metrics) if other == metric]
        counted.append(as_bad_as_any(metric, [read[i] for i in same])[same.index(at)])
    return counted


def _outside_margins_if_diverged(expectation: Expectation, number: float, is_diverged: bool) -> float:
    """Return a seed's number; none where a diverged run lies between the margins, which it might do by chance."""
    if is_diverged and expectation.high is not None and expectation.low <= number <= expectation.high:
        return math.nan
    return number


def _trend(expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int]) -> dict[int, float]:
    (term, sign), key = expectation.terms[0], expectation.key
    chosen = _chosen(term, arms)
    along = settings_along(chosen, key)
    values = as_bad_as_any(term.metric, [read_by_seed([arm], term.metric) for arm in chosen])
    return {seed: sign * kendall_tau(along, [of[seed] for of in values]) for seed in seeds}


def _chosen(term: Term, arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if term.means(arm.labelled)]


def _logarithm(value: float) -> float:
    return math.log(max(value, TINY)) if math.isfinite(value) and value >= 0 else math.nan


def _in_words(expectation: Expectation) -> Part:
    """Return the part with its words, before it is judged."""
    metrics = list(dict.fromkeys(term.metric for term, _ in expectation.terms))
    share = is_share(metrics[0]) and expectation.kind != "trend"
    empty = (math.nan, math.nan, math.nan, (), 1.0, 1.0, "")
    return Part(_sentence(expectation, metrics), ", ".join(metrics), share and not expectation.is_raw, 0, *empty)


def _with_log_margins(expectation: Expectation, part: Part) -> Expectation:
    """Return the expectation with margins as logarithms where effects are ratios: 0.05 means a ratio of 1.05."""
    if not part.is_share:
        return expectation
    high = None if expectation.high is None else math.log1p(expectation.high)
    low = -high if expectation.kind == "equal" and high is not None else math.log1p(expectation.low)
    return replace(expectation, low=low, high=high)


def _sentence(expectation: Expectation, metrics: Sequence[str]) -> str:
    said = [f"{term}{f' ({term.metric})' if len(metrics) > 1 else ''}" for term, _ in expectation.terms]
    low, high = expectation.low, expectation.high
    match expectation.kind:
        case "less":
            return f"{said[1]} < {said[0]} by {low:g}"
        case "contrast":
            terms = " ".join(f"{w:+.3g} {name}" for name, (_, w) in zip(said, expectation.terms, strict=True))
            return f"{terms} > {low:g}"
        case "trend":
            way = "rises" if expectation.terms[0][1] > 0 else "falls"
            return f"{said[0]} {way} with {expectation.key}, tau > {low:g}"
        case "range":
            return f"{said[0]} in [{low:g}, {high:g}]{' in every run' if expectation.every else ''}"
    return f"{said[0]} = {said[1]} within {high:g}"
