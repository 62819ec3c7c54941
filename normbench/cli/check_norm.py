"""normbench check-norm: measure which properties a norm layer has."""

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from normbench.cli._format import AsJson, Format, chosen_format, print_result

if TYPE_CHECKING:
    from normbench.norms.base import NormSpec

GROUP = "Your network"
PLACE = 3


def command(
    norm: Annotated[
        str, typer.Argument(metavar="NORM", help="A layer of your own as package.module:Class, or a norm's name.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--settings", "--set", metavar="KEY=VALUE", help="A setting of the norm, or {A: 1, B: 2}."),
    ] = None,
    shape: Annotated[
        str | None, typer.Option("--shape", metavar="C,H,W", help="Channels and positions of a sample: 8,16,16.")
    ] = None,
    format_: Format = None,
    json_: AsJson = False,
) -> None:
    """Measure which properties a norm layer has.

    The layer is built for the number of channels, or for feature_shape if it has such an argument, and gets small
    batches in training and evaluation mode. What training relies upon is marked where it is not so; the exit code is
    then 1. Modules of the current folder are found.

    Example: normbench check-norm group_norm --shape 8,16,16
    """
    from dataclasses import asdict, replace

    from normbench.cli._torch import import_torch
    from normbench.errors import ConfigError, SettingError

    import_torch()
    from normbench.inspection.norm_contract.contract import measure_norm
    from normbench.report.blocks.norm_contract import norm_contract_block, norm_contract_table
    from normbench.report.pages.documents.check_norm import DOCUMENT
    from normbench.report.pages.formats.base import Result
    from normbench.report.terminal.console import make_console
    from normbench.report.terminal.render import print_blocks

    chosen = chosen_format(format_, json=json_)
    spec, feature_shape = _read_norm(norm, settings or []), _read_shape(shape)
    try:
        found = measure_norm(spec, feature_shape)
    except SettingError as error:
        raise ConfigError([f"check-norm {norm}: {error}"]) from None
    properties = [asdict(one) | {"is_fault": one.is_fault} for one in found.properties]
    block = norm_contract_block(norm, found.feature_shape, properties)
    if chosen:
        content = {"norm": norm, "shape": found.feature_shape, "properties": properties}
        table = replace(block, table=norm_contract_table(properties), lines=())
        print_result(Result(DOCUMENT, lambda: content, lambda: [[table]], lambda: properties), chosen)
    else:
        print_blocks(make_console(), [block])
    if any(one.is_fault for one in found.properties):
        raise typer.Exit(1)


def _read_norm(norm: str, settings: list[str]) -> "NormSpec":
    """Return the spec of a norm of normbench, or of the user's own layer, with settings."""
    from normbench.errors import ConfigError, known_names
    from normbench.inspection.explain.read_spec import read_spec
    from normbench.parts import find_specs

    place = f"check-norm {norm}"
    known = [name for name, spec in find_specs("normbench.norms").items() if not spec.takes_own]
    given = [assignment for text in settings for assignment in _assignments(text)]
    if ":" in norm:
        of_layer = [f"layer={json.dumps(norm)}", *(f"settings.{assignment}" for assignment in given)]
        return read_spec("norm", "own", of_layer, place)  # type: ignore[return-value]
    if norm not in known:
        rule = f"must be package.module:Class or a norm of normbench, got {norm!r}"
        raise ConfigError([f"{norm}: {rule}. {known_names(norm, known, 'Norms')}"])
    return read_spec("norm", norm, given, place)  # type: ignore[return-value]


def _assignments(text: str) -> list[str]:
    """Return KEY=VALUE for each setting of a text, which is one of these or a mapping in YAML."""
    from normbench.errors import ConfigError
    from normbench.storage.files.yaml_file import parse_yaml

    if text.lstrip().startswith("{"):
        found = parse_yaml(text, f"--settings {text}", lines=False).data
        return [f"{key}={json.dumps(value)}" for key, value in found.items()]
    if "=" not in text:
        rule = f"must be KEY=VALUE or {{KEY: VALUE}}, got {text!r}"
        raise ConfigError([f"--settings {text}: {rule}. Example: --settings eps=0.001"])
    return [text]


def _read_shape(text: str | None) -> tuple[int, ...] | None:
    from normbench.errors import ConfigError

    if text is None:
        return None
    sizes = text.split(",")
    if not all(re.fullmatch(r"0*[1-9][0-9]{0,5}", size.strip()) for size in sizes) or not 1 <= len(sizes) <= 4:
        rule = "must be C or C,L or C,H,W or C,D,H,W in whole numbers"
        raise ConfigError([f"--shape {text}: {rule}, got {text!r}. Example: --shape 8,16,16"])
    return tuple(int(size) for size in sizes)
