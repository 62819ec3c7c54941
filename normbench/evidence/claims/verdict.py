"""Judges one claim: reads one number per seed for each expectation and tests it against its margins.

The rules are in docs/methods.md, "6. Claims".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType

from normbench.evidence.claims.claim import Claim
from normbench.evidence.claims.expectations import Expectation
from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult, combined_verdict, judge_expectations
from normbench.evidence.claims.numbers import number_by_seed, unreadable_metric, with_places
from normbench.evidence.claims.pooled_parts import pooled_parts
from normbench.evidence.claims.subject import Subject, claim_subject
from normbench.evidence.claims.unlearned import judge_learning, without_verdicts
from normbench.evidence.claims.untested import untested
from normbench.evidence.claims.untold import untold
from normbench.evidence.comparison.collapses import BY_TASK, CollapseRule
from normbench.evidence.metrics.group_metrics import plain_metric
from normbench.evidence.metrics.run_metrics import check_metrics
from normbench.evidence.statistics.seed_plan import JUDGED_ONCE, SeedPlan
from normbench.storage.arm_id import ArmSet, LabelledArm
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.run_folder import Arm

NOT_RUN, INCOMPLETE = "not run", "incomplete"


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim's verdict with the numbers behind it.

    Attributes:
        id: Name in tables, such as B1a.
        says: The sentence that is claimed.
        source: title and url of the document, and the sentence in its own words (quote).
        verdict: holds, opposite, smaller than claimed, cannot tell, too few seeds, not at a check, incomplete or not
            run; depends on the task, where it is pooled over tasks that disagree.
        why: Which runs are missing, or why the claim was not judged; "" where nothing is missing. Also that most runs
            collapsed.
        parts: The claim's expectations, tested.
        discussion: A comment on the numbers where they contradict the sentence.
        seeds: The seeds that were read.
        study: The study's name.
        hash: First digits of a sha256 over the identities of all arms that were read.
        date: The day of the last run that was read.
        command: The command that runs the study.
        versions: Versions of torch and python, the machine, the numerics number and the engine, of the runs.
        content_sha256: sha256 of the study file's content without claims and quotes.
        claim_sha256: sha256 of what the claim expects.
        about: On finite data what the verdict is about, these_rows or new_data; "" where each seed draws new data.
        data: The finite data in words: "400 images"; "" where each seed draws new data.
        stored: Whether it is kept beside a page of results, as those that normbench ships, and not judged here by runs.
        second: What a second run on other seeds found; null without one.
        sensitivity: Whether second-best tuned values give the same verdict: "same", or "changes: " and what; "" where
            nothing was tuned or it was not tried.
        reason: Why it cannot be told; null where it can.
        cpu_seconds: CPU seconds of all runs of the study; null where they were not counted.
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
    claim_sha256: str = ""
    about: str = ""
    data: str = ""
    stored: bool = False
    second: SecondRun | None = None
    sensitivity: str = ""
    reason: OpenReason | None = None
    cpu_seconds: float | None = None


def judge_claim(
    claim: Claim,
    arms: Sequence[Arm],
    seeds: Sequence[int],
    study: str,
    command: str,
    planned: ArmSet | None = None,
    rule: CollapseRule = BY_TASK,
    plan: SeedPlan = JUDGED_ONCE,
    unreadable: Mapping[str, str] = MappingProxyType({}),
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
        unreadable: Why an arm's runs cannot be read, by its label.

    Raises:
        ComparisonError: No run has a metric of the claim.
        RunFolderError: A file is missing or was changed.
    """
    found = ClaimVerdict(
        claim.id, claim.says, claim.source, INCOMPLETE, study, command, discussion=claim.discussion, seeds=tuple(seeds)
    )
    arms = [replace(arm, runs=tuple(run for run in arm.runs if run.seed in seeds)) for arm in arms]
    wanted = _labels_of_arms(claim, planned.arms if planned else [arm.labelled for arm in arms])
    missing = next((why for arm, why in unreadable.items() if arm in wanted), "") or _missing_runs(wanted, arms, seeds)
    if missing:
        return replace(found, why=missing)
    read = [arm for arm in arms if arm.name in wanted]
    _check_readable(claim, read)
    words = [untested(expectation) for expectation in claim.expectations]
    logs = [_with_log_margins(e, part) for e, part in zip(claim.expectations, words, strict=True)]
    subject = claim_subject(claim, read, plan)
    if claim.tasks:
        parts, why = pooled_parts(claim, logs, words, read, seeds, rule, subject.plan)
    else:
        parts, why = _parts(claim, logs, words, read, seeds, rule, subject)
    return replace(
        found,
        verdict=combined_verdict([part.verdict for part in parts]),
        why=why,
        about=subject.about,
        data=subject.data,
        hash=settings_hash(read),
        date=max((str(run.environment.get("started_at", "")) for arm in read for run in arm.runs), default="")[:10],
        parts=parts,
        versions=_versions(read),
    )


def _parts(
    claim: Claim,
    logs: Sequence[Expectation],
    words: Sequence[ExpectationResult],
    arms: Sequence[Arm],
    seeds: Sequence[int],
    rule: CollapseRule,
    subject: Subject,
) -> tuple[list[ExpectationResult], str]:
    """Return the tested expectations of a claim on one task, and why it has no verdict, as ``pooled_parts`` does."""
    tested = [with_places(expectation, arms) for expectation in logs]
    bounding = rule if subject.is_of_new_data else None
    numbers = [number_by_seed(expectation, arms, seeds, bounding) for expectation in tested]
    parts = judge_expectations(list(zip(tested, numbers, strict=True)), words, subject.plan)
    unlearned = judge_learning(claim.expectations, arms, rule)
    parts = without_verdicts(parts, claim.expectations, rule) if unlearned else parts
    parts = list(map(untold, parts)) if subject.why_not else parts
    return parts, unlearned or subject.why_not or unreadable_metric(tested, [part.by_seed for part in parts], arms)


def _versions(arms: Sequence[Arm]) -> dict[str, str]:
    """Return the versions, the machine, the numerics number and the engine of the first run."""
    if not arms or not arms[0].runs:
        return {}
    environment, summary = arms[0].runs[0].environment, arms[0].runs[0].summary
    torch = environment.get("versions", {}).get("torch")
    of_machine = {"torch": torch, "python": environment.get("python"), "machine": environment.get("device")}
    of_numbers = {"numerics": summary.get("numerics"), "engine": summary.get("engine")}
    return {name: str(value) for name, value in (of_machine | of_numbers).items() if value}


def settings_hash(arms: Sequence[Arm]) -> str:
    """Return the first hex digits of a sha256 over the identities of several arms."""
    return sha256(" ".join(sorted(arm.identity for arm in arms)).encode()).hexdigest()[:NUM_DIGITS_SHOWN]


def _labels_of_arms(claim: Claim, arms: Sequence[LabelledArm]) -> set[str]:
    """Return the labels of all arms that a claim's terms select in its tasks, with or without runs."""
    terms = [term for expectation in claim.expectations for term, _ in expectation.terms]
    selected = {arm.label for arm in arms if any(term.selects(arm) for term in terms)}
    return selected.intersection(*([frozenset().union(*claim.tasks.values())] if claim.tasks else []))


def _missing_runs(wanted: set[str], arms: Sequence[Arm], seeds: Sequence[int]) -> str:
    """Return which planned runs of a claim are missing, or "": judging fewer seeds would be choosing seeds."""
    gone = sorted(wanted.difference(arm.name for arm in arms))
    if gone or not wanted:
        return f"no run of {gone[0]} has finished" if gone else "no arm of it has finished"
    if not seeds:
        return "its study names no seeds"
    for arm in arms:
        lacking = [seed for seed in seeds if seed not in arm.seeds] if arm.name in wanted else []
        if lacking:
            return f"{len(lacking)} of {len(seeds)} seeds of {arm.name} have not finished, the first is {lacking[0]}"
    return ""


def _check_readable(claim: Claim, arms: Sequence[Arm]) -> None:
    """Refuse a metric that no run has, which would otherwise end as "cannot tell"."""
    metrics = {plain_metric(term.metric) for expectation in claim.expectations for term, _ in expectation.terms}
    check_metrics([arm.runs[0] for arm in arms], sorted(metrics - {""}))


def _with_log_margins(expectation: Expectation, part: ExpectationResult) -> Expectation:
    """Return the expectation with its margins as logarithms where effects are ratios: 0.05 becomes ln 1.05."""
    if not part.is_share:
        return expectation
    high = None if expectation.high is None else math.log1p(expectation.high)
    low = -high if expectation.kind == "equal" and high is not None else math.log1p(expectation.low)
    return replace(expectation, low=low, high=high)
