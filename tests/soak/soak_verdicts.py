"""`make soak`: how often verdicts are wrong, and how often they find what is there, over many laws of differences.

Prints a row for every cell; exits with 1 if a cell breaks its bound. An argument is the number of draws per cell.
"""

import math
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from verdict_laws import Law, all_laws

from normbench.evidence.statistics.corrections import holm
from normbench.evidence.statistics.planned_checks.levels import check_levels
from normbench.evidence.statistics.planned_checks.sign_e_process import THRESHOLD, sign_e_process
from normbench.evidence.statistics.verdicts.best_of_k import beaten_by, sign_level
from normbench.evidence.statistics.verdicts.equivalence import equivalence_p
from normbench.evidence.statistics.verdicts.pooling import pooled_p
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p, upper_bound

SEEDS = (8, 12, 16, 32)
PLAN = (8, 16, 32, 64)
CHUNK = 500
SLACK = 0.03
"""By how much the power may be below that of the study in which the rule was chosen."""
POWER = {  # effect in std: power by number of seeds
    ("gauss", 0.3): {8: 0.08, 16: 0.14},
    ("gauss", 0.5): {8: 0.16, 16: 0.34, 32: 0.58},
    ("gauss", 0.8): {8: 0.37, 16: 0.73},
    ("gauss", 1.0): {8: 0.54, 12: 0.69, 16: 0.89},
    ("gauss", 1.5): {8: 0.88, 16: 1.00},
    ("gauss", 2.0): {8: 0.98, 16: 1.00},
    ("t3", 0.5): {8: 0.31, 16: 0.61},
    ("t3", 1.0): {8: 0.74, 16: 0.97},
}
POOLED = ((3, 8), (3, 16), (5, 8), (5, 16), (10, 8), (10, 16))
"""Numbers of tasks, and of seeds in each."""
POWER_OF_CHECKS = {0.3: 0.40, 0.5: 0.86, 1.0: 1.00, 2.0: 1.00}
COVERAGE = 0.94 - 0.015


@dataclass(frozen=True)
class Cell:
    """A measured share and the bound it must keep."""

    name: str
    share: float
    bound: float
    is_upper: bool

    @property
    def is_kept(self) -> bool:
        """Whether the share keeps the bound."""
        return self.share <= self.bound if self.is_upper else self.share >= self.bound


def false_bound(draws: int) -> float:
    """Return 5 % and 2.5 standard errors."""
    return 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / draws)


def power_bound(expected: float, draws: int) -> float:
    """Return the study's power less SLACK; fewer draws than its 10,000 get the noise that they add."""
    noise = math.sqrt(expected * (1 - expected)) * max(0.0, draws**-0.5 - 10_000**-0.5)
    return expected - SLACK - 2.5 * noise


def drawn(law: Law, name: str, draws: int, *shape: int) -> Iterator[np.ndarray]:
    """Yield the draws of a cell in chunks, always the same ones."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for start in range(0, draws, CHUNK):
        yield law.draw(rng, (min(CHUNK, draws - start), *shape))


def share(found: list[np.ndarray]) -> float:
    return float(np.concatenate(found).mean())


def decided(differences: np.ndarray, margin: float) -> np.ndarray:
    return np.minimum(*guarded_p(differences, margin)) <= 0.05


def decided_at_checks(differences: np.ndarray, margin: float, levels: list[float]) -> np.ndarray:
    """Whether a check decides; shape (draws, comparisons, n), corrected by Holm at every check."""
    found = np.zeros(len(differences), dtype=bool)
    for n, level in zip(PLAN, levels, strict=True):
        ps = np.minimum(*guarded_p(differences[..., :n], margin))
        found |= np.array([min(holm(row)) <= level for row in ps.tolist()])
    return found


def false_verdicts(draws: int) -> Iterator[Cell]:
    for name, law in all_laws().items():
        for n in SEEDS:
            cell = f"false, {name}, n {n}"
            found = [decided(block, law.median) for block in drawn(law, cell, draws, n)]
            yield Cell(cell, share(found), false_bound(draws), is_upper=True)


def false_verdicts_of_checks(draws: int) -> Iterator[Cell]:
    for num_comparisons in (1, 3):
        levels = check_levels(PLAN, num_comparisons)
        for name, law in all_laws().items():
            cell = f"false at any of {len(PLAN)} checks, {num_comparisons} comparisons, {name}"
            blocks = drawn(law, cell, draws, num_comparisons, PLAN[-1])
            found = [decided_at_checks(block, law.median, levels) for block in blocks]
            yield Cell(cell, share(found), false_bound(draws), is_upper=True)


def false_e_processes(draws: int) -> Iterator[Cell]:
    for name, law in all_laws().items():
        cell = f"false, sign e-process, every seed to 128, {name}"
        found = []
        for block in drawn(law, cell, draws, 128):
            above, below = sign_e_process(block, law.median)
            found.append(np.maximum(above, below).max(axis=-1) >= THRESHOLD)
        yield Cell(cell, share(found), false_bound(draws), is_upper=True)


def powers(draws: int) -> Iterator[Cell]:
    laws = all_laws()
    for (name, effect), by_seeds in POWER.items():
        for n, expected in by_seeds.items():
            cell = f"power, {name} {effect}, n {n}"
            found = [guarded_p(block + effect)[0] <= 0.05 for block in drawn(laws[name], cell, draws, n)]
            yield Cell(cell, share(found), power_bound(expected, draws), is_upper=False)


def powers_of_checks(draws: int) -> Iterator[Cell]:
    levels, law = check_levels(PLAN), all_laws()["gauss"]
    for effect, expected in POWER_OF_CHECKS.items():
        cell = f"power by {PLAN[-1]} seeds, checks, gauss {effect}"
        blocks = drawn(law, cell, draws, 1, PLAN[-1])
        found = [decided_at_checks(block + effect, 0.0, levels) for block in blocks]
        yield Cell(cell, share(found), power_bound(expected, draws), is_upper=False)


def pooled_decides(block: np.ndarray, margin: float) -> np.ndarray:
    """Whether tasks are decided together; shape (draws, tasks, n), each task twice as spread as the one before."""
    tasks = [(block[:, task] - margin) * 2.0**task for task in range(block.shape[1])]
    return np.minimum(*pooled_p(tasks)) <= 0.05


def false_pooled(draws: int) -> Iterator[Cell]:
    for name, law in all_laws().items():
        for num_tasks, n in POOLED:
            cell = f"false on {num_tasks} tasks together, {name}, n {n}"
            found = [pooled_decides(block, law.median) for block in drawn(law, cell, draws, num_tasks, n)]
            yield Cell(cell, share(found), false_bound(draws), is_upper=True)


def powers_of_pooled(draws: int) -> Iterator[Cell]:
    """Tasks of unequal spread find about as much as one task with all of their seeds."""
    law = all_laws()["gauss"]
    for num_tasks, n in POOLED:
        cell = f"power on {num_tasks} tasks together, gauss 0.3, n {n}"
        blocks = list(drawn(law, cell, draws, num_tasks, n))
        as_one = share([decided(block.reshape(len(block), -1), -0.3) for block in blocks])
        found = share([pooled_decides(block, -0.3) for block in blocks])
        yield Cell(cell, found, as_one - SLACK, is_upper=False)


def false_equivalences(draws: int) -> Iterator[Cell]:
    for name, law in all_laws().items():
        for n in SEEDS:
            for sign in (1, -1):
                cell = f"false equal, {name} at {sign} margin, n {n}"
                blocks = drawn(law, cell, draws, n)
                found = [equivalence_p(block - law.median + sign, 1.0) <= 0.05 for block in blocks]
                yield Cell(cell, share(found), false_bound(draws), is_upper=True)


def best_arms(draws: int) -> Iterator[Cell]:
    """Arm 0 is as good as the others: it must stay, and no arm may be called closer to it than it is."""
    for law_name, law in arm_laws().items():
        for n in (8, 16):
            for k in (3, 5, 8):
                cell = f"{law_name}, k {k}, n {n}"
                blocks = list(drawn(law, cell, draws, k, n))
                kept = [np.array([not beaten_by(values, 0) for values in block]) for block in blocks]
                yield Cell(f"best arm kept, {cell}", share(kept), COVERAGE, is_upper=False)
                close = [bounds_hold(block) for block in blocks]
                yield Cell(f"distances to the best hold, {cell}", share(close), COVERAGE, is_upper=False)


def bounds_hold(block: np.ndarray) -> np.ndarray:
    """Whether arm 0, with which all tie, is below no other arm by its bound; shape (draws, k, n)."""
    num_rivals = block.shape[1] - 1
    bounds = upper_bound(block[:, :1] - block[:, 1:], 0.05 / num_rivals, sign_level(0.05, num_rivals))
    return (bounds >= 0).all(axis=-1)


def arm_laws() -> dict[str, Law]:
    """Return laws of k arms with a common level per seed, in which no arm is better than arm 0 in the median."""

    def with_level(draw):
        def drawn_arms(rng, shape):
            return draw(rng, shape) + rng.normal(size=(shape[0], 1, shape[2]))

        return Law(drawn_arms, 0.0)

    def spread(rng, shape):
        return rng.normal(size=shape) * np.where(np.arange(shape[1]) == 0, 2, 0.7)[:, None]

    def opposite_skew(draw):
        median = median_of_sum(draw)

        def drawn_arms(rng, shape):
            values = draw(rng, shape)
            values[:, 0] = median - values[:, 0]  # others - arm 0 = a sum of two draws - its median
            return values

        return with_level(drawn_arms)

    laws = all_laws()
    names = ("gauss", "log-normal 1", "collapse 10 %")
    return {name: with_level(laws[name].draw) for name in names} | {
        "arm 0 more spread": with_level(spread),
        "opposite skew, exponential": opposite_skew(laws["exponential"].draw),
        "opposite skew, log-normal 1": opposite_skew(laws["log-normal 1"].draw),
    }


def median_of_sum(draw) -> float:
    return float(np.median(draw(np.random.default_rng(0), (2, 1_000_001)).sum(axis=0)))


PARTS = (
    false_verdicts,
    false_verdicts_of_checks,
    false_e_processes,
    false_equivalences,
    powers,
    powers_of_checks,
    false_pooled,
    powers_of_pooled,
    best_arms,
)


def main() -> None:
    """Print every cell; fail if one breaks its bound."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    broken = 0
    for part in PARTS:
        for cell in part(draws):
            word = "at most" if cell.is_upper else "at least"
            mark = "" if cell.is_kept else "  BROKEN"
            print(f"{cell.name:75} {cell.share:7.2%}  {word} {cell.bound:.2%}{mark}", flush=True)
            broken += not cell.is_kept
    print(f"{broken} bounds broken, {draws} draws a cell")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
