"""normbench init: write a commented config to start from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

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
    model: Annotated[Literal["mlp", "lenet"], typer.Argument(help="Which network to start from.")] = "lenet",
    path: Annotated[Path | None, typer.Option("--path", help="File to write; by default my_<model>.yaml.")] = None,
) -> None:
    """Write a commented config to start from.

    An existing file is never written over.

    Example: normbench init mlp
    """
    from normbench.errors import ConfigError
    from normbench.storage.files.plain_text import command_line

    target = path or Path(f"my_{model}.yaml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(TEMPLATES[model])
    except FileExistsError:
        raise ConfigError([f"{target}: must not exist yet, got a file. Choose another with --path."]) from None
    except OSError as error:
        raise ConfigError([f"{target}: must be writable, got: {error.strerror}. Choose another with --path."]) from None
    typer.echo(f"wrote {target}\nnext  {command_line('run', target)}")
