"""normbench tensorboard: open TensorBoard on the runs, on this machine only."""

from pathlib import Path
from typing import Annotated

import typer

GROUP = "Start"
PLACE = 4


def command(
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 6006,
) -> None:
    """Open TensorBoard on the runs, on this machine only.

    Example: normbench tensorboard --port 6007
    """
    from normbench.errors import RunFolderError
    from normbench.storage.shipped_configs import RUN_FIRST

    if not runs_dir.is_dir():
        rule = "must be a folder with runs, got no folder"
        raise RunFolderError(f"{runs_dir}: {rule}. {RUN_FIRST}")
    raise typer.Exit(_serve(tensorboard_options(runs_dir, port)))


def tensorboard_options(runs_dir: Path, port: int) -> list[str]:
    """Return the options with which TensorBoard serves ``runs_dir`` on the loopback address."""
    return ["--logdir", str(runs_dir), "--host", "127.0.0.1", "--port", str(port)]


def _serve(options: list[str]) -> int:
    """Serve in this process, so that no server is left however it ends; return an exit code."""
    from tensorboard import default, main_lib, program

    main_lib.global_init()
    board = program.TensorBoard(plugins=default.get_plugins())
    board.configure(argv=["tensorboard", *options])
    return int(board.main() != 0) * 2
