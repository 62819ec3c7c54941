"""Which of the tried values is best, which comes second, and how far the best is ahead."""

import statistics
from itertools import permutations

import pytest

from normbench.evidence.tuning.ranking import best_trial, lead_of
from normbench.storage.choices import Choice, Trial

SEEDS = (1000, 1001, 1002, 1003)


def trial(values, *scores):
    return Trial(
        values if isinstance(values, dict) else {"optimizer.lr": values}, list(scores), statistics.median(scores)
    )


def choice_of(*tried):
    return Choice("none", best_trial(tried).values, tried, 0, False, SEEDS)


def test_the_lead_is_the_share_by_which_the_median_is_lower_than_the_next():
    """Medians 0.8, 1.0 and 2.0: 20 % ahead of the second; lowest in the seeds 1001 to 1003."""
    worst, second = trial(0.1, 2.0, 2.0, 2.0, 2.0), trial(0.03, 0.5, 1.0, 1.0, 1.2)
    best = trial(0.01, 0.9, 0.7, 0.6, 1.0)
    lead = lead_of(choice_of(worst, second, best))
    assert (lead.chosen, lead.runner_up, lead.is_tied, lead.num_best) == (best, second, False, 3)
    assert lead.share == pytest.approx(0.2)


@pytest.mark.parametrize("order", list(permutations([0.03, 0.003, 0.01])))
@pytest.mark.parametrize("rounding", [0.0, 1e-12])
def test_of_equal_medians_the_smaller_number_is_best_and_the_next_smaller_second(order, rounding):
    tried = [trial(lr, *[0.3 * (1 + lr * rounding)] * 4) for lr in order]
    lead = lead_of(choice_of(*tried, trial(0.001, *[0.4] * 4)))
    assert (lead.chosen.values["optimizer.lr"], lead.runner_up.values["optimizer.lr"]) == (0.003, 0.01)
    assert (lead.is_tied, lead.num_best) == (True, 4)


def test_of_equal_parts_the_first_is_best():
    tried = [trial({"norm": name, "l1": l1}, 0.3) for l1 in (0.2, 0.1) for name in ("none", "group_norm")]
    assert best_trial(tried).values == {"norm": "none", "l1": 0.1}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_worse_than_any_other(bad):
    lead = lead_of(choice_of(trial(0.1, bad, bad), trial(0.2, 1e300, 1e300)))
    assert (lead.chosen.values, lead.share, lead.is_tied) == ({"optimizer.lr": 0.2}, None, False)
    both = lead_of(choice_of(trial(0.2, bad, bad), trial(0.1, bad, bad)))
    assert (both.chosen.values, both.share, both.is_tied) == ({"optimizer.lr": 0.1}, None, True)


@pytest.mark.parametrize(
    ("losses", "share"), [((0.0, 0.0), None), ((0.0, 0.5), 1.0), ((0.5, 0.5), 0.0), ((-2.0, -1.0), None)]
)
def test_a_lead_is_a_share_of_losses_above_0_only(losses, share):
    assert lead_of(choice_of(trial(0.1, losses[0]), trial(0.2, losses[1]))).share == share


def test_what_was_tried_alone_has_no_second():
    lead = lead_of(choice_of(trial(0.1, 0.5)))
    assert (lead.runner_up, lead.share, lead.num_best) == (None, None, 1)


def test_a_choice_among_other_trials_has_no_lead():
    assert lead_of(Choice("none", {"optimizer.lr": 1.0}, [trial(0.1, 0.5)], 0, False, SEEDS)) is None
