"""normbench explain: what a norm, dropout or weight_decay computes, with numbers."""

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from normbench.norms.base import NormSpec

DEFAULT_SHAPE = "32,64,14,14"


def command(
    name: Annotated[str | None, typer.Argument(help="A norm, dropout or weight_decay; all norms if none.")] = None,
    shape: Annotated[
        str, typer.Option("--shape", metavar="N,C,H,W", help="Batch, channels, positions.")
    ] = DEFAULT_SHAPE,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the norm.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a norm, dropout or weight_decay: axes, statistics, parameters, modes, an example, the paper.

    Example: normbench explain group_norm --shape 32,64,14,14 --set num_groups=4
    """
    from normbench.report.blocks.explain import norm as explanation
    from normbench.report.terminal.console import make_console

    found = _found(name, _read_shape(shape), set_ or [])
    if json_:
        typer.echo(json.dumps(found, indent=2))
    elif name is None:
        explanation.print_all_norms(make_console(), found, _read_shape(shape))
    elif "rules" in found:
        explanation.print_regularizer(make_console(), found)
    else:
        explanation.print_norm(make_console(), found)


def _found(name: str | None, shape: tuple[int, ...], settings: list[str]) -> Any:
    from normbench.errors import ConfigError, SettingError
    from normbench.inspection.explain.norms import explain_norm
    from normbench.inspection.explain.regularizers import REGULARIZERS

    if settings and (name is None or name in REGULARIZERS):
        rule = f"must go with the name of a norm, got {name or 'none'}"
        raise ConfigError([f"--set {settings[0]}: {rule}. Example: explain group_norm --set num_groups=4"])
    if name in REGULARIZERS:
        return asdict(REGULARIZERS[name]())
    if name is None:
        return _all_norms(shape)
    try:
        return asdict(explain_norm(_spec(name, settings), shape))
    except SettingError as error:
        raise ConfigError([f"explain {name} --shape {','.join(map(str, shape))}: {error}"]) from None


def _all_norms(shape: tuple[int, ...]) -> list[dict[str, Any]]:
    from normbench.errors import SettingError
    from normbench.inspection.explain.norms import explain_norm
    from normbench.parts import find_specs

    rows = []
    for spec in find_specs("normbench.norms").values():
        try:
            rows.append(asdict(explain_norm(spec(), shape)))  # type: ignore[arg-type, call-arg]
        except SettingError:
            rows.append({"name": spec().name})  # type: ignore[call-arg]
    return rows


def _spec(name: str, settings: list[str]) -> "NormSpec":
    """Read the norm as a config would, with a config's messages."""
    from pydantic import ValidationError

    from normbench.errors import ConfigError
    from normbench.inspection.explain.norms import NormChoice
    from normbench.storage.files.located import Located
    from normbench.storage.files.yaml_file import read_assignment
    from normbench.study.wording import complaints_about

    located = Located({"norm": {"name": name}}, {("norm",): f"explain {name}"})
    for text in settings:
        located = located.overridden(read_assignment("--set", f"norm.{text.removeprefix('norm.')}", shown=text))
    try:
        return NormChoice.model_validate(located.data).norm
    except ValidationError as error:
        raise ConfigError(complaints_about(error, NormChoice, located)) from None


def _read_shape(text: str) -> tuple[int, ...]:
    from normbench.errors import ConfigError

    sizes = text.split(",")
    if not all(re.fullmatch(r"0*[1-9][0-9]{0,5}", size.strip()) for size in sizes) or not 2 <= len(sizes) <= 5:
        rule = "must be N,C or N,C,L or N,C,H,W or N,C,D,H,W in whole numbers"
        raise ConfigError([f"--shape {text}: {rule}, got {text!r}. Example: --shape 32,64,14,14"])
    return tuple(int(size) for size in sizes)
