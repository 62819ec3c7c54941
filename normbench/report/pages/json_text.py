"""Makes the content of JSON for programs: all numbers unrounded, and the blocks of the terminal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normbench.evidence.claims.many_claims import judge_together
from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.layers.layer_report import report_layers
from normbench.evidence.layers.run_report import RunReport
from normbench.evidence.layers.standouts import study_standouts
from normbench.evidence.layers.surface_report import surfaces
from normbench.evidence.tuning.sensitivity import tuning_sensitivity
from normbench.report.blocks.block import Block, block_mapping
from normbench.report.blocks.states import run_entry
from normbench.storage.choices import Choice
from normbench.storage.files.json_files import json_ready
from normbench.storage.study_folder import StudyFolder

LATER_LOOKS = ("second", "sensitivity", "reason", "cpu_seconds")
"""Keys that a claim has only where there is something to say."""
OF_TASKS = ("by_task", "other_tasks")
"""Keys that an expectation has only where it is pooled over tasks."""


def comparison_mapping(comparison: StudyComparison) -> dict[str, Any]:
    """Return all fields of a comparison, and why it has no verdict where most runs collapsed."""
    return asdict(comparison) | {"not_learned": comparison.not_learned}


def claim_mappings(verdicts: Sequence[ClaimVerdict]) -> list[dict[str, Any]]:
    """Return all fields of each verdict, and whether it survives if all of these claims are counted."""
    survives = judge_together(verdicts).survives
    return [_claim_mapping(v) | {"survives_many_claims": one} for v, one in zip(verdicts, survives, strict=True)]


def _claim_mapping(verdict: ClaimVerdict) -> dict[str, Any]:
    """Return all fields of a verdict; the numbers of a single expectation are also at the top level."""
    deciding = verdict.parts[0] if len(verdict.parts) == 1 else None
    keys = ("n", "effect", "low", "high", "p", "p_corrected", "margins")
    top = {key: getattr(deciding, key) for key in keys} if deciding else {}
    content: dict[str, Any] = json_ready(asdict(verdict) | top)
    for key in LATER_LOOKS:
        if content[key] in (None, ""):
            del content[key]
    for part, raw in zip(verdict.parts, content["parts"], strict=True):
        raw["by_seed"] = {str(seed): _or_text(value) for seed, value in part.by_seed.items()}
        for key in () if part.by_task else OF_TASKS:
            del raw[key]
    return content


def _or_text(value: float) -> float | str:
    """Return a number, or "inf", "-inf" or "nan", whose sign says in which direction a run diverged."""
    return value if math.isfinite(value) else str(value)


def study_mapping(
    study: StudyFolder,
    arm_names: Sequence[str],
    choices: Sequence[Choice],
    runs: Sequence[Mapping[str, Any]],
    comparison: StudyComparison,
    blocks: Sequence[Block],
) -> dict[str, Any]:
    """Return the results of a study that was run, for JSON.

    Args:
        study: The study, read from its folder.
        arm_names: Names of the folders of the arms that were just run.
        choices: The choices of tuning.
        runs: Folder, arm, seed and status of each run.
        comparison: The comparison of its arms.
        blocks: What the terminal shows of it.
    """
    mine = {arm.folder: arm for arm in reversed(study.arms) if arm.folder.name in arm_names}
    again = tuning_sensitivity(study)
    found: dict[str, Any] = json_ready(
        {
            "runs": runs,
            "tuning": [asdict(choice) for choice in choices],
            "tuning_sensitivity": asdict(again) if again else None,
            "layers": [asdict(report_layers(arm)) for arm in reversed(mine.values())],
            "standouts": [asdict(found) for found in study_standouts(study)],
            "surfaces": [asdict(found) for found in surfaces(study.arms)],
            "comparison": comparison_mapping(comparison),
            "claims": claim_mappings(study_verdicts(study)),
            "blocks": blocks_mapping(blocks),
        }
    )
    return found


def blocks_mapping(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """Return blocks for JSON."""
    found: list[dict[str, Any]] = json_ready([block_mapping(block) for block in blocks])
    return found


def run_mapping(report: RunReport) -> dict[str, Any]:
    """Return the report of one run's folder."""
    return {
        **run_entry(report.state),
        "step": report.step,
        "total_steps": report.total_steps,
        "settings": report.arm.settings,
        "metrics": report.metrics.rows(),
        "layers": asdict(report.layers) if report.layers else None,
        "last_frames": [asdict(one) for one in report.last_frames],
        "error_lines": report.error_lines,
        "environment": report.environment,
        "files": report.files,
        "choice": asdict(report.choice) if report.choice else None,
        "command": report.command,
    }
