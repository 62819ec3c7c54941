"""Shows studies of which all runs were finished before, as after their runs, without torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from normbench.cli._after_runs import Ended, View
    from normbench.scheduling.nothing_to_do import AskedStudy
    from normbench.storage.finished_study import FinishedStudy


def show_finished(asked: "Sequence[AskedStudy]", finished: "Sequence[FinishedStudy]", view: "View") -> "Ended":
    """Tell what is to be known of each study, and show it."""
    from normbench.cli._after_runs import Ended
    from normbench.cli._asked_runs import say_quick
    from normbench.cli._before_runs import Told, print_told
    from normbench.storage.names import QUICK

    for one in asked:
        if one.options["quick"]:
            say_quick(one.folder.name.removesuffix(QUICK))
    told = [Told(one.folder.name, study.texts, study.findings) for one, study in zip(asked, finished, strict=True)]
    num_before, ended = print_told(told), Ended()
    for one, study in zip(asked, finished, strict=True):
        _show(one, study, view, num_before[one.folder.name], ended)
    return ended


def _show(asked: "AskedStudy", study: "FinishedStudy", view: "View", num_before: int, ended: "Ended") -> None:
    from normbench.cli._after_runs import add_failure, shown_finished
    from normbench.errors import RunFolderError
    from normbench.storage.study_folder import read_study

    shown = shown_finished(asked, study)
    try:
        if not view.show_again(shown, study.screen, num_before):
            ended.reports.append(view.show(shown, read_study(asked.folder), num_before))
    except (OSError, RunFolderError) as error:
        add_failure(error, asked.folder, ended)
