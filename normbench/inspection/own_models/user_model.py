"""Loads a user's model: imports package.module:callable from the current folder, and calls it under a seed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from normbench.errors import ConfigError, SettingError
from normbench.own_code.error_lines import in_one_line
from normbench.own_code.running import load_own, running_own_code
from normbench.random_streams import seed_globally


def load_callable(text: str) -> Callable[[], Any]:
    """Import what makes a user's model; modules of the current folder are found, too.

    Raises:
        ConfigError: Not package.module:callable, no such module or name, a module that fails, or nothing to call.
    """
    try:
        found = load_own(text, Path.cwd(), "--model")
    except SettingError as error:
        raise _refused(text, f"{error.rule}. {error.way_out}") from error
    if not callable(found) or isinstance(found, nn.Module):
        rule = f"must be a function or class that returns a model, got a {type(found).__name__}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...")
    return found  # type: ignore[no-any-return]


def make_model(make: Callable[[], Any], seed: int, text: str) -> nn.Module:
    """Call what makes a model, with torch, numpy and Python seeded; nothing of the process is different afterwards.

    Raises:
        ConfigError: It fails, or returns something else than a module.
    """
    folder = Path.cwd()
    try:
        with running_own_code(folder):
            seed_globally(seed)
            model = make()
    except (Exception, SystemExit) as error:
        rule = f"must return a model when called without arguments, got {in_one_line(error, folder)}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...") from error
    if not isinstance(model, nn.Module):
        rule = f"must return a torch.nn.Module, got a {type(model).__name__}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...")
    return model


def _refused(text: str, complaint: str) -> ConfigError:
    return ConfigError([f"--model {text}: {complaint}"])
