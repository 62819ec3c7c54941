"""RayCluster: makes jobs on the machines of a Ray cluster, each in a process that holds its share of a machine."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from normbench.errors import ConfigError, RunFailedError
from normbench.scheduling.executors._node_check import asking
from normbench.scheduling.executors._pool import POLL_S, Pool
from normbench.scheduling.executors._ray_connection import Connection, Node
from normbench.scheduling.executors._ray_worker import RayWorker
from normbench.scheduling.executors.base import num_jobs_of
from normbench.scheduling.interruption import Interruption
from normbench.scheduling.run_result import AGAIN, RunOptions, RunResult
from normbench.scheduling.share import Share, read_share
from normbench.storage.lock import runs_dir_of

if TYPE_CHECKING:
    from normbench.scheduling.job import Job

NODES_S = 5.0
"""Seconds between two looks for nodes that have joined."""
MAX_STARTS = 2
"""How often processes may fail to start on a node before it is not used any more."""
NUM_NEWS = 20
"""Most messages a second on how far jobs are, of all workers together."""


class RayCluster(Pool[RayWorker]):
    """Makes jobs in processes on the nodes of a Ray cluster, as many as their shares allow; for ``--executor ray``.

    The cluster is the one that the environment variable RAY_ADDRESS names, else one that is started on this machine and
    ended with the block. All nodes share the runs folder. If a process or a node dies, its job is tried once more from
    its checkpoints, elsewhere.

    Args:
        most: Most jobs made at the same time; None for as many as there is room for.
        interruption: Asked between steps; once it says so, runs under way are saved and come back as interrupted.
    """

    asked_as: ClassVar[str] = "ray"
    usual_jobs: ClassVar[str] = "auto"
    takes_share: ClassVar[bool] = True

    def __init__(self, most: int | None, interruption: Interruption | None = None) -> None:
        super().__init__(interruption)
        self._most, self._job_share = most, Share()
        self._cluster = Connection()
        self._failed_starts: Counter[str] = Counter()
        self._unusable: set[str] = set()
        self._suspects: set[str] = set()
        self._looked_at = -NODES_S

    @classmethod
    def for_jobs(cls, jobs: str, interruption: Interruption | None = None) -> Self | None:
        """Return the executor for any number of jobs, or as many as the cluster holds."""
        most = num_jobs_of(jobs)
        return cls(None if jobs == "auto" else most, interruption) if most else None

    def __enter__(self) -> Self:
        """Connect to the cluster, or start one.

        Raises:
            ConfigError: There is no Ray, no such cluster, or no node that is large enough.
        """
        self._cluster.open()
        self._job_share = read_share(self.share)
        try:
            self.num_jobs = min(self._room(), self._most or self._room())
        except BaseException:
            self._cluster.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes, and the cluster if it was started here."""
        super().__exit__(kind)
        try:
            self._end(self._workers, grace_s=0.0)
        finally:
            self._cluster.close()

    @property
    def num_jobs_here(self) -> int:
        """How many jobs are made on this machine at the same time; on a cluster that is not known."""
        return self.num_jobs if self._cluster.is_local else 1

    def run(self, jobs: "Sequence[Job]", options: RunOptions | None = None) -> Iterator[RunResult]:
        """Make the jobs and yield the result of each run when its job is done, in any order.

        Raises:
            ConfigError: No node is large enough for the share of a job.
            RunFailedError: No node is left that can make runs, or the connection to the cluster is lost.
        """
        runs = [run for job in jobs for run in job.runs]
        if not runs:
            return
        self._take_share(read_share(self.share, on_gpu=any(run.config.device == "cuda" for run in runs)))
        self._num_wanted = min(len(jobs), self._most or len(jobs))
        own = sorted({run.config.folder for run in runs if run.code})
        with asking(runs_dir_of(runs[0].folder), own) as self._question:
            try:
                for worker in self._workers:
                    worker.ask(self._question)
                yield from super().run(jobs, options)
            except ConnectionError as error:
                rule = "must stay reachable until all runs are made"
                raise RunFailedError(f"{self._cluster}: {rule}, got: {error}. {AGAIN}") from None

    def _take_share(self, share: Share) -> None:
        """Set what a job holds; processes that hold something else are ended."""
        self._job_share = share
        self._room()
        self._end([worker for worker in self._workers if worker.share != share], grace_s=0.0)

    def _room(self) -> int:
        """Return how many jobs the nodes hold at the same time.

        Raises:
            ConfigError: None holds any.
        """
        nodes = self._cluster.nodes()
        room = sum(self._job_share.times_in(node.cpus, node.gpus) for node in nodes)
        if not room:
            largest = sorted({f"cpu={node.cpus:g},gpu={node.gpus:g}" for node in nodes})
            rule = f"must fit into one node of the cluster, got nodes of {', '.join(largest) or 'no size'}"
            raise ConfigError([f"--share {self._job_share}: {rule}. Ask for less, or start larger nodes."])
        return room

    def _idle(self) -> RayWorker | None:
        """Return a process that has answered and is idle; start some where there is room, in turns on all nodes."""
        if time.monotonic() - self._looked_at >= NODES_S:
            self._looked_at = time.monotonic()
            self._workers += [RayWorker(node, self._job_share, self._question) for node in self._free_places()]
        if not self._workers:
            rule = "must find a node that can make runs, got none left"
            raise RunFailedError(f"--executor ray: {rule}. {AGAIN}")
        return next((worker for worker in self._workers if worker.is_ready and not worker.job), None)

    def _free_places(self) -> list[Node]:
        """Return a node for each process that may be started, the first place of every node first.

        Last come nodes on which a process has died: it takes Ray up to a minute to know that a node is dead.
        """
        used = Counter(worker.node.id for worker in self._workers)
        places = [
            (place, node)
            for node in self._cluster.nodes()
            for place in range(used[node.id], self._job_share.times_in(node.cpus, node.gpus))
            if node.id not in self._unusable
        ]
        places.sort(key=lambda one: (one[1].id in self._suspects, one[0]))
        return [node for _, node in places[: max(0, self._num_wanted - len(self._workers))]]

    def _ready_workers(self) -> list[RayWorker]:
        import ray

        by_message = {worker.message: worker for worker in self._workers if worker.message is not None}
        if not by_message:
            time.sleep(POLL_S)
            return []
        ready, _ = ray.wait(list(by_message), timeout=POLL_S)
        workers = [by_message[message] for message in ready]
        for worker in workers:
            worker.pause_s = max(worker.pause_s, len(self._workers) / NUM_NEWS)
            if not worker.is_ready:
                self._handle_answer(worker)
        return [worker for worker in workers if worker.job]

    def _handle_answer(self, worker: RayWorker) -> None:
        """Keep a process that can make runs; end another, and tell once why its node is not used."""
        problem, node = worker.receive_answer(), worker.node
        if not problem:
            return
        self._end([worker], grace_s=0.0)
        self._looked_at = -NODES_S
        self._failed_starts[node.id] += MAX_STARTS if not worker.exit_text else 1
        is_there = node.id in {known.id for known in self._cluster.nodes()}
        if is_there and self._failed_starts[node.id] >= MAX_STARTS and node.id not in self._unusable:
            self._unusable.add(node.id)
            self.report_line(f"node {node.name}: {problem}. It is not used.")

    def _owners_gone_with(self, worker: RayWorker, job: "Job") -> frozenset[str]:
        """Return the claims that a dead process has left on another machine, and look for free places at once."""
        self._looked_at = -NODES_S
        self._suspects.add(worker.node.id)
        return worker.claims_of(job)
