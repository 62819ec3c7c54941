"""normbench tensorboard: open TensorBoard on the runs, on this machine only."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 6006,
) -> None:
    """Open TensorBoard on the runs, on this machine only.

    Example: normbench tensorboard --port 6007
    """
    from normbench.errors import RunFolderError

    if not runs_dir.is_dir():
        rule = "must be a folder with runs, got no folder"
        raise RunFolderError(f"{runs_dir}: {rule}. Run a config first: normbench run configs/lenet_bn.yaml")
    code = subprocess.call(tensorboard_command(runs_dir, port))  # noqa: S603 - our own arguments
    raise typer.Exit(code)


def tensorboard_command(runs_dir: Path, port: int) -> list[str]:
    """Return the command that serves ``runs_dir`` on the loopback address."""
    options = ["--logdir", str(runs_dir), "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "tensorboard.main", *options]
