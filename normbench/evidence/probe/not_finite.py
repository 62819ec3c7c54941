"""Finds where numbers stop being finite in a probe, forward or backward, and running statistics that are broken."""

import math
from collections.abc import Mapping, Sequence

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading
from normbench.evidence.probe.signs import INITIALIZE, probe_finding
from normbench.evidence.probe.weights import LARGE_GAIN
from normbench.findings import Finding

HUGE = 1e18
"""Numbers of this size overflow float32 when they are squared."""
KEEP_FINITE = "Add an eps to the divisor, or keep the argument above 0."
BROKEN = "the file that they come from, or a batch that was not finite; evaluation reads them, training does not"
REPAIR = "Load other running statistics, or re-estimate them: reset_running_stats(), then batches in training mode."


def not_finite(lines: Sequence[ProbeLine], seeds: Sequence[NetworkReading]) -> Finding | None:
    """Find the first layer whose output holds inf or nan, with its cause, where an output of the model does, too.

    Scores that are masked with -inf and go through a softmax are finite again.
    """
    hit = [i for i, line in enumerate(lines) if not math.isfinite(line.figure("max_abs"))]
    outputs = [output for seed in seeds for output in seed.outputs]
    if not hit or (outputs and all(output.is_finite for output in outputs)):
        return None
    line, before = lines[hit[0]], lines[hit[0] - 1] if hit[0] else None
    figure = f"from here on, in {len(hit)} of {len(lines)} layers"
    statistics = _statistics_to_blame(line, seeds)
    if statistics:
        said = f"{statistics[1]}; the output is not finite from here on ({len(hit)} of {len(lines)} layers)"
        return probe_finding("running_statistics", (statistics[0],), said, BROKEN, REPAIR)
    cause, way_out = _cause(line, before, seeds[0].not_finite if seeds else ())
    return probe_finding("not_finite", (line.layer,), figure, cause, way_out)


def _statistics_to_blame(line: ProbeLine, seeds: Sequence[NetworkReading]) -> tuple[str, str] | None:
    """Return the module whose running statistics are broken and what they are; None if they are not to blame."""
    if line.figure("weight_finite") == 0:
        return None
    if line.figure("input_finite") == 1:
        return (line.layer, line.reading.statistics) if line.reading.statistics else None
    return next(iter(seeds[0].statistics.items()), None) if seeds else None


def _cause(line: ProbeLine, before: ProbeLine | None, loose: Sequence[str]) -> tuple[str, str]:
    if line.figure("weight_finite") < 1:
        return "its weights hold inf or nan", "Look at what sets them: the initialization, or the file they come from."
    if line.figure("input_finite") < 1 and loose:
        return f"{loose[0]}, which lies in no layer, holds inf or nan", "Look at what sets it."
    if line.figure("input_finite") < 1 and before is None:
        return "the input holds inf or nan", "Clean the data: missing values, a division by a std of 0."
    if line.reading.nan_buffer:
        return f"its buffer {line.reading.nan_buffer} holds nan", "Look at what sets it, or the file it comes from."
    if line.figure("weight_gain") > LARGE_GAIN:
        return (
            f"its weights are too large, std {line.figure('weight_std'):.3g}: the product overflows",
            f"{INITIALIZE}.",
        )
    largest = before.figure("max_abs") if before else 0.0
    if before and largest > HUGE:
        cause = f"the numbers before it are too large, up to {largest:.3g} at {before.layer}"
        return cause, f"{INITIALIZE}, or put a norm before {line.layer}."
    if before and line.figure("input_finite") < 1:
        between = f"what is computed between {before.layer} and {line.layer}"
        return f"{between} makes inf or nan: a division by 0, a log or a root", KEEP_FINITE
    return "its own forward makes inf or nan: a division by 0, a log or a root", KEEP_FINITE


def gradient_not_finite(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find the layer at which the gradient stops being finite on its way back."""
    hit = [line for line in lines if line.grad_std and not math.isfinite(line.grad_std.value)]
    if not hit:
        return None
    figure = f"from here back, in {len(hit)} of {len(lines)} layers, while the outputs are finite"
    cause = "what follows it has no finite derivative here: a root or norm at 0, a division by 0, an overflow"
    way_out = "Add an eps under the root; torch.autograd.detect_anomaly() names the line."
    return probe_finding("gradient_not_finite", (hit[-1].layer,), figure, cause, way_out)


def running_statistics(lines: Sequence[ProbeLine], loose: Mapping[str, str]) -> Finding | None:
    """Find running means and variances that no batch could have, though the output be finite.

    Args:
        lines: The layers, in order of execution.
        loose: The same of modules that are no layers, by name.
    """
    hit = {line.layer: line.reading.statistics for line in lines if line.reading.statistics} | dict(loose)
    if not hit:
        return None
    return probe_finding("running_statistics", list(hit), next(iter(hit.values())), BROKEN, REPAIR)
