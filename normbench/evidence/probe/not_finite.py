"""Finds where numbers stop being finite in a probe, forward or backward, and running statistics that are broken."""

import math
from collections.abc import Sequence

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.signs import INITIALIZE, probe_finding
from normbench.findings import Finding

HUGE = 1e18
"""Numbers of this size overflow float32 when they are squared."""
KEEP_FINITE = "Add an eps to the divisor, or keep the argument above 0."
BROKEN = "the file that they come from, or a batch that was not finite; evaluation reads them, training does not"
REPAIR = "Load other running statistics, or re-estimate them: reset_running_stats(), then batches in training mode."


def not_finite(lines: Sequence[ProbeLine], loose: Sequence[str] = ()) -> Finding | None:
    """Find the first layer whose output holds inf or nan, with its cause.

    Args:
        lines: The layers, in order of execution.
        loose: Names of parameters and buffers that lie in no layer and are not finite.
    """
    hit = [i for i, line in enumerate(lines) if not math.isfinite(line.figure("max_abs"))]
    if not hit:
        return None
    line, before = lines[hit[0]], lines[hit[0] - 1] if hit[0] else None
    figure = f"from here on, in {len(hit)} of {len(lines)} layers"
    if line.figure("input_finite") == 1 and line.figure("weight_finite") != 0 and line.reading.statistics:
        said = f"{line.reading.statistics}; the output is not finite from here on ({len(hit)} of {len(lines)} layers)"
        return probe_finding("running_statistics", (line.layer,), said, BROKEN, REPAIR)
    cause, way_out = _cause(line, before, loose)
    return probe_finding("not_finite", (line.layer,), figure, cause, way_out)


def _cause(line: ProbeLine, before: ProbeLine | None, loose: Sequence[str]) -> tuple[str, str]:
    if line.figure("weight_finite") < 1:
        return "its weights hold inf or nan", "Look at what sets them: the initialization, or the file they come from."
    if line.figure("input_finite") < 1 and loose:
        return f"{loose[0]}, which lies in no layer, holds inf or nan", "Look at what sets it."
    if line.figure("input_finite") < 1 and before is None:
        return "the input holds inf or nan", "Clean the data: missing values, a division by a std of 0."
    if line.reading.nan_buffer:
        return f"its buffer {line.reading.nan_buffer} holds nan", "Look at what sets it, or the file it comes from."
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


def running_statistics(lines: Sequence[ProbeLine]) -> Finding | None:
    """Find running means and variances that no batch could have, though the output be finite."""
    hit = [line for line in lines if line.reading.statistics]
    if not hit:
        return None
    return probe_finding("running_statistics", [line.layer for line in hit], hit[0].reading.statistics, BROKEN, REPAIR)
