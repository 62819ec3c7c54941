"""A stand-in for ray with the functions that the executor calls: actors are objects here, their calls are threads."""

import sys
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, Future
from importlib.machinery import ModuleSpec
from threading import Thread, local
from types import ModuleType, SimpleNamespace

from normbench.scheduling.executors._ray_connection import SILENT

HERE = local()
"""Its ``node`` is the name of the node on which a call is answered."""


class RayError(Exception):
    """Base of Ray's errors."""


class ActorDiedError(RayError):
    """The actor has died before it answered."""


class Death(BaseException):
    """Raised inside a call, it ends the actor's process."""


class FakeRay:
    """A cluster of one CPU a node.

    Attributes:
        nodes: As ``ray.nodes()`` returns them.
        actors: All that were started.
        init: Called by ``ray.init``.
        log: Names of the functions of the module that were called, without waits.
    """

    def __init__(self, *names):
        self.nodes = [
            {"NodeID": f"id-{name}", "NodeManagerHostname": name, "Alive": True, "Resources": {"CPU": 1.0}}
            for name in names
        ]
        self.actors, self.log, self.is_initialized = [], [], False
        self.init = lambda *_, **__: None

    def install(self, monkeypatch):
        """Let ``import ray`` find it."""
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        for name in SILENT:
            monkeypatch.setenv(name, "as the test found it")
        modules = {
            "ray": self.functions(),
            "ray.exceptions": {"RayError": RayError},
            "ray.util": {},
            "ray.util.scheduling_strategies": {"NodeAffinitySchedulingStrategy": SimpleNamespace},
        }
        for name, content in modules.items():
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)
        return self

    def functions(self):
        return {
            "init": self._init,
            "is_initialized": lambda: self.is_initialized,
            "shutdown": self._shutdown,
            "nodes": lambda: self.nodes,
            "remote": lambda kind: SimpleNamespace(options=lambda **options: self._starter(kind, options)),
            "get": lambda ref: ref.result(),
            "wait": wait,
            "kill": self._kill,
        }

    def node_dies(self, name):
        """Let a node be gone, with all of its actors."""
        next(node for node in self.nodes if node["NodeManagerHostname"] == name)["Alive"] = False
        for actor in self.actors:
            if actor.node == f"id-{name}":
                actor.die()

    def _init(self, *words, **options):
        self.log.append("init")
        self.init(*words, **options)
        self.is_initialized = True

    def _shutdown(self):
        self.log.append("shutdown")
        self.is_initialized = False

    def _starter(self, kind, options):
        def start():
            self.actors.append(Actor(kind(), options))
            return self.actors[-1]

        return SimpleNamespace(remote=start)

    def _kill(self, actor, *, no_restart):
        self.log.append("kill")
        actor.die()


class Actor:
    """An actor's handle, and its process."""

    def __init__(self, made, options):
        self.made, self.options, self.is_alive = made, options, True
        self.node = options["scheduling_strategy"].node_id
        self._calls = []

    def __getattr__(self, name):
        return SimpleNamespace(remote=lambda *values: self._call(getattr(self.made, name), values))

    def die(self):
        """End: all calls that are not answered fail."""
        self.is_alive = False
        self.made.stop()
        for call in self._calls:
            fail(call, ActorDiedError())

    def _call(self, method, values):
        self._calls.append(Future())
        if self.is_alive:
            Thread(target=self._answer, args=(self._calls[-1], method, values), daemon=True).start()
        else:
            fail(self._calls[-1], ActorDiedError())
        return self._calls[-1]

    def _answer(self, call, method, values):
        HERE.node = self.node.removeprefix("id-")
        try:
            result = method(*values)
        except Death:
            self.die()
        except Exception as error:  # noqa: BLE001 - whatever a call raises is its answer
            fail(call, RayError(f"Traceback\n{type(error).__name__}: {error}"))
        else:
            if not call.done():
                call.set_result(result)


def fail(call, error):
    if not call.done():
        call.set_exception(error)


def wait(refs, *, timeout):
    done, left = futures.wait(refs, timeout=timeout, return_when=FIRST_COMPLETED)
    return list(done)[:1], [*list(done)[1:], *left]
