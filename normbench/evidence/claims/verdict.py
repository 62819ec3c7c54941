"""Judges one claim: reads one number per seed for each expectation and tests it against its margins.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from normbench.evidence.claims.claim import Claim
from normbench.evidence.claims.expectations import Expectation, Term
from normbench.evidence.claims.margin_test import ExpectationResult, combined_verdict, judge_expectations
from normbench.evidence.claims.unlearned import judge_learning, without_verdicts
from normbench.evidence.comparison.collapses import BY_TASK, CollapseRule
from normbench.evidence.metrics.differences import worst_possible
from normbench.evidence.metrics.diverged import Diverged
from normbench.evidence.metrics.group_metrics import plain_metric, read_by_seed, settings_along
from normbench.evidence.metrics.run_metrics import check_metrics
from normbench.evidence.metrics.scales import is_accuracy, is_share
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.evidence.statistics.trends import kendall_tau
from normbench.evidence.statistics.verdicts.ties import sum_or_tie
from normbench.storage.arm_id import ArmSet, LabelledArm
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.run_folder import Arm

NOT_RUN, INCOMPLETE = "not run", "incomplete"
SMALLEST_LOSS = 1e-300
"""Smaller losses are raised to it, since 0 has no logarithm."""


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim's verdict with the numbers behind it.

    Attributes:
        verdict: holds, opposite, smaller than claimed, cannot tell, too few seeds, not at a check, incomplete or not
            run.
        why: Which runs are missing, or why the claim was not judged; "" where nothing is missing. Also that most runs
            collapsed.
        parts: The claim's expectations, tested.
        study: The study's name.
        hash: First digits of a sha256 over the identities of all arms that were read.
        date: The day of the last run that was read.
        command: The command that runs the study.
        versions: Versions of torch and python, the machine and the numerics number, of the runs.
        content_sha256: sha256 of the study file's content without claims and quotes.
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
    parts: Sequence[ExpectationResult] = ()
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
    rule: CollapseRule = BY_TASK,
    plan: SeedPlan = JUDGED_ONCE,
) -> ClaimVerdict:
    """Judge a claim by the study's runs.

    Args:
        claim: The claim.
        arms: Arms with runs; runs of seeds that are not in ``seeds`` are ignored.
        seeds: The study's seeds.
        study: The study's name.
        command: The command that runs the study.
        planned: All arms of the study, for selectors to choose from; by default those with runs.
        rule: What the study counts as a collapse.
        plan: How the seeds were asked for, which decides how verdicts are made.

    Raises:
        ComparisonError: No run has a metric of the claim.
        RunFolderError: A file is missing or was changed.
    """
    found = ClaimVerdict(
        claim.id, claim.says, claim.source, INCOMPLETE, study, command, discussion=claim.discussion, seeds=tuple(seeds)
    )
    arms = [replace(arm, runs=tuple(run for run in arm.runs if run.seed in seeds)) for arm in arms]
    wanted = _labels_of_arms(claim, planned.arms if planned else [arm.labelled for arm in arms])
    missing = _missing_runs(wanted, arms, seeds)
    if missing:
        return replace(found, why=missing)
    read = [arm for arm in arms if arm.name in wanted]
    _check_readable(claim, read)
    arms = read
    words = [_untested(expectation) for expectation in claim.expectations]
    tested = [_with_log_margins(e, part) for e, part in zip(claim.expectations, words, strict=True)]
    numbers = [_number_by_seed(expectation, arms, seeds) for expectation in tested]
    parts = judge_expectations(list(zip(tested, numbers, strict=True)), words, plan)
    unlearned = judge_learning(claim.expectations, read, rule)
    parts = without_verdicts(parts, claim.expectations, rule) if unlearned else parts
    return replace(
        found,
        verdict=combined_verdict([part.verdict for part in parts]),
        why=unlearned or _unreadable_metric(tested, parts, arms),
        hash=settings_hash(read),
        date=max((str(run.environment.get("started_at", "")) for arm in read for run in arm.runs), default="")[:10],
        parts=parts,
        versions=_versions(read),
    )


def _versions(arms: Sequence[Arm]) -> dict[str, str]:
    """Return the versions, the machine and the numerics number of the first run."""
    if not arms or not arms[0].runs:
        return {}
    environment, numerics = arms[0].runs[0].environment, arms[0].runs[0].summary.get("numerics")
    torch = environment.get("versions", {}).get("torch")
    of_machine = {"torch": torch, "python": environment.get("python"), "machine": environment.get("device")}
    return {name: str(value) for name, value in (of_machine | {"numerics": numerics}).items() if value}


def settings_hash(arms: Sequence[Arm]) -> str:
    """Return the first hex digits of a sha256 over the identities of several arms."""
    return sha256(" ".join(sorted(arm.identity for arm in arms)).encode()).hexdigest()[:NUM_DIGITS_SHOWN]


def _labels_of_arms(claim: Claim, arms: Sequence[LabelledArm]) -> set[str]:
    """Return the labels of all arms that a claim's terms select, with or without runs."""
    terms = [term for expectation in claim.expectations for term, _ in expectation.terms]
    return {arm.label for arm in arms if any(term.selects(arm) for term in terms)}


def _missing_runs(wanted: set[str], arms: Sequence[Arm], seeds: Sequence[int]) -> str:
    """Return which planned runs of a claim are missing, or "": judging fewer seeds would be choosing seeds."""
    gone = sorted(wanted.difference(arm.name for arm in arms))
    if gone or not wanted:
        return f"no run of {gone[0]} has finished" if gone else "no arm of it has finished"
    for arm in arms:
        lacking = [seed for seed in seeds if seed not in arm.seeds] if arm.name in wanted else []
        if lacking:
            return f"{len(lacking)} of {len(seeds)} seeds of {arm.name} have not finished, the first is {lacking[0]}"
    return ""


def _check_readable(claim: Claim, arms: Sequence[Arm]) -> None:
    """Refuse a metric that no run has, which would otherwise end as "cannot tell"."""
    metrics = {plain_metric(term.metric) for expectation in claim.expectations for term, _ in expectation.terms}
    check_metrics([arm.runs[0] for arm in arms], sorted(metrics - {""}))


def _unreadable_metric(
    expectations: Sequence[Expectation], parts: Sequence[ExpectationResult], arms: Sequence[Arm]
) -> str:
    """Return which metric has no value in some run, or ""; a seed in which both arms diverged is a tie, and has one."""
    unread = [
        part.metric
        for expectation, part in zip(expectations, parts, strict=True)
        if any(map(math.isnan, part.by_seed.values())) and _lacks_values(expectation, arms)
    ]
    return f"{unread[0]} has no finite value in some run" if unread else ""


def _lacks_values(expectation: Expectation, arms: Sequence[Arm]) -> bool:
    read = [values for term, _ in expectation.terms for values in _values_of_term(expectation, term, arms)]
    return any(math.isnan(value) for values in read for value in values.values())


def _number_by_seed(expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int]) -> dict[int, float]:
    """Return the expectation's number for each seed; a diverged run is the worst possible, two of them may cancel."""
    if expectation.kind == "trend":
        return _trend_by_seed(expectation, arms, seeds)
    weighted = [(w, of) for term, w in expectation.terms if w for of in _values_of_term(expectation, term, arms)]
    return {seed: sum_or_tie([weight * of[seed] for weight, of in weighted]) for seed in seeds}


def _values_of_term(expectation: Expectation, term: Term, arms: Sequence[Arm]) -> list[dict[int, float]]:
    """Return a term's comparable values by seed: of each of its arms along a trend, else of all of them together."""
    chosen = _arms_of_term(term, arms)
    groups = [[arm] for arm in chosen] if expectation.kind == "trend" else [chosen]
    return [_comparable(expectation, term, read_by_seed(group, term.metric)) for group in groups]


def _comparable(expectation: Expectation, term: Term, values: Mapping[int, float]) -> dict[int, float]:
    take = _logarithm if is_share(term.metric) and not expectation.is_raw and not expectation.key else float
    worst = worst_possible(term.metric)
    return {seed: worst if isinstance(value, Diverged) else take(value) for seed, value in values.items()}


def _trend_by_seed(expectation: Expectation, arms: Sequence[Arm], seeds: Sequence[int]) -> dict[int, float]:
    (term, sign), key = expectation.terms[0], expectation.key
    along = settings_along(_arms_of_term(term, arms), key)
    values = _values_of_term(expectation, term, arms)
    return {seed: sign * kendall_tau(along, [of[seed] for of in values]) for seed in seeds}


def _arms_of_term(term: Term, arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if term.selects(arm.labelled)]


def _logarithm(value: float) -> float:
    return math.log(max(value, SMALLEST_LOSS)) if value >= 0 else math.nan


def _untested(expectation: Expectation) -> ExpectationResult:
    """Return an expectation in words, with empty numbers and no verdict yet."""
    metrics = list(dict.fromkeys(term.metric for term, _ in expectation.terms))
    share = is_share(metrics[0]) and expectation.kind != "trend"
    empty = (math.nan, math.nan, math.nan, (), 1.0, 1.0, "")
    is_share_here = share and not expectation.is_raw
    is_points = expectation.kind in ("less", "contrast", "equal") and all(map(is_accuracy, metrics))
    words = _sentence(expectation, metrics)
    return ExpectationResult(words, ", ".join(metrics), is_share_here, 0, *empty, is_points=is_points)


def _with_log_margins(expectation: Expectation, part: ExpectationResult) -> Expectation:
    """Return the expectation with its margins as logarithms where effects are ratios: 0.05 becomes ln 1.05."""
    if not part.is_share:
        return expectation
    high = None if expectation.high is None else math.log1p(expectation.high)
    low = -high if expectation.kind == "equal" and high is not None else math.log1p(expectation.low)
    return replace(expectation, low=low, high=high)


def _sentence(expectation: Expectation, metrics: Sequence[str]) -> str:
    arms = [f"{term}{f' ({term.metric})' if len(metrics) > 1 else ''}" for term, _ in expectation.terms]
    low, high = expectation.low, expectation.high
    match expectation.kind:
        case "less":
            return f"{arms[1]} < {arms[0]} by {low:g}"
        case "contrast":
            terms = " ".join(f"{w:+.3g} {name}" for name, (_, w) in zip(arms, expectation.terms, strict=True))
            return f"{terms} > {low:g}"
        case "trend":
            way = "rises" if expectation.terms[0][1] > 0 else "falls"
            return f"{arms[0]} {way} with {expectation.key}, tau > {low:g}"
        case "range":
            return f"{arms[0]} in [{low:g}, {high:g}]{' in every run' if expectation.every else ''}"
    return f"{arms[0]} = {arms[1]} within {high:g}"
