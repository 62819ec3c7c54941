"""Data sets drawn from populations on which several learners are exactly as good, and their results over splits.

A row has a block of features for each learner, and features that all of them see. The logit of its class is the sum of
the tanh of all features; learner i fits ridge regression to the tanh of block i and of the shared features. The blocks
can be exchanged, so over data sets no learner is better, whatever the split; on one data set one of them is, by chance.
"""

from dataclasses import dataclass, replace

import numpy as np

RIDGE = 1.0
STEEPNESS = 3.0
TEST = 0.2
"""Share of the rows in the test set of a random split; as many are validation rows, which are not used."""


@dataclass(frozen=True)
class Population:
    """A law of data sets.

    Attributes:
        num_rows: Rows of a data set.
        own: Features that one learner alone sees.
        shared: Features that all see.
        lead: Features that learner 0 sees beside its own, so that it is better.
    """

    num_rows: int
    own: int
    shared: int = 0
    lead: int = 0


POPULATIONS = {
    "500 rows, nothing shared": Population(500, 12),
    "500 rows, 3 of 12 shared": Population(500, 9, 3),
    "500 rows, 11 of 12 shared": Population(500, 1, 11),
    "2000 rows, nothing shared": Population(2000, 12),
    "150 rows, nothing shared": Population(150, 6),
}


@dataclass(frozen=True)
class Results:
    """What learners reach on the splits of many data sets.

    Attributes:
        accuracies: Shape (data sets, learners, splits).
        log_errors: Logarithms of the mean squared errors, less is better; the same shape.
        train_errors: The same on training rows.
        overlap: Test rows for each training row.
        train_overlap: Training rows that two splits share for each that they do not.
    """

    accuracies: np.ndarray
    log_errors: np.ndarray
    train_errors: np.ndarray
    overlap: float
    train_overlap: float


def draw_results(
    rng: np.random.Generator,
    population: Population,
    num_learners: int,
    *,
    num_draws: int,
    num_splits: int,
    folds: int | None,
) -> Results:
    """Draw data sets, split each, and return what the learners reach; with folds their number divides the rows."""
    known = replace(population, num_rows=population.num_rows - population.num_rows % (folds or 1))
    found = []
    for _ in range(num_draws):
        features, classes = draw_rows(rng, known, num_learners)
        train, test = draw_splits(rng, known.num_rows, num_splits, folds)
        found.append(results(features, classes, train, test))
    num_train = train.shape[1]
    overlaps = test.shape[1] / num_train, num_train / (known.num_rows - num_train)
    return Results(*(np.array(of) for of in zip(*found, strict=True)), *overlaps)


def draw_rows(rng: np.random.Generator, population: Population, num_learners: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of each learner (learners, rows, features), and the classes -1 and 1 of the rows."""
    own, shared, lead = population.own, population.shared, population.lead
    width = num_learners * own + shared + lead
    seen = np.tanh(rng.normal(size=(population.num_rows, width)))
    probability = 1 / (1 + np.exp(-STEEPNESS * seen.sum(axis=1) / np.sqrt(width)))
    classes = np.where(rng.random(population.num_rows) < probability, 1.0, -1.0)
    blocks = np.split(seen, [own * (i + 1) for i in range(num_learners)], axis=1)
    common, more = np.split(blocks.pop(), [shared], axis=1)
    features = [np.hstack([block, common, more * (i == 0)]) for i, block in enumerate(blocks)]
    return np.stack(features), classes


def draw_splits(
    rng: np.random.Generator, num_rows: int, num_splits: int, folds: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the training rows and the test rows of each split, shape (splits, rows).

    Args:
        rng: Where splits are drawn from.
        num_rows: Rows of the data set; with folds a multiple of their number.
        num_splits: Number of splits.
        folds: None for random splits of 60/20/20. Else split s is fold s mod K of repetition s // K, and of the rest as
            many rows are validation as a fold has.
    """
    num_test = round(TEST * num_rows) if folds is None else num_rows // folds
    if folds is None:
        orders = rng.permuted(np.tile(np.arange(num_rows), (num_splits, 1)), axis=1)
    else:
        repetitions = [rng.permutation(num_rows) for _ in range(-(-num_splits // folds))]
        orders = np.stack([np.roll(repetitions[s // folds], -num_test * (s % folds)) for s in range(num_splits)])
    return orders[:, 2 * num_test :], orders[:, :num_test]  # as many validation rows stand between


def results(
    features: np.ndarray, classes: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each learner's test accuracy on each split, and logarithms of mean squared errors: test, training."""
    accuracies, errors, train_errors = [], [], []
    for seen in features:
        x, y = seen[train], classes[train]
        gram = x.transpose(0, 2, 1) @ x + RIDGE * np.eye(x.shape[-1])
        weights = np.linalg.solve(gram, x.transpose(0, 2, 1) @ y[..., None])
        told = (seen[test] @ weights)[..., 0]
        accuracies.append((np.sign(told) == classes[test]).mean(axis=1))
        errors.append(np.log(((told - classes[test]) ** 2).mean(axis=1)))
        train_errors.append(np.log((((x @ weights)[..., 0] - y) ** 2).mean(axis=1)))
    return np.stack(accuracies), np.stack(errors), np.stack(train_errors)
