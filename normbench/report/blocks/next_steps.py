"""Writes next steps: where the runs are, how to look at them, and the commands that give evidence."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normbench.evidence.comparison.comparison import StudyComparison
from normbench.evidence.comparison.rows import Row
from normbench.report.blocks.block import WIDE_LABEL, Block, Line
from normbench.storage.run_folder import Arm

ENOUGH_SEEDS = 8
HISTOGRAMS = "histograms: weight, weight gradient"


def evidence_block(comparison: StudyComparison) -> list[Block]:
    """Return the commands that give evidence; empty if there already is any."""
    if not comparison.rows:
        command = shlex.join(["normbench", "run", comparison.source])
        run_it = Block(lines=[Line(command, "run it", is_command=True)], is_joined=True)
        return [Block(lines=[Line("Nothing finished yet.")], is_joined=True), run_it]
    if comparison.is_evidence:
        return []
    commands = [Line(command, "verdict", is_command=True) for command in evidence_commands(comparison)]
    caption = Line(f"One seed each is no evidence; {ENOUGH_SEEDS} seeds are:")
    return [Block(lines=[caption], is_joined=True), Block(lines=commands, is_joined=True)]


def evidence_commands(comparison: StudyComparison) -> list[str]:
    """Return the command, or one per row, that runs these arms over enough seeds."""
    differing = comparison.differing if comparison.is_plain else ()
    common = [
        *_kept_changes(comparison.set_, differing),
        "--seeds",
        str(ENOUGH_SEEDS),
        *_runs_dir(Path(comparison.runs_dir)),
    ]
    choices = _choices(comparison) if comparison.is_plain else [[]]
    return [shlex.join(["normbench", "run", comparison.source, *choice, *common]) for choice in choices]


def _kept_changes(set_: Sequence[str], varied: Sequence[str]) -> list[str]:
    """Return the --set options of the last command, except for the settings that are varied now."""
    kept = [text for text in set_ if text.partition("=")[0].strip() not in varied]
    return [word for text in kept for word in ("--set", text)]


def _choices(comparison: StudyComparison) -> list[list[str]]:
    """Return the options that make the rows of a plain file: one --vary if one setting differs, else a --set each."""
    if not comparison.differing:
        return [["--vary", "norm=none,batch_norm"]]
    rows = [_row_settings(row, comparison.differing) for row in comparison.rows]
    if len(comparison.differing) == 1 and all(rows):
        key = comparison.differing[0]
        return [["--vary", f"{key}={','.join(dict.fromkeys(value for row in rows for _, value in row))}"]]
    return [[word for key, value in row for word in ("--set", f"{key}={value}")] for row in rows]


def _row_settings(row: Row, differing: Sequence[str]) -> list[tuple[str, str]]:
    return [(key, str(row.settings[key])) for key in differing if row.settings.get(key) is not None]


def _own_norm(settings: Mapping[str, Any]) -> str:
    """Write a norm of the user's as an option does: {name: own, layer: my_norms:MyNorm}."""
    start = "norm.settings."
    inner = {key.removeprefix(start): value for key, value in settings.items() if key.startswith(start)}
    said = ", ".join(f"{key}: {value}" for key, value in inner.items())
    more = f", settings: {{{said}}}" if said else ""
    return f"{{name: own, layer: {settings.get('norm.layer')}{more}}}"


def run_pointers(arm: Arm, study: Mapping[str, Any], config: Path) -> Block:
    """Return the folder of one run, and the commands that run it without its norm and with several seeds.

    Args:
        arm: The arm, with this run alone.
        study: The content of study.json.
        config: The file that was run.
    """
    runs_dir = arm.folder.parent.parent
    norm = str(arm.settings.get("norm", "none"))
    instead = "kept" if arm.settings.get("model") == "own" else "batch_norm"
    norms = ["none", instead if norm == "none" else _own_norm(arm.settings) if norm == "own" else norm]
    start = ["normbench", "run", str(config), *_kept_changes(study.get("set", ()), ["norm"])]
    other = shlex.join([*start, "--set", f"norm={norms[norm == 'none']}", *_runs_dir(runs_dir)])
    compare = shlex.join(["normbench", "compare", *_runs_dir(runs_dir)])
    seeds = ["--vary", f"norm={','.join(norms)}", "--seeds", str(ENOUGH_SEEDS)]
    verdict = Line(shlex.join([*start, *seeds, *_runs_dir(runs_dir)]), "verdict", is_command=True)
    lines = [
        *_location_lines(arm.runs[0].folder, [arm], runs_dir),
        Line(other, "next", is_command=True, remark=f"then   {compare}"),
    ]
    return Block(lines=[*lines, *([verdict] if study.get("is_plain") else [])], label_width=WIDE_LABEL)


def study_pointers(folder: Path, arms: Sequence[Arm], layers: Sequence[Line] = (), page: str = "") -> Block:
    """Return a line on the layers, the study's page or else its folder, and the commands that show it again."""
    saved = arms[0].folder if len(arms) == 1 else folder
    again = Line(shlex.join(["normbench", "compare", str(folder), "--details"]), "next", is_command=True)
    where = _location_lines(page or saved, arms, folder.parent, "report" if page else "saved", _one_seed(folder, arms))
    return Block(lines=[*layers, *where, again], label_width=WIDE_LABEL)


def _one_seed(folder: Path, arms: Sequence[Arm]) -> list[str]:
    """Return the words that show one seed of a study: TensorBoard begins empty where there are many runs."""
    seeds = [run.seed for arm in arms for run in arm.runs]
    return [folder.name, "--seed", str(seeds[0])] if len(set(seeds)) > 1 else []


def _location_lines(
    saved: Path | str, arms: Sequence[Arm], runs_dir: Path, label: str = "saved", shown: Sequence[str] = ()
) -> list[Line]:
    see = Line(
        shlex.join(["normbench", "tensorboard", *shown, *_runs_dir(runs_dir)]),
        "see",
        is_command=True,
        remark=HISTOGRAMS,
    )
    is_recorded = any(arm.settings.get("recording.tensorboard", True) for arm in arms)
    return [Line(shlex.quote(str(saved)), label, is_command=True), *([see] if is_recorded else [])]


def _runs_dir(runs_dir: Path) -> list[str]:
    return [] if str(runs_dir) == "runs" else ["--runs-dir", str(runs_dir)]
