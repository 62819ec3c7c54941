"""What lies in run folders, read by the command, gives exactly the p, interval and verdict of the arrays."""

from pathlib import Path

import numpy as np
import pytest
from folder_studies import compared, differing_rows, write_study

DRAWS = 6


@pytest.mark.parametrize("n", [8, 12])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(0.5, 1, n),
        lambda rng, n: rng.lognormal(0, 1, n) - 1,
        lambda rng, n: rng.binomial(20, 0.6, n) / 20 - 0.5,
        lambda rng, n: rng.normal(1, 1, n) - 10 * (rng.random(n) < 0.1),
    ],
    ids=["gauss", "log-normal", "ties", "collapse"],
)
def test_folders_say_what_arrays_say(draw, n):
    rng = np.random.default_rng(n)
    arms = [draw(rng, n) for _ in range(DRAWS)]
    for number, arm in enumerate(arms):
        write_study(Path("runs"), f"draw-{number}", arm, np.zeros(n))
    assert differing_rows(compared(Path("runs")), arms) == []
