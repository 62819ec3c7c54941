"""normbench compare: compare the arms of finished runs, from files alone."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normbench.cli._format import AsCsv, AsJson, AsMarkdown, Format, chosen_format, print_result
from normbench.errors import NormbenchError

if TYPE_CHECKING:
    from normbench.evidence.comparison.comparison import StudyComparison
    from normbench.evidence.comparison.pivot import Pivot
    from normbench.report.pages.comparison_page import ComparedStudy
    from normbench.report.pages.pool_page import PoolPage
    from normbench.storage.study_folder import StudyFolder

RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")]
Texts = list[str] | None

GROUP = "Start"
PLACE = 3


def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Studies, here or under --runs-dir; all there if none.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    metric: Annotated[Texts, typer.Option(metavar="M", help="What to compare, e.g. 'best test_loss'.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="ARM", help="What arms are judged against.")
    ] = None,
    where: Annotated[Texts, typer.Option(metavar="KEY=VALUE", help="Only arms whose setting is so.")] = None,
    by: Annotated[Texts, typer.Option(metavar="KEY", help="Table by a setting; a second is the columns.")] = None,
    margin: Annotated[
        float | None, typer.Option(metavar="M", help="The smallest difference that matters, for 'equal'.")
    ] = None,
    pool: Annotated[bool, typer.Option("--pool", help="Judge datasets, or studies, as tasks together.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw a figure: .png, .svg or .pdf.")] = None,
    fail_if: Annotated[Texts, typer.Option(metavar="EXPR", help="Exit with 3 if so, e.g. 'test_loss>0.5'.")] = None,
    format_: Format = None,
    json_: AsJson = False,
    csv_: AsCsv = False,
    markdown: AsMarkdown = False,
    per_seed: Annotated[
        bool, typer.Option("--per-seed", help="With --format csv a row per arm, metric and seed, not one per arm.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Also parameters, CPU time and all settings that differ.")
    ] = False,
    methods: Annotated[bool, typer.Option("--methods", help="Add a paragraph for a paper: how this was made.")] = False,
) -> None:
    """Compare the arms of finished runs: a table per study.

    Rows are labelled by what differs. --metric takes a column of metrics.csv or a layer's statistic,
    weight.std@hidden2, and before it what is made of its steps, of which the list stands below. With a baseline the
    first metric is judged: effect paired by seed, interval, p, verdict. --by gives it by one or two settings, each cell
    one arm, with verdicts along numbers. --plot draws it over the steps, or over the setting of --by. --pool judges the
    arms over several tasks, datasets of a study or several studies; --plot then draws the share of runs above a score.
    --fail-if compares means, num_collapsed, num_diverged or verdict in any row: 'test_loss>0.5 or num_collapsed>0'.

    Example: normbench compare lenet_bn --metric test_loss
    """
    from normbench.evidence.comparison.comparison import compare_studies
    from normbench.evidence.comparison.effects import with_effects
    from normbench.evidence.comparison.gate import failing_rows, read_gate
    from normbench.evidence.comparison.pivot import make_pivots
    from normbench.report.pages.pool_page import check_options, make_pool_page
    from normbench.storage.run_search import resolve_folder

    chosen = chosen_format(format_, json=json_, csv=csv_, markdown=markdown)
    _check_csv(chosen, is_short=csv_, with_methods=methods, per_seed=per_seed, with_pool=pool)
    is_csv = chosen == "csv"
    if plot:
        from normbench.report.figures.comparison import save_figure
        from normbench.report.figures.writing import check_path

        check_path(plot)
    if pool:
        check_options(metric or (), by or (), margin, fail_if or ())
    gates = [read_gate(text) for text in fail_if or ()]
    studies = _read([resolve_folder(path, runs_dir) for path in paths or ()] or [runs_dir], with_arms=pool or is_csv)
    with _telling_of_unread_arms([] if pool or is_csv else studies):
        read = compare_studies(studies, metric or (), where or ())
    if pool:
        _show_pool(make_pool_page(read, baseline, plot, with_methods=methods), chosen, details=details)
        return
    with _telling_of_unread_arms([] if is_csv else studies):
        comparisons = [with_effects(comparison, baseline) for _, comparison in read]
        tables = [make_pivots(comparison, by) if by else [] for comparison in comparisons]
    failed = [line for gate in gates for line in failing_rows(comparisons, gate)]
    if plot:
        save_figure(plot, comparisons, tables)
    is_own_question = not (metric or where or by)
    found = zip((study for study, _ in read), comparisons, tables, strict=True)
    answered = partial(_with_details, by=by or (), margin=margin, with_methods=methods)
    shown = [answered(*each, is_own_question=is_own_question) for each in found]
    _show(shown, chosen, details=details, figure=str(plot or ""), per_seed=per_seed)
    for line in failed:
        typer.echo(line, err=True)
    if failed:
        raise typer.Exit(3)


def _read(paths: Sequence[Path], *, with_arms: bool) -> "list[StudyFolder]":
    """Read the studies; name each that cannot be read, and with ``with_arms`` also arms, which are no notes then."""
    from normbench.storage.study_search import read_studies

    unreadable: list[str] = []
    studies = read_studies(paths, unreadable)
    arms = [line for study in studies for line in study.unreadable.values()] if with_arms else []
    _tell([*unreadable, *arms])
    return studies


def _check_csv(chosen: str, *, is_short: bool, with_methods: bool, per_seed: bool, with_pool: bool) -> None:
    """Refuse a paragraph among lines of numbers, and options of CSV elsewhere."""
    from normbench.errors import ComparisonError

    if chosen == "csv" and with_methods:
        option = "--csv" if is_short else "--format csv"
        rule = "must be lines of numbers, got a paragraph too. Use --format json or --format markdown."
        raise ComparisonError(f"{option} --methods: {rule}")
    if per_seed and chosen != "csv":
        got = f"--format {chosen}" if chosen else "no format"
        raise ComparisonError(f"--per-seed: must go with --format csv, got {got}. Add --format csv.")
    if per_seed and with_pool:
        raise ComparisonError("--per-seed: must stand without --pool, got both. Leave one out.")


def more_help() -> tuple[str, list[tuple[str, str]]]:
    """Return the heading and rows of the list of what may stand before a column."""
    from normbench.evidence.metrics.metric_words import usages

    return "Before the column of --metric", list(usages().items())


def _with_details(
    study: "StudyFolder",
    comparison: "StudyComparison",
    pivots: "list[Pivot]",
    *,
    by: Sequence[str],
    margin: float | None,
    is_own_question: bool,
    with_methods: bool,
) -> "ComparedStudy":
    """Return a comparison with its answer, its study's claims, findings and paragraph on methods."""
    from normbench.evidence.claims.study_verdicts import study_verdicts
    from normbench.evidence.comparison.answer_cells import with_answer
    from normbench.evidence.comparison.effects import with_first_baseline
    from normbench.evidence.layers.standouts import comparison_standouts
    from normbench.evidence.tuning.sensitivity import tuning_sensitivity
    from normbench.report.pages.comparison_page import ComparedStudy
    from normbench.report.pages.methods import methods_paragraph

    based = comparison if pivots or comparison.baseline else with_first_baseline(comparison)
    judged = with_answer(based, by, margin)
    paragraph = methods_paragraph(judged, pivots) if with_methods else ""
    if not is_own_question:
        return ComparedStudy(judged, pivots, paragraph=paragraph)
    found = study_verdicts(study), tuning_sensitivity(study), comparison_standouts(study, comparison)
    return ComparedStudy(judged, pivots, *found, paragraph)


@contextmanager
def _telling_of_unread_arms(studies: "Sequence[StudyFolder]") -> Iterator[None]:
    """Before a mistake is told, name the arms that cannot be read: it may lie in that they are not there."""
    try:
        yield
    except NormbenchError:
        _tell(line for study in studies for line in study.unreadable.values())
        raise


def _tell(lines: Iterable[str]) -> None:
    from normbench.storage.files.plain_text import one_line

    for line in lines:
        typer.echo(one_line(line), err=True)


def _show_pool(page: "PoolPage", chosen: str, *, details: bool) -> None:
    from normbench.report.pages.pool_page import page_blocks, pool_result
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    if chosen:
        print_result(pool_result(page, details=details), chosen)
        return
    print_blocks(make_console(), page_blocks(page, details=details))


def _show(studies: "list[ComparedStudy]", chosen: str, *, details: bool, figure: str, per_seed: bool) -> None:
    from normbench.report.pages.comparison_page import comparison_result
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    result = comparison_result(studies, details=details, figure=figure, per_seed=per_seed)
    if chosen:
        print_result(result, chosen)
        return
    print_blocks(make_console(), [block for page in result.pages() for block in page])
