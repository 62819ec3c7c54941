"""Loads a user's model: imports package.module:callable, calls it under a seed, and writes an error as one line."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normbench.any_module.random_states import same_random_states_after
from normbench.errors import ConfigError, did_you_mean

EXAMPLE = "--model torchvision.models:resnet18"


def load_callable(text: str) -> Callable[[], Any]:
    """Import what makes a user's model; modules of the current folder are found, too.

    Raises:
        ConfigError: Not package.module:callable, no such module or name, a module that fails, or nothing to call.
    """
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise _refused(text, f"must be package.module:callable, got {text!r}. Example: {EXAMPLE}")
    module = _imported(text, module_name)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [word for word in vars(found) if not word.startswith("_")] if hasattr(found, "__dict__") else []
            rule = f"must name something in {module_name}, got {part!r}."
            raise _refused(text, f"{rule}{did_you_mean(part, known)}")
        found = getattr(found, part)
    if not callable(found) or isinstance(found, nn.Module):
        rule = f"must be a function or class that returns a model, got a {type(found).__name__}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...")
    return found  # type: ignore[no-any-return]


def _imported(text: str, module_name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:  # it stays there: what is imported may import its neighbours later
        sys.path.insert(0, here)
    try:
        return import_module(module_name)
    except ModuleNotFoundError as error:
        rule = f"must be a module that Python finds, got no module {error.name!r}"
        raise _refused(text, f"{rule}. Start in the folder it lies in, or install it.") from None
    except (Exception, SystemExit) as error:  # a script may end itself
        rule = f"must be importable, got {in_one_line(error)}"
        raise _refused(text, f"{rule}. Import it in Python to see where.") from error


def make_model(make: Callable[[], Any], seed: int, text: str) -> nn.Module:
    """Call what makes a model, with torch's random state at a seed; the state is put back.

    Raises:
        ConfigError: It fails, or returns something else than a module.
    """
    with same_random_states_after():
        torch.manual_seed(seed)
        try:
            model = make()
        except (Exception, SystemExit) as error:
            rule = f"must return a model when called without arguments, got {in_one_line(error)}"
            raise _refused(text, f"{rule}. Wrap it: def make(): return ...") from error
    if not isinstance(model, nn.Module):
        rule = f"must return a torch.nn.Module, got a {type(model).__name__}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...")
    return model


def in_one_line(error: BaseException, length: int = 300) -> str:
    """Write an error as one line: its class and the text.

    Example:
        >>> in_one_line(KeyError("two   spaces"))
        "KeyError: 'two spaces'"
    """
    text = " ".join(str(error).split()).rstrip(".")
    shown = text if len(text) <= length else f"{text[:length]}..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _refused(text: str, complaint: str) -> ConfigError:
    return ConfigError([f"--model {text}: {complaint}"])
