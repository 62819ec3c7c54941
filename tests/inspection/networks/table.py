"""The networks by name: HEALTHY, of which nothing is to be warned, and SICK, each with its one fault."""

from inspection.networks import attention, branches, heads, recurrent, sick_gradients, sick_norms, sick_signals, vision

HEALTHY = recurrent.HEALTHY | attention.HEALTHY | vision.HEALTHY | heads.HEALTHY | branches.HEALTHY
SICK = sick_signals.SICK | sick_gradients.SICK | sick_norms.SICK
