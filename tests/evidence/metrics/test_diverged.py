"""Whatever is read off a diverged run, it makes nothing better and supports nothing."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs_in_memory import RunInMemory, arm_in_memory, arms_called, table_of

from normbench.evidence.claims.claim import read_claims
from normbench.evidence.claims.verdict import judge_claim
from normbench.evidence.metrics.differences import metric_effect
from normbench.evidence.metrics.directions import better_way
from normbench.evidence.metrics.metric_words import usages
from normbench.evidence.metrics.run_metrics import SURGE, read_metrics
from normbench.evidence.statistics.paired_effect import judge_effects
from normbench.evidence.statistics.verdicts.typical_seed import guarded_p

WORDS = {"STEP": "10", "VALUE": "0.5"}
COLUMNS = (
    "test_loss",
    "test_accuracy",
    "batch_loss_max",
    "roughness",
    "probe.smoothness@network",
    "weight.std@hidden1",
)
COLUMN_METRICS = [" ".join(WORDS.get(word, word) for word in reducer.split()) for reducer in usages()]
METRICS = [SURGE, *COLUMNS, *(f"{words} {column}" for words in COLUMN_METRICS for column in COLUMNS)]
SEEDS = range(8)
STEPS = (0, 20, 40, 60)


class Recorded(RunInMemory):
    """A run with layer statistics and probes beside its metrics."""

    def __init__(self, seed, values, status="finished"):
        names = ("test_loss", "test_accuracy", "train_loss", "batch_loss_max", "roughness")
        super().__init__(
            seed, [{"step": s} | dict.fromkeys(names, v) for s, v in zip(STEPS, values, strict=False)], status
        )
        pairs = list(zip(STEPS, values, strict=False))
        layer = [{"step": s, "layer": "hidden1", "kind": "weight", "std": v} for s, v in pairs]
        probe = [{"step": s, "layer": "network", "name": "smoothness", "value": v} for s, v in pairs]
        self._tables.update({"layer_stats.csv": table_of(layer), "probes.csv": table_of(probe)})
        self.__dict__["summary"] |= {"steps_per_epoch": 5, "layers": [{"name": "hidden1"}, {"name": "output"}]}


def diverged(seed, values):
    return Recorded(seed, [*values, math.nan], "diverged")


def by_seed(runs, metric):
    return {run.seed: read_metrics(run, [metric])[metric] for run in runs}


def badness(effect, metric):
    """Return how bad an effect is; nothing is known of one that is not a number."""
    sign = -1 if better_way(metric) == "higher" else 1
    value = math.log(effect.value) if effect.is_ratio else effect.value
    return math.inf if math.isnan(value) else sign * value


def better_ps(effect):
    """Return the p of "better"; where neither way is better, the p of both ways."""
    above, below = (float(p) for p in guarded_p(list(effect.by_seed.values())))
    return {"higher": [above], "lower": [below], None: [above, below]}[better_way(effect.metric)]


def is_better(effect):
    return judge_effects([effect], better_way(effect.metric))[0].verdict in ("better", "lower", "higher")


# One scale for all, so that effects are ratios or none are, and the mean of finite runs is exact.
VALUES = st.lists(st.floats(0.01, 5.0), min_size=4, max_size=4)
RUNS = st.lists(VALUES, min_size=len(SEEDS), max_size=len(SEEDS))


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=8, deadline=None)
@given(ours=RUNS, theirs=RUNS, data=st.data())
def test_a_diverged_run_in_place_of_another_makes_no_effect_better(metric, ours, theirs, data):
    at = data.draw(st.sampled_from(SEEDS))
    prefix = data.draw(st.lists(st.floats(0.01, 5.0), max_size=3))
    baseline = [Recorded(seed, values) for seed, values in zip(SEEDS, theirs, strict=True)]
    arm = [Recorded(seed, values) for seed, values in zip(SEEDS, ours, strict=True)]
    with_it = [diverged(at, prefix) if run.seed == at else run for run in arm]

    before, after = (metric_effect(metric, by_seed(runs, metric), by_seed(baseline, metric)) for runs in (arm, with_it))

    if after.is_ratio == before.is_ratio and better_way(metric):
        assert badness(after, metric) >= badness(before, metric) - 1e-9
    assert all(b >= a for a, b in zip(better_ps(before), better_ps(after), strict=True))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("prefix", [[], [1e-9], [1e-9, 0.02], [1.0, 1.4e21]])
def test_arms_that_diverged_in_every_seed_are_never_better_nor_lower_nor_support_a_claim(metric, prefix):
    ok, boom = (
        [Recorded(seed, [2.0, 0.5, 0.4, 0.3 + 0.01 * seed]) for seed in SEEDS],
        [diverged(s, prefix) for s in SEEDS],
    )
    effect = metric_effect(metric, by_seed(boom, metric), by_seed(ok, metric))
    assert not is_better(effect)
    effect = metric_effect(metric, by_seed(ok, metric), by_seed(boom, metric))
    assert judge_effects([effect], better_way(metric))[0].verdict in ("better", "cannot tell")

    good, bad = ("boom", "ok") if better_way(metric) == "higher" else ("ok", "boom")
    expected = [{"less": bad, "than": good, "by": 0.0}, {"range": [-1.0, 1e30], "of": "boom"}]
    for expect in expected:
        claim = read_claims([{"says": "it helps", "metric": metric, "expect": expect}], arms_called("ok", "boom"))[0][0]
        arms = [arm_in_memory("ok", ok), arm_in_memory("boom", boom)]
        try:
            found = judge_claim(claim, arms, SEEDS, "study", "")
        except Exception as error:  # noqa: BLE001 - a column that is not there is refused
            assert "must be" in str(error)  # noqa: PT017
            continue
        assert found.verdict in ("opposite", "cannot tell")


def test_two_arms_that_diverged_everywhere_cannot_be_told_apart():
    for metric in METRICS:
        one, other = ([diverged(seed, [2.0, last + seed]) for seed in SEEDS] for last in (1e5, 1e21))
        effect = metric_effect(metric, by_seed(one, metric), by_seed(other, metric))
        assert judge_effects([effect], better_way(metric))[0].verdict == "cannot tell"
