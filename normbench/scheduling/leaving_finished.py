"""Leaves a study whose runs are all finished as its repetition shows it, where files alone can tell that it is."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from normbench.errors import RunFolderError
from normbench.findings import Finding
from normbench.scheduling.nothing_to_do import AskedStudy
from normbench.scheduling.ownership import is_run_config
from normbench.scheduling.plan import Plan, make_plan, study_json
from normbench.scheduling.studies import StudyRun
from normbench.storage.files.json_files import json_ready, read_json
from normbench.storage.files.yaml_file import parse_yaml
from normbench.storage.finished_study import FinishedRun, FinishedStudy, Screen, write_finished
from normbench.storage.lock import locked
from normbench.storage.names import content_sha256
from normbench.storage.run_folder import STUDY_JSON
from normbench.storage.run_status import RESULTS, RunStatus


def leave_finished(
    asked: AskedStudy, run: StudyRun, texts: Sequence[str], findings: Sequence[Finding], screen: Screen | None
) -> None:
    """Leave what a repetition of the command shows, unless it has more to look at than files of the runs folder.

    That is code or data of the user's, another device than the CPU, or a study.json that a repetition would change. A
    folder that cannot be written is no mistake: the runs are complete.

    Args:
        asked: What the command asked of the study.
        run: The study after it was run.
        texts: What a repetition says before runs are made, apart from findings.
        findings: What may go wrong in the study's networks.
        screen: Its report as a repetition prints it.
    """
    with suppress(OSError, RunFolderError):
        plan = make_plan(run.study, asked.folder.parent)
        if not _is_all_in_files(plan, run, asked):
            return
        end = asdict(run.end) if run.end else None
        study = FinishedStudy(_runs(run), texts, findings, list(run.choices.values()), end, screen)
        with locked(plan.folder):
            if read_json(plan.folder / STUDY_JSON) == json_ready(study_json(plan)):
                write_finished(plan.folder, asked.content(), study)


def _is_all_in_files(plan: Plan, run: StudyRun, asked: AskedStudy) -> bool:
    is_whole = run.runner_ups is None and all(
        update.status in (*RESULTS, RunStatus.SKIPPED) and update.run.is_settled for update in run.results
    )
    identities = plan.identities.values()
    is_of_normbench = plan.device == "cpu" and all(one.device == "cpu" and not one.digests for one in identities)
    of_text = content_sha256(parse_yaml(asked.text, str(asked.path)).data)
    is_same = plan.folder == asked.folder and of_text == run.study.content_sha256
    return is_whole and is_of_normbench and is_same and not is_run_config(Path(run.study.source))


def _runs(run: StudyRun) -> list[FinishedRun]:
    return [FinishedRun(one.run.arm, one.run.folder.parent.name, one.run.seed) for one in run.results]
