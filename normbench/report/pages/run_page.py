"""Makes what `normbench run` shows of a study in a format: the blocks, the content of the JSON, the rows of the CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normbench.evidence.comparison.answer_cells import with_answer
from normbench.evidence.comparison.comparison import compare_study
from normbench.evidence.comparison.effects import with_first_baseline
from normbench.report.blocks.run import screen_blocks
from normbench.report.pages.csv_rows import arm_rows
from normbench.report.pages.documents.run import DOCUMENT
from normbench.report.pages.formats.base import Result
from normbench.report.pages.json_text import study_mapping
from normbench.storage.choices import Choice
from normbench.storage.study_folder import StudyFolder


def run_result(
    study: StudyFolder,
    arm_names: Sequence[str],
    choices: Sequence[Choice],
    runs: Sequence[Mapping[str, Any]],
    config: Path,
    end: Mapping[str, Any] | None,
) -> Result:
    """Return a study that was run; all of it is read now, so that what cannot be read is told of this study.

    Args:
        study: The study, read from its folder.
        arm_names: Names of the folders of the arms that were just run.
        choices: The choices of tuning.
        runs: Folder, arm, seed and status of each run.
        config: The file that was run.
        end: Why no more seeds were added.

    Raises:
        RunFolderError: A file is missing or was changed.
    """
    comparison = with_answer(with_first_baseline(compare_study(study)))
    blocks = screen_blocks(study, arm_names, config, choices)
    content = study_mapping(study, arm_names, choices, runs, comparison, blocks) | {"end": end}
    rows = arm_rows([comparison])
    return Result(DOCUMENT, lambda: content, lambda: [blocks], lambda: rows)
