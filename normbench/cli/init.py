"""normbench init: write a commented config to start from."""

from pathlib import Path
from typing import Annotated

import typer

from normbench.cli._completion import shipped_words

GROUP = "Start"
PLACE = 1
COMMON = """\
norm: batch_norm          # none | scale_shift | batch_norm | layer_norm | instance_norm | group_norm
weight_decay: 0.0         # 0 or more; L2 in the weight gradient under sgd and adam, decoupled under adamw
dropout: 0.0              # probability of zeroing, 0 <= dropout < 1
batch_size: {batch_size}
optimizer: {{name: sgd, lr: 0.01, momentum: 0.9}}   # sgd | adam | adamw
num_steps: {num_steps}            # or num_epochs: 10

# Uncomment for a study: named arms, several seeds.
# seeds: 8
# arms:
#   with_norm: {{}}
#   without: {{norm: none}}
# baseline: without
"""

TEMPLATES = {
    "mlp": """\
# Does batch norm help this MLP fit a noisy line?
model: {name: mlp, hidden_features: [64, 64]}   # or width: 64 and depth: 2
dataset: {name: linear_regression, num_samples: 64}
"""
    + COMMON.format(batch_size=16, num_steps=300),
    "lenet": """\
# Does batch norm help LeNet tell banknotes apart?
model: lenet              # two convolutions, three dense layers
dataset: banknotes        # 3x32x32 images, two classes
"""
    + COMMON.format(batch_size=16, num_steps=500),
}


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", autocompletion=shipped_words, help="mlp, lenet, or a config that normbench configs lists."
        ),
    ] = "lenet",
    path: Annotated[Path | None, typer.Option("--path", help="File to write; by default my_<name>.yaml.")] = None,
) -> None:
    """Write a commented config to start from.

    mlp and lenet are short and say what else could be written; the others are studies that normbench ships. An existing
    file is never written over.

    Example: normbench init mlp
    """
    from normbench.errors import ConfigError
    from normbench.storage.files.plain_text import command_line

    text, stem = _text_of(name)
    target = path or Path(f"my_{stem}.yaml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError([f"{target}: must not exist yet, got a file. Choose another with --path."]) from None
    except OSError as error:
        raise ConfigError([f"{target}: must be writable, got: {error.strerror}. Choose another with --path."]) from None
    typer.echo(f"wrote {target}\nnext  {command_line('run', target)}")


def _text_of(name: str) -> tuple[str, str]:
    """Return what a config to start from holds, and its name without .yaml."""
    from normbench.storage.files.yaml_file import read_text
    from normbench.storage.shipped_configs import shipped_config

    if name in TEMPLATES:
        return TEMPLATES[name], name
    found = shipped_config(name)
    return read_text(found), found.stem
