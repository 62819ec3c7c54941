"""What `normbench run` says of a study as JSON, and of a plan as text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from normbench.evidence.claims.study_verdicts import study_verdicts
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_effects
from normbench.evidence.layers.standouts import study_standouts
from normbench.evidence.layers.surface_report import surfaces
from normbench.report.terminal.claims import as_mapping
from normbench.report.terminal.run import layer_reports
from normbench.storage.choices import Choice
from normbench.storage.files.json_files import json_ready
from normbench.storage.study_folder import read_study_arms


def study_as_mapping(
    folder: Path, arm_names: Sequence[str], choices: Sequence[Choice], runs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return all that was found, ready for JSON.

    Args:
        folder: The study's.
        arm_names: ``<arm>-<hash>`` of the arms just run.
        choices: What tuning chose.
        runs: What became of each run.
    """
    found: dict[str, Any] = json_ready(
        {
            "runs": runs,
            "tuning": [asdict(choice) for choice in choices],
            "layers": [asdict(report) for report in layer_reports(folder, arm_names)],
            "standouts": [asdict(found) for found in study_standouts(folder)],
            "surfaces": [asdict(found) for found in surfaces(read_study_arms(folder)[1])],
            "comparison": asdict(with_effects(compare_study(folder))),
            "claims": [as_mapping(verdict) for verdict in study_verdicts(folder)],
        }
    )
    return found


def plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """Return what a study would take, in lines: runs and CPU seconds by arm, tuning, all together."""
    arms = [
        f"  {arm['arm']}: {arm['num_missing']} to run, about {arm['cpu_s_per_run']:.1f} CPU-seconds each"
        for arm in plan["arms"]
    ]
    num_tuning = plan["num_tuning_runs"]
    tuning = [f"  tuning: {num_tuning} runs first, more where the best lies at an end"] if num_tuning else []
    total = f"{plan['num_finished']} finished, {plan['num_missing']} to run, about {plan['cpu_s']:.0f} CPU-seconds"
    return [
        f"{plan['study']}: {plan['num_arms']} x {plan['num_seeds']} runs (arms x seeds)",
        *arms,
        *tuning,
        f"  {total}",
    ]
