"""What a claim that is pooled over tasks finds in each task, and says of tasks like these."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskFound:
    """What is found of an expectation in one of several tasks.

    Attributes:
        task: The dataset.
        n: Number of seeds.
        effect: Pseudo-median over seeds, as that of all tasks.
        low: Lower end of its interval.
        high: Upper end of it.
        p_corrected: p of the verdict after Holm's correction over the tasks.
        verdict: holds, opposite, smaller than claimed, cannot tell or too few seeds.
        num_held: Seeds whose own number is beyond the margin, or between the two.
    """

    task: str
    n: int
    effect: float
    low: float
    high: float
    p_corrected: float
    verdict: str
    num_held: int = 0


@dataclass(frozen=True)
class OtherTasksFound:
    """What some tasks say about tasks like them, where each task is one observation.

    Attributes:
        num_tasks: Number of tasks.
        tasks_needed: Fewest tasks with which a verdict is possible.
        num_held: Tasks whose own number is beyond the margin, or between the two.
        p_corrected: p of the verdict; what speaks against the claim after Holm's correction over its parts. 1 where
            nothing is judged.
        verdict: holds, opposite, smaller than claimed, cannot tell or too few tasks; not judged where the seeds are
            not, or were added without a plan.
    """

    num_tasks: int
    tasks_needed: int
    num_held: int
    p_corrected: float
    verdict: str
