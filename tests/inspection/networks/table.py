"""The networks by name: HEALTHY, of which nothing is to be warned, and SICK, each with its one fault."""

from inspection.networks import (
    attention,
    branches,
    chance,
    heads,
    inputs,
    kinds,
    outputs,
    parameters,
    recurrent,
    sick_gradients,
    sick_norms,
    sick_own,
    sick_signals,
    sick_starts,
    starts,
    vision,
)

_HEALTHY = (recurrent, attention, vision, heads, branches, starts, chance, parameters, outputs, inputs, kinds)
_SICK = (sick_signals, sick_gradients, sick_norms, sick_starts, sick_own)
HEALTHY = {name: row for file in _HEALTHY for name, row in file.HEALTHY.items()}
SICK = {name: row for file in _SICK for name, row in file.SICK.items()}
