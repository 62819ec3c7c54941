"""Shows verdicts of claims, judged and stored: all by what was found, studies in full, or a line or two a claim."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from textwrap import shorten

from normbench.evidence.claims.stored_verdicts import StudyVerdicts
from normbench.evidence.claims.study_verdicts import count_verdicts
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.evidence.claims.words import DEPENDS, OLD_WORDS, SMALLER
from normbench.report.blocks.block import Block, Line
from normbench.report.blocks.claims import claims_blocks, summary_line
from normbench.report.blocks.claims_in_short import claims_in_short, names_by_outcome
from normbench.storage.files.plain_text import command_line

LEAST_QUESTION = 12
"""Fewest letters of a question that are worth a place on a study's line."""
OLD_RULE = "Supported and refuted are words of version 0.1.0, which tested the mean."


def study_verdicts_blocks(
    studies: Sequence[StudyVerdicts], runs_dir: Path, width: int, *, in_full: bool
) -> list[Block]:
    """Return the claims that were judged in full, and those that are stored in full or a line for each study.

    Args:
        studies: The verdicts of each study file.
        runs_dir: Folder in which runs were looked for.
        width: Width of the terminal.
        in_full: Whether stored verdicts are shown in full; else in a line for each study, which is left out where
            others were judged.
    """
    return _blocks(studies, runs_dir, width, claims_blocks, in_full=in_full)


def short_verdicts_blocks(
    studies: Sequence[StudyVerdicts], runs_dir: Path, width: int, *, in_full: bool
) -> Iterator[list[Block]]:
    """Yield the same in fewer and fewer lines, for a screen: claims in two lines, then one, then by name alone."""
    details = command_line(
        "claims", *([study.path for study in studies] if in_full else ()), "--details", runs_dir=runs_dir
    )
    more = Block(lines=[Line(details, "details", is_command=True)], is_joined=True)
    for with_numbers in (True, False):
        show = partial(claims_in_short, width=width, with_numbers=with_numbers)
        shown = studies if in_full else [study for study in studies if not study.is_stored]
        if shown:
            yield [*_blocks(shown, runs_dir, width, show, in_full=True), more]
    verdicts = [one for study in studies for one in study.verdicts]
    stored = [study for study in studies if study.is_stored]
    told = _what_they_are(stored, runs_dir, "") if stored else [Block(lines=[Line(summary_line(verdicts))])]
    yield [names_by_outcome(verdicts), *told, more]


def _blocks(
    studies: Sequence[StudyVerdicts],
    runs_dir: Path,
    width: int,
    show: Callable[[Sequence[ClaimVerdict]], list[Block]],
    *,
    in_full: bool,
) -> list[Block]:
    judged = [one for study in studies if not study.is_stored for one in study.verdicts]
    stored = [study for study in studies if study.is_stored]
    blocks = show(judged) if judged or not stored else []
    if not stored:
        return blocks
    if in_full:
        return [*blocks, *(block for study in stored for block in _in_full(study, runs_dir, show))]
    listed = [] if judged else [Block(lines=[_study_line(study, stored, width) for study in stored])]
    counts = f": {_counts_text([one for study in stored for one in study.verdicts])}"
    return [*blocks, *listed, *_what_they_are(stored, runs_dir, counts)]


def _in_full(
    study: StudyVerdicts, runs_dir: Path, show: Callable[[Sequence[ClaimVerdict]], list[Block]]
) -> list[Block]:
    lead = Block(lines=[Line(f"{study.path}: {_origin(study.versions)}; {runs_dir} has no runs of it.")])
    return [lead, *show(study.verdicts)]


def _study_line(study: StudyVerdicts, stored: Sequence[StudyVerdicts], width: int) -> Line:
    """Return a study's name, how many claims have which verdict, and as much of its question as the line holds."""
    label = str(study.path)
    place = width - max(len(str(one.path)) for one in stored) - len("  ")
    counts = _fitting(_counts_text(study.verdicts), place)
    room = place - len(counts) - len(" · ")
    question = shorten(study.question, room, placeholder=" ...") if room >= LEAST_QUESTION else ""
    return Line(" · ".join(filter(None, (counts, question))), label)


def _what_they_are(stored: Sequence[StudyVerdicts], runs_dir: Path, counts: str) -> list[Block]:
    """Return what stored verdicts are, and how to see one study's in full or to judge it anew.

    Args:
        stored: The studies.
        runs_dir: Folder in which runs were looked for.
        counts: How many claims have which verdict, behind a colon; "" where the list above tells it.
    """
    verdicts = [one for study in stored for one in study.verdicts]
    versions = list(dict.fromkeys(version for study in stored for version in study.versions))
    claims, studies = _counted(len(verdicts), "claim", "claims"), _counted(len(stored), "study", "studies")
    of_what = f"{claims} of {studies} without runs in {runs_dir}"
    of_older = f" {OLD_RULE}" if any(one.verdict in OLD_WORDS for one in verdicts) else ""
    told = f"{_origin(versions).capitalize()}, of {of_what}{counts}.{of_older}"
    name = next((study.path for study in stored if study.versions), stored[0].path)
    in_full = command_line("claims", name, runs_dir=runs_dir)
    commands = [
        Line(in_full, "in full", is_command=True),
        Line(command_line("run", name, runs_dir=runs_dir), "again", is_command=True),
        Line(in_full, "then", is_command=True),
    ]
    return [Block(lines=[Line(told)]), Block(lines=commands, is_joined=True)]


def _origin(versions: Sequence[str]) -> str:
    made_by = f" of normbench {' and '.join(versions)}" if versions else ""
    return f"stored verdicts{made_by}"


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _fitting(counts: str, place: int) -> str:
    """Return counts in shorter words where they do not fit, and as many of them as do; "" where none does.

    Example:
        >>> counts = "3 cannot tell, 2 smaller than claimed, 1 holds"
        >>> _fitting(counts, 30), _fitting(counts, 10)
        ('3 cannot tell, 2 smaller, ...', '')
    """
    if len(counts) <= place:
        return counts
    short = counts.replace(SMALLER, "smaller").replace(DEPENDS, "depends")
    if len(short) <= place:
        return short
    fits = [i for i, letter in enumerate(short) if letter == "," and i + len(", ...") <= place]
    return f"{short[: fits[-1]]}, ..." if fits else ""


def _counts_text(verdicts: Sequence[ClaimVerdict]) -> str:
    return ", ".join(f"{number} {word}" for word, number in count_verdicts(verdicts).items())
