"""Finds norms with settings that come into effect in the course of training, in runs that end before."""

from collections.abc import Iterable, Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.norms.base import Ramp


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of norms whose settings are never in effect, or not in full at the last step."""
    num_steps = setup.config.total_steps
    for norm in setup.norms:
        ramps = norm.spec.ramps()
        late = [ramp for ramp in ramps if ramp.last >= num_steps]
        if not (num_steps and late):
            continue
        what, why = _told(ramps, late, num_steps)
        yield Finding(
            "warning",
            (norm.name,),
            what,
            figure=", ".join(f"{ramp.setting} grows from step {ramp.first:,} to {ramp.last:,}" for ramp in late),
            why=why,
            way_out=_way_out(late),
        )


def _told(ramps: Iterable[Ramp], late: list[Ramp], num_steps: int) -> tuple[str, str]:
    names = _joined(ramp.setting for ramp in late)
    if all(ramp.first >= num_steps - 1 for ramp in ramps):
        return f"is {late[0].before} in all {num_steps} steps", f"Without {names} that is what it computes."
    return f"never has its full {names} in {num_steps} steps", "What is compared is a norm on the way to its settings."


def _way_out(late: list[Ramp]) -> str:
    enough = max(ramp.last for ramp in late) + 1
    return f"Use num_steps: {enough} or more, or earlier {_joined(f'norm.{ramp.setting}_steps' for ramp in late)}."


def _joined(words: Iterable[str]) -> str:
    return " and ".join(words)
