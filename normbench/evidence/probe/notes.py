"""Notes what a probe left out: outputs that no gradient was sent back from, and parameters that nothing depends on."""

from collections.abc import Sequence

from normbench.evidence.probe.lines import ProbeLine
from normbench.evidence.probe.network_reading import NetworkReading
from normbench.findings import Finding, name_some


def notes(lines: Sequence[ProbeLine], seeds: Sequence[NetworkReading]) -> list[Finding]:
    """Return a note for each of the two that there is."""
    outputs = seeds[0].outputs if seeds else ()
    silent = [output.name for output in outputs if not output.has_gradient]
    unused = [line.layer for line in lines if not line.has_output and line.figure("connected") == 0]
    found = []
    if silent:
        why = "they depend on no learned parameter: made of the input alone, or cut off by detach() or no_grad()"
        what = f"outputs from which no gradient was sent back: {name_some(silent)}"
        found.append(Finding("note", (), what, why=why, way_out="Nothing, if it is meant.", source="silent_output"))
    if unused:
        what = f"parameters that get no gradient: {name_some(unused)}"
        why = "nothing that the model puts out was computed by them"
        found.append(Finding("note", (), what, why=why, way_out="Nothing, if it is meant.", source="unused"))
    return found
