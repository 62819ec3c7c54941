"""Prints the versions of normbench, Python and torch, without importing torch."""

import platform

import typer

import normbench


def print_version(is_asked: bool) -> None:
    """Print the versions and end the program, if that is asked for."""
    if not is_asked:
        return
    typer.echo(f"normbench {normbench.__version__}, Python {platform.python_version()}, torch {_torch_version()}")
    raise typer.Exit


def _torch_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("torch")
    except PackageNotFoundError:
        return "not installed"
