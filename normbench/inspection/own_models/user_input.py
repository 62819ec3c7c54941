"""Loads a user's input: a shape N,C,H,W of random numbers, or what a .npy or .pt file holds."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from normbench.any_module.model_input import ModelInput
from normbench.errors import ConfigError
from normbench.own_code.error_lines import in_one_line
from normbench.random_streams import stream

LARGEST = 2**31
"""Numbers in an input: 8 GiB of float32."""
SAVE = "Write it with torch.save(tensor, path); a tuple of tensors or a dict by argument's name serves, too."
OfSeed = Callable[[int], Any]


def load_inputs(texts: Sequence[str]) -> OfSeed:
    """Return a function from seed to what forward takes: one input for each text, in forward's order.

    A single file may hold a tuple, for forward's arguments in order, or a dict by their names.

    Raises:
        ConfigError: A text is neither a shape nor a file with tensors of numbers, or several files hold more than one.
    """
    loaded = [_load_input(text, place) for place, text in enumerate(texts)]
    if len(loaded) == 1:
        return loaded[0]
    for text, of_seed in zip(texts, loaded, strict=True):
        content = of_seed(0)
        if not isinstance(content, Tensor):
            rule = f"must hold one tensor beside another --input, got a {type(content).__name__}"
            raise ConfigError([f"--input {text}: {rule}. Give it alone, or one file for each argument."])
    return lambda seed: tuple(of_seed(seed) for of_seed in loaded)


def _load_input(text: str, place: int) -> OfSeed:
    if re.fullmatch(r"[\d\s,]+", text):
        shape = _shape(text)
        purpose = f"input{place or ''}"
        return lambda seed: torch.randn(shape, generator=stream(seed, "data", purpose))
    path = Path(text)
    readers = {".npy": _read_npy, ".pt": _read_pt}
    if path.suffix not in readers:
        rule = f"must be a shape N,C,H,W or a file ending in {' or '.join(readers)}, got {text!r}"
        raise ConfigError([f"--input {text}: {rule}. Example: --input 32,3,32,32"])
    content = _read(text, path, readers[path.suffix])
    _check(text, content)
    return lambda _: content


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
        rule = f"must hold tensors and no objects, got {in_one_line(error)}"
        way_out = "Write it with numpy.save(path, array) or torch.save(tensor, path)."
        raise ConfigError([f"--input {text}: {rule}. {way_out}"]) from error


def _read_npy(path: Path) -> Tensor:
    import numpy as np

    return torch.from_numpy(np.load(path, allow_pickle=False))


def _read_pt(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _check(text: str, content: Any) -> None:
    if not isinstance(content, Tensor | tuple | list | Mapping):
        raise ConfigError([f"--input {text}: must hold tensors, got a {type(content).__name__}. {SAVE}"])
    tensors = ModelInput((content,)).tensors()
    batches = [tensor for tensor in tensors if tensor.dim() and tensor.numel() and tensor.dtype != torch.bool]
    if not batches or not all(tensor.numel() for tensor in tensors):
        got = ", ".join(f"{tensor.dtype} {tuple(tensor.shape)}" for tensor in tensors) or "no tensor"
        rule = f"must be numbers, a batch of one sample or more, got {got}"
        raise ConfigError([f"--input {text}: {rule}. Its first axis counts the samples."])


def fitted(inputs: ModelInput, model: nn.Module) -> ModelInput:
    """Return inputs on the model's device, floating and complex numbers in its precision, whole ones in int64."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))

    def fit(tensor: Tensor) -> Tensor:
        dtype = torch.int64
        if tensor.is_floating_point() or tensor.is_complex():
            dtype = parameter.dtype.to_complex() if tensor.is_complex() else parameter.dtype
        return tensor.to(device=parameter.device, dtype=torch.bool if tensor.dtype == torch.bool else dtype)

    return inputs.changed(fit)


def shapes(inputs: ModelInput) -> str:
    """Write the shapes of all tensors: "4x1x8x8 and 4x1x8x8"."""
    return " and ".join("x".join(map(str, tensor.shape)) or "a number" for tensor in inputs.tensors())
