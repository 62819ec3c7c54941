"""`make soak`: how often verdicts on finite data are wrong, where learners are exactly as good on the population.

Prints a row for every cell; exits with 1 if a cell breaks its bound. An argument is the number of data sets per cell.
"""

import math
import sys
import zlib
from collections.abc import Iterator
from itertools import product

import numpy as np
from finite_populations import POPULATIONS, Population, Results, draw_results
from soak_verdicts import Cell

from normbench.evidence.statistics.best_on_new_data import above_on_new_data, behind_on_new_data
from normbench.evidence.statistics.corrected_t import corrected_p
from normbench.evidence.statistics.sweeps import least_spread_of_taus
from normbench.evidence.statistics.trends import kendall_tau
from normbench.evidence.statistics.verdicts.typical_seed import guarded_interval, guarded_p, pseudo_median

SEEDS = (8, 16)
SPLITS = {"random splits": None, "8 folds": 8}
MOST_FALSE, LEAST_OF_ROWS, LEAST_OF_ANSWERS = 0.06, 0.91, 0.94
NUM_REFERENCE = 200
"""Further splits of the same rows, from which the effect on these rows is known."""
LEADS = {"one learner better": Population(500, 9, 3, lead=3)}


def drawn(name: str, population: Population, num_learners: int, num_draws: int, num_more: int = 0) -> Results:
    """Draw a cell, always the same one."""
    folds = next(folds for kind, folds in SPLITS.items() if kind in name)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    sizes = {"num_draws": num_draws, "num_splits": max(SEEDS) + num_more, "folds": folds}
    return draw_results(rng, population, num_learners, **sizes)


def standard_error(share: float, num_draws: int) -> float:
    return math.sqrt(share * (1 - share) / num_draws)


def false_on_new_data(num_draws: int) -> Iterator[Cell]:
    """Two learners that are as good: "better on new data"; beside it the share that the test over seeds finds."""
    bound = MOST_FALSE + 2 * standard_error(MOST_FALSE, num_draws)
    for (law, population), kind in product(POPULATIONS.items(), SPLITS):
        found = drawn(f"{law}, {kind}", population, 2, num_draws)
        test, train = found.overlap, found.train_overlap
        read = {
            "accuracy": (found.accuracies, test),
            "loss": (found.log_errors, test),
            "training loss": (found.train_errors, train),
        }
        for (what, (values, overlap)), n in product(read.items(), SEEDS):
            differences = (values[:, 1] - values[:, 0])[:, :n]
            p = 2 * np.minimum(*corrected_p(differences, overlap))
            over_seeds = float((np.minimum(*guarded_p(differences)) <= 0.05).mean())
            name = f"better on new data, {what}, {law}, {kind}, n {n}"
            yield Cell(f"{name} (over seeds {over_seeds:.1%})", float((p <= 0.05).mean()), bound, is_upper=True)


def false_trends(num_draws: int) -> Iterator[Cell]:
    """Learners that are as good, along a setting: a trend on new data."""
    bound = MOST_FALSE + 2 * standard_error(MOST_FALSE, num_draws)
    for kind, num_places in product(SPLITS, (2, 3, 5)):
        found = drawn(f"trend, {kind}, {num_places}", POPULATIONS["500 rows, nothing shared"], num_places, num_draws)
        along = list(range(num_places))
        taus = np.array([[kendall_tau(along, of) for of in values.T.tolist()] for values in found.log_errors])
        for n in SEEDS:
            ps = corrected_p(taus[:, :n], found.overlap, least_spread=least_spread_of_taus(num_places))
            share = float((2 * np.minimum(*ps) <= 0.05).mean())
            yield Cell(f"trend on new data, {num_places} values, {kind}, n {n}", share, bound, is_upper=True)


def powers(num_draws: int) -> Iterator[Cell]:
    """A learner that sees four features more is found to be better on new data: seldom with few rows."""
    for (num_rows, least), kind in product(((500, 0.01), (2000, 0.10)), SPLITS):
        population = Population(num_rows, 9, 3, lead=4)
        found = drawn(f"power, {num_rows} rows, {kind}", population, 2, num_draws)
        differences = found.accuracies[:, 0] - found.accuracies[:, 1]
        for n in SEEDS:
            above, _ = corrected_p(differences[:, :n], found.overlap)
            name = f"found, {100 * differences.mean():.1f} points, {num_rows} rows, {kind}, n {n}"
            yield Cell(name, float((2 * above <= 0.05).mean()), least, is_upper=False)


def coverage_of_rows(num_draws: int) -> Iterator[Cell]:
    """The interval on these rows holds the effect over further splits of the same rows."""
    laws = {name: POPULATIONS[name] for name in ("500 rows, nothing shared", "150 rows, nothing shared")}
    for (law, population), kind in product(laws.items(), SPLITS):
        found = drawn(f"rows, {law}, {kind}", population, 2, num_draws, NUM_REFERENCE)
        differences = found.accuracies[:, 1] - found.accuracies[:, 0]
        effects = np.array([pseudo_median(of) for of in differences[:, max(SEEDS) :]])
        for n in SEEDS:
            low, high = guarded_interval(differences[:, :n])
            share = float(((low <= effects) & (effects <= high)).mean())
            yield Cell(f"on these rows, {law}, {kind}, n {n}", share, LEAST_OF_ROWS, is_upper=False)


def answers(num_draws: int) -> Iterator[Cell]:
    """The best learner is not called beaten, and no learner is closer to the best than it is said to be at most."""
    bound = LEAST_OF_ANSWERS - 2 * standard_error(LEAST_OF_ANSWERS, num_draws)
    laws = {name: POPULATIONS[name] for name in ("500 rows, nothing shared", "500 rows, 11 of 12 shared")} | LEADS
    for (law, population), kind, k in product(laws.items(), SPLITS, (3, 5)):
        found = drawn(f"answer, {law}, {kind}, {k}", population, k, num_draws)
        truth = found.accuracies.mean(axis=(0, 2)) if population.lead else np.zeros(k)
        for n in SEEDS:
            values = found.accuracies[:, :, :n]
            share = float(np.mean([answer_holds(of, truth, found.overlap) for of in values]))
            yield Cell(f"answer, k {k}, {law}, {kind}, n {n}", share, bound, is_upper=False)


def answer_holds(values: np.ndarray, truth: np.ndarray, overlap: float) -> bool:
    """Whether learner 0, than which none is better, is in the set, and no distance to it is too small."""
    behind = [behind_on_new_data(values, arm, overlap) for arm in range(len(values))]
    is_in_set = not above_on_new_data(values, 0, overlap)
    return is_in_set and all(end >= truth[0] - of - 1e-12 for end, of in zip(behind, truth, strict=True))


PARTS = (false_on_new_data, false_trends, powers, coverage_of_rows, answers)


def main() -> None:
    """Print every cell; fail if one breaks its bound."""
    num_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    broken = 0
    for part in PARTS:
        for cell in part(num_draws):
            word = "at most" if cell.is_upper else "at least"
            mark = "" if cell.is_kept else "  BROKEN"
            print(f"{cell.name:95} {cell.share:7.2%}  {word} {cell.bound:.2%}{mark}", flush=True)
            broken += not cell.is_kept
    print(f"{broken} bounds broken, {num_draws} data sets a cell")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
