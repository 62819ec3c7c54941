"""Study: one study file that was read: its arms, seeds, baseline, claims and options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from normbench.evidence.comparison.baselines import Baseline
from normbench.storage.accepted_code import AcceptedCode
from normbench.storage.arm_id import ArmEntry
from normbench.study.config import RunConfig
from normbench.study.study_keys import Engine

TUNING_SEEDS = (1000, 1001, 1002, 1003)
"""Seeds of tuning runs; never seeds of a comparison."""
SECOND_TUNING_SEEDS = (1500, 1501, 1502, 1503)
"""Seeds on which a second run tunes again."""


@dataclass(frozen=True)
class Study:
    """One YAML file: named arms, seeds, and what they are compared with.

    Attributes:
        name: Name of its folder under runs/; by default the file's stem.
        question: The file's first comment.
        source: The file's path, as the command gave it.
        arms: Settings of each arm by its label, in the file's order.
        seeds: Seeds; every arm gets one run per seed. With planned checks the seeds up to the last check.
        check_after: Numbers of seeds after which checks are planned; empty for a study that is judged once.
        until_decided: Whether the runs are made check by check, until a check decides.
        engine: How the runs are trained: ``loop`` or ``stacked``; ``auto`` until it is chosen.
        is_engine_chosen: Whether it is chosen, and every arm was found to go with it.
        why_loop: Which arm keeps the others from being stacked, and why; "" where none does.
        baseline: The arm or settings that the arms are compared with.
        is_plain: Whether the file has no arms, grid, zip or tune; then each edit of it adds a row to one table.
        quotes: Text of a document about an arm, by the arm's label, printed beside its numbers.
        set_: ``KEY=VALUE`` texts of ``--set``.
        tune: Values to try for each arm, by setting.
        tuning_seeds: Seeds of the tuning runs.
        keep_given: Whether a tuned study also runs its arms without tuning.
        collapse: The limit under ``collapse:``, or False; None where each run's task decides.
        margin: The smallest difference that matters, within which two arms are equal.
        claims: The list under ``claims:``, as in the file.
        content_sha256: sha256 of the file's content without claims and quotes.
        options: Options of the command that change the study.
        fitted_defaults: A line for each default that was changed to fit the data or the network.
        accept_code: Whether runs that were made with other code of the user's count as runs of the code as it is.
        accepted: The code that was accepted for this study's runs.
        entries: Each arm's entry for study.json, by its label.
        axes: Full keys of ``grid:``, ``zip:`` and ``--vary``.
        named: Full keys that the arms under ``arms:`` set.
    """

    name: str
    question: str
    source: str
    arms: Mapping[str, RunConfig]
    seeds: tuple[int, ...] = (0,)
    check_after: tuple[int, ...] = ()
    until_decided: bool = False
    engine: Engine = "auto"
    is_engine_chosen: bool = False
    why_loop: str = ""
    baseline: Baseline | None = None
    is_plain: bool = True
    quotes: Mapping[str, str] = field(default_factory=dict)
    set_: tuple[str, ...] = ()
    tune: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    keep_given: bool = True
    collapse: Mapping[str, Any] | Literal[False] | None = None
    margin: float | None = None
    claims: tuple[Any, ...] = ()
    content_sha256: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fitted_defaults: tuple[str, ...] = ()
    accept_code: bool = False
    accepted: tuple[AcceptedCode, ...] = ()
    entries: Mapping[str, ArmEntry] = field(default_factory=dict)
    axes: Sequence[str] = ()
    named: Sequence[str] = ()

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """The seeds up to the first check; all where the study is not run check by check."""
        return self.seeds[: self.check_after[0]] if self.until_decided else self.seeds
