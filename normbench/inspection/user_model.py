"""Loads a user's model and input: package.module:callable, N,C,H,W, a .npy or a .pt file."""

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from normbench.errors import ConfigError, did_you_mean
from normbench.inspection.watch.random_states import same_random_states_after
from normbench.random_streams import stream

EXAMPLE = "--model torchvision.models:resnet18"
LARGEST = 2**31
"""Numbers in an input: 8 GiB of float32."""


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
        except Exception as error:
            rule = f"must return a model when called without arguments, got {in_one_line(error)}"
            raise _refused(text, f"{rule}. Wrap it: def make(): return ...") from error
    if not isinstance(model, nn.Module):
        rule = f"must return a torch.nn.Module, got a {type(model).__name__}"
        raise _refused(text, f"{rule}. Wrap it: def make(): return ...")
    return model


def load_input(text: str) -> Callable[[int], Tensor]:
    """Return a function from seed to batch: N(0, 1) of a shape, or always the tensor of a file.

    Raises:
        ConfigError: Neither a shape nor a file with one tensor of numbers.
    """
    if re.fullmatch(r"[\d\s,]+", text):
        shape = _shape(text)
        return lambda seed: torch.randn(shape, generator=stream(seed, "data", "input"))
    path = Path(text)
    readers = {".npy": _read_npy, ".pt": _read_pt}
    if path.suffix not in readers:
        rule = f"must be a shape N,C,H,W or a file ending in {' or '.join(readers)}, got {text!r}"
        raise ConfigError([f"--input {text}: {rule}. Example: --input 32,3,32,32"])
    tensor = _checked(text, _read(text, path, readers[path.suffix]))
    return lambda _: tensor


def _shape(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",")]
    shape = tuple(int(size) for size in sizes if re.fullmatch(r"\d{1,10}", size))
    if len(shape) < len(sizes) or min(shape) < 1 or torch.Size(shape).numel() > LARGEST:
        rule = f"must be whole numbers from 1, at most {LARGEST:,} together, got {text!r}"
        raise ConfigError([f"--input {text}: {rule}. Example: --input 32,3,32,32"])
    return shape


def _read(text: str, path: Path, reader: Callable[[Path], Any]) -> Any:
    try:
        return reader(path)
    except OSError as error:
        rule = f"must be a readable file, got: {error.strerror or error}"
        raise ConfigError([f"--input {text}: {rule}. Give its path."]) from None
    except Exception as error:
        rule = f"must hold one tensor and no objects, got {in_one_line(error)}"
        way_out = "Write it with numpy.save(path, array) or torch.save(tensor, path)."
        raise ConfigError([f"--input {text}: {rule}. {way_out}"]) from error


def _read_npy(path: Path) -> Tensor:
    import numpy as np

    return torch.from_numpy(np.load(path, allow_pickle=False))


def _read_pt(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _checked(text: str, content: Any) -> Tensor:
    if not isinstance(content, Tensor):
        rule = f"must hold one tensor, got a {type(content).__name__}"
        raise ConfigError([f"--input {text}: {rule}. Write it with torch.save(tensor, path)."])
    if content.dim() < 1 or not content.numel() or content.is_complex() or content.dtype == torch.bool:
        rule = f"must be real numbers, a batch of one sample or more, got {content.dtype} {tuple(content.shape)}"
        raise ConfigError([f"--input {text}: {rule}. Its first axis counts the samples."])
    return content


def fitted(inputs: Tensor, model: nn.Module) -> Tensor:
    """Return a batch on the model's device, floating numbers in its dtype, whole ones in int64."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    dtype = parameter.dtype if inputs.is_floating_point() else torch.int64
    return inputs.to(device=parameter.device, dtype=dtype)


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
