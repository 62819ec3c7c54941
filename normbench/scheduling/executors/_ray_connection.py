"""Connects to the Ray cluster that RAY_ADDRESS names, or starts one on this machine, and lists its nodes."""

import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from socket import create_connection
from threading import Thread, current_thread, main_thread
from typing import Any

from normbench.errors import ConfigError
from normbench.scheduling.executors.base import num_cores
from normbench.scheduling.interruption import SIGNALS

ADDRESS = "RAY_ADDRESS"
LOCAL = "local"
PATIENCE_S = 20.0
"""Seconds after which a cluster counts as silent."""
CLIENT_PATIENCE_S = 60.0
"""The same through Ray Client, which starts a process there first."""
KNOCK_S = 10.0
"""Seconds after which nobody listens at an address."""
SILENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",  # of lines that are not printed, such as on a node that has died
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Ray's variables, read when it is imported: it is quiet and starts nothing by itself; the user's own values stay."""
OBJECT_STORE_BYTES = 80 * 2**20
"""Ray's smallest store of shared objects, which jobs and results do not use."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster that is alive.

    Attributes:
        id: Ray's id.
        name: Its host name.
        cpus: Number of its CPUs, as Ray counts them.
        gpus: Number of its GPUs.
    """

    id: str
    name: str
    cpus: float
    gpus: float


class Connection:
    """This process's connection to a cluster; one that the process had before is used and stays open."""

    def __init__(self) -> None:
        self.address = os.environ.get(ADDRESS) or LOCAL
        self._is_own = False

    def __str__(self) -> str:
        """Name it as the user has."""
        return f"{ADDRESS}={self.address}" if not self.is_local else "the Ray cluster on this machine"

    @property
    def is_local(self) -> bool:
        """Whether the cluster is this machine alone, started and ended by this process."""
        return self.address == LOCAL

    def open(self) -> None:
        """Connect, or start a cluster on this machine.

        Raises:
            ConfigError: Ray is not installed, the cluster is not reached, or it has another version.
        """
        if find_spec("ray") is None:
            raise ConfigError(["--executor ray: must find Ray, got no such package. pip install 'normbench[ray]'"])
        for name, value in SILENT.items():
            os.environ.setdefault(name, value)
        import ray

        if ray.is_initialized():
            return
        with _same_signal_handlers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._start() if self.is_local else self._reach()
        self._is_own = True

    def close(self) -> None:
        """Disconnect, and end a cluster that was started here."""
        if self._is_own:
            import ray

            ray.shutdown()
            self._is_own = False

    def nodes(self) -> list[Node]:
        """Return the machines that are alive.

        Raises:
            ConnectionError: The connection is lost.
        """
        import ray

        check_connected()
        return [_node(found) for found in ray.nodes() if found["Alive"]]

    def _start(self) -> None:
        """Start a cluster in the main thread: its processes die with the thread that started them."""
        here = {"include_dashboard": False, "num_cpus": num_cores(), "object_store_memory": OBJECT_STORE_BYTES}
        error = _init(self.address, **here)
        if error:
            raise ConfigError([f"--executor ray: must be able to start Ray here, got {_text(error)}. Use --jobs auto."])

    def _reach(self) -> None:
        """Connect, in a thread that is left behind where Ray does not give up."""
        found: list[Exception | None] = []
        refused = _refusal(self.address)
        if refused:
            raise self._unreached(refused)
        thread = Thread(target=lambda: found.append(_init(self.address)), daemon=True)
        thread.start()
        most_s = CLIENT_PATIENCE_S if "://" in self.address else PATIENCE_S
        thread.join(most_s)
        error = found[0] if found else TimeoutError(f"no answer within {most_s:g} s")
        if error:
            raise self._unreached(error)

    def _unreached(self, error: Exception) -> ConfigError:
        way_out = f"Look with `ray status` there, or unset {ADDRESS} to use this machine alone."
        return ConfigError([f"{self}: must be a Ray cluster, got {_text(error)}. {way_out}"])


def check_connected() -> None:
    """Raise an error if the connection is lost."""
    import ray

    if not ray.is_initialized():
        raise ConnectionError("the connection is lost")


def _init(address: str, **here: Any) -> Exception | None:
    """Call ``ray.init`` so that it prints nothing; return what it raises."""
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **here)
    except Exception as error:  # noqa: BLE001 - told as a line, whatever it is
        return error
    return None


def _refusal(address: str) -> Exception | None:
    """Return why nothing listens at host:port; None if something does, or if the address is none."""
    host, _, port = address.rpartition("//")[2].partition("/")[0].rpartition(":")
    if not port.isdecimal():
        return None
    try:
        create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        return error
    return None


@contextmanager
def _same_signal_handlers() -> Iterator[None]:
    """Put back this process's signal handlers after the block, where Ray sets its own."""
    if current_thread() is not main_thread():
        yield
        return
    before: dict[signal.Signals, Callable[..., Any] | int | None] = {n: signal.getsignal(n) for n in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _node(found: dict[str, Any]) -> Node:
    held = found["Resources"]
    return Node(found["NodeID"], found["NodeManagerHostname"], held.get("CPU", 0.0), held.get("GPU", 0.0))


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
