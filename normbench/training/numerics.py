"""Sets everything in torch that decides the bits of a run, and restores it afterwards."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import RLock
from typing import Any

import torch

from normbench.errors import RunFailedError
from normbench.study.numerics import Numerics

_PROCESS_LOCK = RLock()
"""Held while torch's settings, which belong to the whole process, are those of one thread's run."""
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Environment variable, read when a process makes its first matrix product on a GPU."""
FIXED_WORKSPACE = ":4096:8"
"""Eight buffers of 4096 KiB: in a fixed workspace cuBLAS gives the same bits each time.

https://docs.nvidia.com/cuda/cublas/#results-reproducibility
"""


@contextmanager
def numerics(wanted: Numerics | None = None) -> Iterator[None]:
    """Set torch to the wanted numerics inside the block, and restore the settings afterwards, also after an exception.

    Blocks of one thread may be nested.

    Raises:
        RunFailedError: Another thread of this process is inside such a block.
    """
    wanted = wanted or Numerics()
    if not _PROCESS_LOCK.acquire(blocking=False):
        rule = "must be made in one thread of a process at a time, since its torch has one set of settings"
        raise RunFailedError(f"runs: {rule}, got a second thread. Make them one after another, or in processes.")
    try:
        with ExitStack() as put_back:
            _set(wanted, put_back)
            yield
    finally:
        _PROCESS_LOCK.release()


def _set(wanted: Numerics, put_back: ExitStack) -> None:
    put_back.callback(torch.set_num_threads, torch.get_num_threads())
    torch.set_num_threads(wanted.threads)
    put_back.callback(torch.set_flush_denormal, flushes_denormals())
    torch.set_flush_denormal(wanted.flush_denormal)
    put_back.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(getattr(torch, wanted.default_dtype))
    _set_deterministic(wanted, put_back)
    _set_tf32(wanted, put_back)
    put_back.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
    torch.backends.mha.set_fastpath_enabled(wanted.transformer_fast_path)


def flushes_denormals() -> bool:
    """Return whether torch replaces denormal numbers by 0; it has no getter, so one is multiplied."""
    return torch.tensor([1e-40], dtype=torch.float32).mul(1.0).item() == 0.0


def _set_deterministic(wanted: Numerics, put_back: ExitStack) -> None:
    # ``torch.use_deterministic_algorithms`` does the same, and imports torch's compiler: a second and 70 MB a process.
    put_back.callback(torch.set_deterministic_debug_mode, torch.get_deterministic_debug_mode())
    _set_attribute(torch.utils.deterministic, "fill_uninitialized_memory", put_back, value=False)  # costs time
    _set_attribute(torch.backends.cudnn, "benchmark", put_back, value=False)  # would choose by the clock
    torch.set_deterministic_debug_mode("warn" if wanted.deterministic else "default")
    if wanted.deterministic:
        _set_environment(WORKSPACE, FIXED_WORKSPACE, put_back)
    _set_fused_attention(put_back, value=not wanted.deterministic)


def _set_fused_attention(put_back: ExitStack, *, value: bool) -> None:
    """Let attention on a GPU be one kernel, whose backward pass adds in any order, or not.

    The flash kernel stays as it is: the CPU has one too, and a GPU's takes half precision alone.
    """
    fused = torch.backends.cuda
    put_back.callback(fused.enable_mem_efficient_sdp, fused.mem_efficient_sdp_enabled())
    fused.enable_mem_efficient_sdp(value)
    put_back.callback(fused.enable_cudnn_sdp, fused.cudnn_sdp_enabled())
    fused.enable_cudnn_sdp(value)


def _set_tf32(wanted: Numerics, put_back: ExitStack) -> None:
    for owner in (torch.backends.cuda.matmul, torch.backends.cudnn):
        _set_attribute(owner, "allow_tf32", put_back, value=wanted.tf32)


def _set_attribute(owner: Any, name: str, put_back: ExitStack, *, value: bool) -> None:
    put_back.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _set_environment(name: str, value: str, put_back: ExitStack) -> None:
    known = os.environ.get(name)
    put_back.callback(os.environ.pop, name) if known is None else put_back.callback(os.environ.update, {name: known})
    os.environ[name] = value


def available_device() -> str:
    """Return the device that ``device: auto`` selects: cuda where there is a GPU, else cpu."""
    return "cuda" if torch.cuda.is_available() else "cpu"
