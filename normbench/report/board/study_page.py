"""Writes a study's page of text for TensorBoard: its question, its answer once its runs are over, its settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normbench.errors import NormbenchError
from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.report.blocks.comparison import comparison_blocks
from normbench.report.board.columns import HIDDEN, differing_settings
from normbench.report.pages.markdown import blocks_markdown, escaped
from normbench.storage.contents.arm import ArmContent
from normbench.storage.study_folder import known_study, read_study

NOT_OVER = "Runs are being made. The answer will stand here when they are over."


def study_page(folder: Path, arms: Sequence[ArmContent], *, is_over: bool) -> str:
    """Return the page in markdown.

    Args:
        folder: The study's folder.
        arms: What arm.json says of each of its arms.
        is_over: Whether no run is being made, so that it can be answered.
    """
    head = _answer(folder) if is_over else f"{_title(folder)}\n\n{NOT_OVER}"
    return "\n\n".join([head, "**settings**", settings_markdown(arms)])


def _title(folder: Path) -> str:
    question = known_study(folder).get("question", "")
    return f"### {escaped(folder.name)}{f' · {escaped(question)}' if question else ''}"


def _answer(folder: Path) -> str:
    """Return the study's report, as normbench compare prints it; or why there is none."""
    try:
        comparison = with_answer(with_first_baseline(compare_study(read_study(folder))))
        return blocks_markdown(comparison_blocks(comparison))
    except NormbenchError as error:
        return f"### {escaped(folder.name)}\n\n{escaped(str(error))}"


def settings_markdown(arms: Sequence[ArmContent]) -> str:
    """Return the settings that are not at their default or differ: those of all arms, then a table of the others."""
    differing = list(differing_settings([arm["settings"] for arm in arms]))
    said = dict.fromkeys(key for arm in arms for key in arm["changed"] if not key.startswith(HIDDEN))
    common = [_common_line(arms[0]["settings"], key, differing) for key in said if key not in differing]
    return "\n\n".join([text for text in ("\n".join(common), "\n".join(_rows(arms, differing))) if text])


def _common_line(settings: Mapping[str, Any], key: str, differing: Sequence[str]) -> str:
    """Return a setting of all arms and, of a part, what stands below it: "- model: mlp, hidden_features 200 200"."""
    below = [own for own in settings if own.startswith(f"{key}.") and own not in differing]
    inner = [f"{own.removeprefix(f'{key}.')} {settings[own]}" for own in below if settings[own] is not None]
    return f"- {escaped(f'{key}: ' + ', '.join([str(settings.get(key)), *inner]))}"


def _rows(arms: Sequence[ArmContent], keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    head = ["arm", *keys]
    rows = [[arm["arm"], *(_text(arm["settings"], key) for key in keys)] for arm in arms]
    cells = [[escaped(word) for word in head], ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in cells]


def _text(settings: Mapping[str, Any], key: str) -> str:
    return escaped(str(settings[key])) if settings.get(key) is not None else ""
