"""Finds faults of a training in its probes, by one rule per measure: threshold, cause and way out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Any

from normbench.evidence.layers.probe_table import ProbeTable
from normbench.evidence.statistics.growth import FAR
from normbench.evidence.statistics.means import mean_of
from normbench.evidence.statistics.student import exp
from normbench.findings import Finding, Level

LARGE_UPDATE = 0.5
"""Share of a layer's weights that a step may change; healthy steps change 0.01 to 6 %, a first one up to a third."""
GROWN_LR = 100.0
"""Growth of the effective learning rate; in healthy networks it settles within a factor of ten of the start."""
DEAD_SHARE = 0.9
"""Half of a default start's units can be silent on one-dimensional inputs; nine of ten carry no function any more."""
DEAD_STEPS = 3
"""Number of recorded steps in a row, since a unit that puts out something again was not dead."""
FEWEST_SAMPLES = 8
"""In smaller batches a healthy unit is 0 for all samples too often: 2^-8 is one in 256."""
FEWEST_LAYERS = 3
"""A slope over two layers would be a single difference."""
FAR_MEAN = 0.3
"""Standard deviations between running and true mean; with torch's momentum healthy networks end below 0.1."""
FAR_VAR = log(2.0)
"""Running variances twice too large or too small; with torch's momentum healthy networks end within a third."""
ACCURACY_GAP = 0.1
"""Ten points, mean over the last recorded steps: more than the noise of the same 128 samples read twice."""
GAP_STEPS = 3
SHIFTED_VAR = 1.4
"""In evaluation the norm then puts out a sixth less than in training; dropout 0.1 before it makes about 1.1."""
DEPTH = {
    False: ("shrinks", "output gradient vanishes with depth", "Use init: kaiming_normal, a norm, or fewer layers."),
    True: ("grows", "output gradient explodes with depth", "Use fewer layers, larger batches, or model: resnet."),
}
"""By whether it grows on its way back; batch norm with ReLU makes it grow at initialization, whatever the weights."""
ONE_STATISTIC = 0.9
"""Share at which one of switchable norm's three kinds of statistics has almost replaced the others."""


@dataclass(frozen=True)
class RunProbes:
    """The probes of one run, with its settings and layers, for the rules.

    Attributes:
        probes: The numbers of probes.csv.
        settings: The arm's settings under dotted keys.
        layers: Names of the weighted layers.
    """

    probes: ProbeTable
    settings: Mapping[str, Any]
    layers: Sequence[str]


Rule = Callable[[RunProbes], Iterable[Finding]]
"""Returns the faults that one measure shows, one finding per layer, with the figure as a number."""


def large_updates(run: RunProbes) -> Iterable[Finding]:
    """Find the layers that changed too much in the first recorded step in which any did.

    Hidden layers only: an output layer's weights may start near zero.
    """
    grown = {layer for found in shrunk_weights(run) for layer in found.layers}
    updates = run.probes.layers("update_ratio").items()
    hidden = {layer: dict(steps) for layer, steps in updates if layer in run.layers[:-1] and layer not in grown}
    large = [step for ratios in hidden.values() for step, ratio in ratios.items() if ratio >= LARGE_UPDATE]
    for layer, ratios in hidden.items():
        ratio = ratios.get(min(large, default=-1), 0.0)
        if ratio >= LARGE_UPDATE:
            figure = f"step {min(large)} changed the weights by {_size(100 * ratio)} % of their length"
            yield _finding("learning rate too high", layer, ratio, figure, "Lower optimizer.lr.")


def shrunk_weights(run: RunProbes) -> Iterable[Finding]:
    """Find scale-free weights that weight decay made so small that each step changes their direction too much."""
    for layer, steps in run.probes.layers("effective_lr").items():
        growth = steps[-1][1] / steps[0][1] if steps[0][1] else inf
        if growth >= GROWN_LR:
            figure = (
                f"the effective learning rate rose {_size(growth)}-fold, to {steps[-1][1]:.3g}, as the weights shrank"
            )
            way_out = "Lower weight_decay: the norm takes the weights' scale away, so that it only raises their step."
            yield _finding("weight decay shrinks scale-free weights", layer, growth, figure, way_out)


def dead_units(run: RunProbes) -> Iterable[Finding]:
    """Find layers most of whose units put out 0 for whole batches."""
    if int(run.settings["batch_size"]) < FEWEST_SAMPLES:
        return
    for layer in run.probes.layers("dead_unit_share"):
        shares = run.probes.last("dead_unit_share", layer, DEAD_STEPS)
        if len(shares) == DEAD_STEPS and min(shares) >= DEAD_SHARE:
            figure = f"{100 * shares[-1]:.0f} % of its units put out 0 for whole batches, to the last recorded step"
            way_out = "Lower optimizer.lr or init_scale, or use a norm before the activation."
            yield _finding("dead units", layer, shares[-1], figure, way_out)


def growing_gradients(run: RunProbes) -> Iterable[Finding]:
    """Find an output gradient that grows or shrinks by FAR over the hidden layers, at the last recorded step."""
    num_layers = len(run.layers) - 1
    if num_layers < FEWEST_LAYERS or any(dead_units(run)):  # no gradient passes dead units, whatever the depth
        return
    for slope in run.probes.last("gradient_depth_slope"):
        if abs(slope) * (num_layers - 1) < log(FAR):
            continue
        word, cause, way_out = DEPTH[slope < 0]
        over_all = _size(exp(abs(slope) * (num_layers - 1)))
        per_layer = f"{exp(abs(slope)):.3g}-fold per layer"
        figure = f"the output gradient {word} {per_layer} on its way back here, {over_all}-fold in all"
        yield _finding(cause, run.layers[0], abs(slope), figure, way_out)


def stalled_statistics(run: RunProbes) -> Iterable[Finding]:
    """Find running statistics that are far from those of the training set and from those of the batch.

    Dropout before the norm moves them from the first alone, small batches from the second alone.
    """
    if _has_class_batches(run) or any(shrunk_weights(run)):  # which have other causes
        return
    for layer, steps in run.probes.layers("running_precise_var_gap").items():
        var, mean = (_smaller_gap(run, kind, layer) for kind in ("var", "mean"))
        has_learned = steps[-1][0] > 0  # before the first step they are 0 and 1
        if has_learned and (var >= FAR_VAR or mean >= FAR_MEAN):
            figure = f"running variances are {exp(var):.2g}-fold off and running means {mean:.2g} standard deviations"
            way_out = "Raise norm.momentum, train longer, or read the re-estimated losses."
            yield _finding("running statistics lag", layer, max(var / FAR_VAR, mean / FAR_MEAN), figure, way_out)


def _smaller_gap(run: RunProbes, kind: str, layer: str) -> float:
    names = (f"running_precise_{kind}_gap", f"running_{kind}_gap")
    return min((gap for name in names for gap in run.probes.last(name, layer)), default=0.0)


def one_class_batches(run: RunProbes) -> Iterable[Finding]:
    """Find a network that reads the class from the statistics of its batch, which evaluation does not have."""
    running, own = (run.probes.last(f"{kind}_accuracy", count=GAP_STEPS) for kind in ("running", "batch_statistics"))
    if not _has_class_batches(run) or not running:
        return
    gap = mean_of(own) - mean_of(running)
    gaps = {layer: _smaller_gap(run, "var", layer) for layer in run.probes.layers("running_var_gap")}
    if gap >= ACCURACY_GAP:
        accuracies = f"{100 * running[-1]:.0f} % with running statistics, {100 * own[-1]:.0f} % with each batch's own"
        figure = f"training accuracy {accuracies}; its running variances are farthest off"
        way_out = "Write sampling: shuffled, or use a norm that does not look at the batch."
        yield _finding("batches of one class", max(gaps, key=lambda layer: gaps[layer]), gap, figure, way_out)


def _has_class_batches(run: RunProbes) -> bool:
    return run.settings.get("sampling") == "by_class"


def shifted_variance(run: RunProbes) -> Iterable[Finding]:
    """Find norms whose input has a larger variance in training than in evaluation, because of dropout before them."""
    for layer in run.probes.layers("dropout_variance_ratio"):
        ratio = mean_of(run.probes.last("dropout_variance_ratio", layer, GAP_STEPS))
        if ratio >= SHIFTED_VAR:
            figure = f"the variance it meets in training is {ratio:.2g} times that in evaluation"
            way_out = "Lower dropout, or put it behind the last norm."
            yield _finding("dropout before the norm", layer, ratio, figure, way_out)


def lone_statistics(run: RunProbes) -> Iterable[Finding]:
    """Find layers of switchable norm that use one kind of statistics almost alone."""
    for moment in ("mean", "var"):
        for kind in ("instance", "layer", "batch"):
            name = f"mixing_{moment}_{kind}"
            for layer in run.probes.layers(name):
                (share,) = run.probes.last(name, layer)
                if share >= ONE_STATISTIC:
                    figure = f"{100 * share:.0f} % of its {moment} is the {kind}'s"
                    way_out = f"A {kind} norm there is as good and cheaper."
                    yield _finding("switchable norm has chosen", layer, share, figure, way_out, level="note")


def _finding(what: str, layer: str, value: float, figure: str, way_out: str, *, level: Level = "warning") -> Finding:
    return Finding(level, (layer,), what, figure, way_out=way_out, value=value)


def _size(value: float) -> str:
    """Return a large number rounded to three digits: 3680.4 -> "3,680"."""
    return f"{float(f'{value:.3g}'):,g}"


RULES: tuple[Rule, ...] = (
    large_updates,
    shrunk_weights,
    dead_units,
    growing_gradients,
    stalled_statistics,
    one_class_batches,
    shifted_variance,
    lone_statistics,
)
"""All rules, in the order of their lines."""
