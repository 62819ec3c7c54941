"""Keeps the settings of the process while code of the user's runs: torch's, Python's, current folder, streams."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import torch

from normbench.any_module.plain_execution import same_global_random_states_after
from normbench.any_module.random_states import same_random_states_after

SIGNALS = (signal.SIGINT, signal.SIGTERM)
FUNCTIONS: tuple[tuple[str, Callable[[], Any], Callable[[Any], Any]], ...] = (
    ("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    ("the default device", torch.get_default_device, lambda at: torch.set_default_device(_none_of_cpu(at))),
    ("the number of threads", torch.get_num_threads, torch.set_num_threads),
    ("whether gradients are taken", torch.is_grad_enabled, torch.set_grad_enabled),
    ("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    ("deterministic algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    ("the precision of products", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    ("the fast path", torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
)
"""Settings of torch, with what reads and sets them; what has no getter, as flushing denormals, is not among them."""
ATTRIBUTES = (
    (torch.backends.cudnn, "enabled"),
    (torch.backends.cudnn, "benchmark"),
    (torch.backends.cudnn, "allow_tf32"),
    (torch.backends.cuda.matmul, "allow_tf32"),
)


@contextmanager
def keeping_process_settings(*, draws: bool = False) -> Iterator[None]:
    """Put the settings of the process back after a block in which code of the user's runs, also when it raises.

    Kept are torch's settings, random states, the current folder, arguments, warnings' filters, and what happens on
    Ctrl-C. What is printed goes to stderr.

    Args:
        draws: Whether the block may move the random states for good, as the steps of a training do.
    """
    with ExitStack() as put_back:
        put_back.enter_context(_same_settings_of_torch())
        put_back.enter_context(_same_signal_handlers())
        put_back.enter_context(_same_folder())
        put_back.enter_context(_same_arguments())
        put_back.enter_context(warnings.catch_warnings())
        put_back.enter_context(redirect_stdout(sys.stderr))
        if not draws:
            put_back.enter_context(same_random_states_after())
            put_back.enter_context(same_global_random_states_after())
        yield


def settings_in_force() -> dict[str, Any]:
    """Return settings of the process in words, with their values: the current folder, and torch's."""
    return {"the current folder": Path.cwd()} | {name: read() for name, read, _ in FUNCTIONS}


def changed_since(before: dict[str, Any]) -> list[str]:
    """Return the names of the settings that were others in ``before``."""
    return [name for name, value in settings_in_force().items() if value != before[name]]


def _none_of_cpu(device: torch.device) -> torch.device | None:
    return None if device.type == "cpu" else device


@contextmanager
def _same_settings_of_torch() -> Iterator[None]:
    functions = [(read(), read, write) for _, read, write in FUNCTIONS]
    attributes = [(getattr(owner, name), owner, name) for owner, name in ATTRIBUTES]
    try:
        yield
    finally:
        for value, read, write in functions:
            if read() != value:
                write(value)
        for value, owner, name in attributes:
            if getattr(owner, name) != value:
                setattr(owner, name, value)


@contextmanager
def _same_signal_handlers() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set any
        return
    known = [(number, signal.getsignal(number)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in known:
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)


@contextmanager
def _same_folder() -> Iterator[None]:
    known = Path.cwd()
    try:
        yield
    finally:
        with suppress(OSError):  # somebody else may have removed it
            os.chdir(known)


@contextmanager
def _same_arguments() -> Iterator[None]:
    """Hide the command's arguments: a script that reads its own would end the command for each that it lacks."""
    known = list(sys.argv)
    sys.argv[1:] = []
    try:
        yield
    finally:
        sys.argv[:] = known
