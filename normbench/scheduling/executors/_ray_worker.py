"""RayWorker: a process on a node of a Ray cluster that makes one job after another, as the command sees it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from normbench.scheduling.executors._node_check import Answer, Question, problem_of
from normbench.scheduling.executors._pool import Message
from normbench.scheduling.executors._ray_actor import JobActor
from normbench.scheduling.executors._ray_connection import Node, check_connected
from normbench.scheduling.run_result import RunOptions, RunResult
from normbench.scheduling.share import Share
from normbench.storage.owners import Owner
from normbench.storage.run_status import RunStatus

if TYPE_CHECKING:
    from normbench.scheduling.job import Job

PAUSE_S = 0.5
"""Fewest seconds between two messages on how far a job is."""


class RayWorker:
    """A process on a node; it makes no job before it has answered the question.

    Args:
        node: Where it runs, and nowhere else.
        share: What it holds of the node, from its start to its end.
        question: Asked first.

    Attributes:
        job: The job that it makes now; None while it is idle.
        message: Ray's reference to its next message; None where none is asked for.
        is_ready: Whether it has answered, and may make jobs.
        name: What to call it in a line for the user.
        exit_text: How it ended, in words.
        pause_s: Seconds between two messages on how far a job is.
    """

    def __init__(self, node: Node, share: Share, question: Question) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.node, self.share, self.exit_text, self.pause_s = node, share, "", PAUSE_S
        self.name = f"a process on node {node.name}"
        self.job: Job | None = None
        there = NodeAffinitySchedulingStrategy(node_id=node.id, soft=False)
        kind = ray.remote(JobActor).options(
            num_cpus=share.cpu, num_gpus=share.gpu, scheduling_strategy=there, max_concurrency=2, max_restarts=0
        )
        self._actor = kind.remote()
        self._process: Owner | None = None
        self._is_told_to_stop = False
        self.ask(question)

    def ask(self, question: Question) -> None:
        """Ask whether the machine can make the command's runs."""
        self.is_ready = False
        self._question = question
        self.message: Any = self._actor.look.remote(question)

    def receive_answer(self) -> str:
        """Receive the answer; return why no jobs can be made there, "" if they can."""
        answer = self._received()
        if not isinstance(answer, Answer):
            return f"must be able to run normbench {self._question.version}, got {self.exit_text}. Install it there"
        self.message, self._process = None, answer.process
        problem = problem_of(self._question, answer)
        self.is_ready = not problem
        return problem

    def send_job(self, job: "Job", options: RunOptions) -> None:
        """Send a job to make, with absolute paths."""
        self.job = job
        there = job.changed(lambda run: replace(run, folder=run.folder.absolute()))
        there = replace(there, done=frozenset(folder.absolute() for folder in job.done))
        self.message = self._actor.make.remote(there, options, self.pause_s)

    def ask_to_stop(self) -> None:
        """Send the request to save its runs and return them as interrupted; once is enough."""
        if not self._is_told_to_stop:
            self._is_told_to_stop = True
            self._actor.stop.remote()

    def receive(self) -> Message:
        """Receive a job's results, or its updates made and to make; return None if the process has ended."""
        message = self._received()
        if isinstance(message, tuple):
            self.message = self._actor.news.remote(self.pause_s)
            return message
        if not isinstance(message, list) or not self.job:
            return None
        self.message = None
        runs = {run.folder.absolute(): run for run in self.job.runs}
        return [RunResult(runs[folder], RunStatus(status), error, notes) for folder, status, error, notes in message]

    def claims_of(self, job: "Job") -> frozenset[str]:
        """Return the tokens of the claims on a job's runs that its process holds, or held when it died."""
        owners = [owner for folder in job.folders if (owner := Owner.of(folder))]
        return frozenset(owner.token for owner in owners if _same_process(owner, self._process))

    def end(self, grace_s: float) -> None:
        """Kill the process: it is idle, has ended, or its job is given up."""
        import ray

        if ray.is_initialized():  # else Ray has ended it
            ray.kill(self._actor, no_restart=True)

    def _received(self) -> Any:
        """Return the message, or None if the process has ended or failed."""
        import ray
        from ray.exceptions import RayError

        try:
            return ray.get(self.message)
        except RayError as error:
            check_connected()
            self.message = None
            self.exit_text = _in_words(error)
            return None


def _same_process(one: Owner, other: Owner | None) -> bool:
    return other is not None and (one.pid, one.host, one.sight, one.born) == (
        *(other.pid, other.host, other.sight, other.born),
    )


def _in_words(error: Exception) -> str:
    """Return the class of an error of Ray's, and of a failed call the last line of its text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    is_of_call = "Traceback" in str(error)
    return f"{type(error).__name__}: {lines[-1][:200]}" if lines and is_of_call else type(error).__name__
