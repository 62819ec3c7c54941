"""normbench probe: print std per layer, forward and backward, without training."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

if TYPE_CHECKING:
    from normbench.evidence.probe.probe_report import ProbeReport
    from normbench.findings import Finding
    from normbench.report.blocks.block import Block
    from normbench.report.pages.formats.base import Result
    from normbench.study.study import Study

GROUP = "Your network"
PLACE = 1


def command(
    config: Annotated[
        Path | None, typer.Argument(readable=False, metavar="CONFIG", help="A study file; every arm gets its table.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODULE:CALLABLE", help="A callable that makes your own model, called per seed."
        ),
    ] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="N,C,H,W",
            help="Its input: a shape of N(0, 1), or a .npy or .pt file; again for each further argument.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size", metavar="N", help="Samples of a training batch, if not the input's: for its norms."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every arm.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N", help="Seeds 0 .. N-1; the file's, or 8, if not said.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw std over the layers: a .png, .svg or .pdf file.")
    ] = None,
    layers: Annotated[
        Literal["ends", "all"], typer.Option("--layers", help="Layers shown of a long network.")
    ] = "ends",
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """Show where a signal vanishes or explodes before training.

    The signal is followed forward and backward; where it becomes 0 is shown too, and why. For a study file it also
    lists what else may go wrong in its runs: warnings, and notes on harmless habits.

    Example: normbench probe lenet_bn --set norm=group_norm
    """
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks
    from normbench.study.options import read_seeds

    chosen = chosen_format(format_, json=json_)
    _check_arguments(config, model, input_ or [], set_ or [], plot)
    _check_batch_size(batch_size, config)
    num_seeds = read_seeds(seeds)
    if config is None:
        assert model is not None
        assert input_
        study, title, reports = None, model, _probe_callable(model, input_, num_seeds, batch_size)
    else:
        study = _load_study(config, set_ or [], num_seeds)
        title, reports = _probe_study(study)
    if plot is not None:
        from normbench.report.figures.probe import save_probe_figure

        save_probe_figure(plot, reports, title)
    findings = _findings(study)
    blocks = _blocks(title, reports, study, findings, all_layers=layers == "all")
    if chosen:
        print_result(_result(reports, findings, blocks), chosen)
    else:
        print_blocks(make_console(), blocks)


def _result(reports: "list[ProbeReport]", findings: "list[Finding]", blocks: "list[Block]") -> "Result":
    from normbench.report.pages.documents.probe import DOCUMENT
    from normbench.report.pages.entry_rows import probe_rows
    from normbench.report.pages.formats.base import Result
    from normbench.report.pages.json_text import blocks_mapping

    def content() -> dict[str, object]:
        found = {"probes": [report.as_mapping() for report in reports], "findings": [asdict(one) for one in findings]}
        return found | {"blocks": blocks_mapping(blocks)}

    return Result(DOCUMENT, content, lambda: [blocks], lambda: probe_rows(reports))


def _blocks(
    title: str, reports: "list[ProbeReport]", study: "Study | None", findings: "list[Finding]", *, all_layers: bool
) -> "list[Block]":
    """Return the title, the tables of each report, and the findings of a study."""
    from normbench.report.blocks.block import Block, as_lines
    from normbench.report.blocks.findings import BEFORE_TRAINING, findings_blocks
    from normbench.report.blocks.layers import LONG
    from normbench.report.blocks.probe import probe_blocks

    blocks = [Block(lines=as_lines([title]))]
    for i, report in enumerate(reports):
        first, *others = probe_blocks(report, None if all_layers else LONG)
        blocks += [replace(first, is_joined=i == 0), *others]
    if study and findings:
        first, *others = findings_blocks(findings, BEFORE_TRAINING, study=study.name, num_arms=len(study.arms))
        blocks += [replace(first, is_joined=False), *others]
    return blocks


def _check_arguments(
    config: Path | None, model: str | None, input_: Sequence[str], set_: Sequence[str], plot: Path | None
) -> None:
    from normbench.errors import ConfigError
    from normbench.report.figures.writing import check_path

    if (config is None) == (model is None):
        got = "neither" if config is None else "both"
        example = "Example: normbench probe lenet_bn, or probe --model package.module:callable --input 32,3,32,32"
        raise ConfigError([f"probe: must get a CONFIG or --model, got {got}. {example}"])
    if (model is None) != (not input_):
        rule = "must be given together with --input, and only then, got"
        given = f"--input {input_[0]}" if input_ else f"--model {model}"
        raise ConfigError([f"probe: --model {rule} {given} alone. Example: --input 32,3,32,32"])
    if set_ and model is not None:
        raise ConfigError([f"--set {set_[0]}: must go with a CONFIG, got --model {model}. Change the callable."])
    if plot is not None:
        check_path(plot)


def _check_batch_size(batch_size: int | None, config: Path | None) -> None:
    from normbench.errors import ConfigError

    if batch_size is not None and batch_size < 1:
        raise ConfigError([f"--batch-size {batch_size}: must be 1 or more, got {batch_size}. Example: --batch-size 32"])
    if batch_size is not None and config is not None:
        rule = f"must go with --model, got CONFIG {config}"
        raise ConfigError([f"--batch-size {batch_size}: {rule}. Use --set batch_size={batch_size}."])


def _probe_callable(
    model: str, inputs: Sequence[str], seeds: int | None, batch_size: int | None
) -> "list[ProbeReport]":
    from normbench.cli._torch import import_torch

    import_torch()
    from normbench.scheduling.probe_seeds import DEFAULT_SEEDS, probe_callable

    return [probe_callable(model, inputs, range(seeds or DEFAULT_SEEDS), batch_size)]


def _load_study(path: Path, set_: Sequence[str], seeds: int | None) -> "Study":
    from normbench.cli._torch import import_torch
    from normbench.storage.files.yaml_file import read_study_file

    says_seeds = "seeds" in read_study_file(path).data  # a mistyped path is told before torch is imported
    import_torch()
    from normbench.scheduling.probe_seeds import DEFAULT_SEEDS
    from normbench.study.load import load_study

    return load_study(path, set_=set_, seeds=seeds or (None if says_seeds else DEFAULT_SEEDS))


def _probe_study(study: "Study") -> "tuple[str, list[ProbeReport]]":
    from normbench.scheduling.probe_seeds import probe_config

    title = " · ".join(part for part in (study.name, study.question) if part)
    return title, [probe_config(config, study.first_seeds, name) for name, config in study.arms.items()]


def _findings(study: "Study | None") -> "list[Finding]":
    from normbench.inspection.preflight import study_findings

    return study_findings(study) if study else []
