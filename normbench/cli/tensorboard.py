"""normbench tensorboard: open TensorBoard on runs, on this machine only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

GROUP = "Start"
PLACE = 4
MAX_TICKED = 40
"""Most runs of which TensorBoard's tabs other than TIME SERIES show any at first."""


def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Studies, arms or runs; all under --runs-dir if none.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Only runs of this seed.")] = None,
    runs_dir: Annotated[Path, typer.Option("--runs-dir", help="Where runs are kept.")] = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 6006,
) -> None:
    """Open TensorBoard on runs, on this machine only.

    Runs are named study/arm/seed; the mean over the seeds of an arm stands beside them. Each layer's weight stands
    beside its weight gradient. TEXT holds each study's question and answer, HPARAMS the settings in which arms differ.
    Runs that are made meanwhile appear.

    Example: normbench tensorboard lenet_bn --seed 0
    """
    from tempfile import TemporaryDirectory

    from normbench.report.board.served_folder import ServedFolder, runs_of, start_following

    chosen = _folders(paths or [], runs_dir)
    with TemporaryDirectory(prefix="normbench-") as folder:
        served = ServedFolder(Path(folder), lambda: runs_of(chosen, seed))
        served.update()
        typer.echo(_about_empty_tabs(served.num_shown), err=True, nl=False)
        stopped = start_following(served)
        try:
            code = _serve(tensorboard_options(Path(folder), port))
        finally:
            stopped.set()
    raise typer.Exit(code)


def _folders(paths: Sequence[Path], runs_dir: Path) -> list[Path]:
    from normbench.errors import RunFolderError
    from normbench.storage.run_search import resolve_folder
    from normbench.storage.shipped_configs import RUN_FIRST

    if paths:
        return [resolve_folder(path, runs_dir) for path in paths]
    if not runs_dir.is_dir():
        rule = "must be a folder with runs, got no folder"
        raise RunFolderError(f"{runs_dir}: {rule}. {RUN_FIRST}")
    return [runs_dir]


def tensorboard_options(folder: Path, port: int) -> list[str]:
    """Return the options with which TensorBoard serves a folder on the loopback address."""
    return ["--logdir", str(folder), "--host", "127.0.0.1", "--port", str(port)]


def _about_empty_tabs(num_runs: int) -> str:
    """Return what to do about tabs that begin empty; "" where none does."""
    if num_runs <= MAX_TICKED:
        return ""
    return (
        f"{num_runs} runs are listed; above {MAX_TICKED} TensorBoard ticks none in SCALARS, HISTOGRAMS,\n"
        "DISTRIBUTIONS, IMAGES and TEXT, which begin empty. TOGGLE ALL RUNS ticks them;\n"
        "--seed 0 lists one run of each arm, a study's name this study alone.\n"
    )


def _serve(options: list[str]) -> int:
    """Serve in this process, so that no server is left however it ends; return an exit code."""
    from tensorboard import default, main_lib, program

    main_lib.global_init()
    board = program.TensorBoard(plugins=default.get_plugins())
    board.configure(argv=["tensorboard", *options])
    return int(board.main() != 0) * 2
