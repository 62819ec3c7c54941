"""What stands out in the layers, and the last recorded steps before a divergence, as text."""

from collections.abc import Sequence

from rich.console import Console

from normbench.evidence.layers.last_frames import FrameLine, last_frames
from normbench.evidence.layers.standout_rules import Standout
from normbench.evidence.layers.surface_report import Surface
from normbench.report.blocks.grids import Grid, print_grid
from normbench.report.blocks.numbers import short
from normbench.report.blocks.tables import LONG, NUM_ENDS
from normbench.storage.run_folder import Arm


def print_standouts(console: Console, found: Sequence[Standout]) -> None:
    """Print a line each: where, what was seen, what it means, what to do."""
    console.print("what stands out")
    for one in found:
        console.print(standout_line(one), soft_wrap=True)
    if not found:
        console.print("Nothing: updates, units, gradients and running statistics are as they should be.")


def standout_line(one: Standout) -> str:
    """Return "arm · hidden2.norm and 1 more layer: cause: figure (3 of 8 seeds). Way out." on one line."""
    more = one.num_layers - 1
    layers = one.layer + (f" and {more} more layer{'s' * (more > 1)}" if more else "")
    seeds = f" ({one.num_seeds} of {one.of_seeds} seeds)" if one.of_seeds > 1 else ""
    return f"{one.arm} · {layers}: {one.cause}: {one.figure}{seeds}. {one.way_out}"


def print_surfaces(console: Console, found: Sequence[Surface]) -> None:
    """Print how rough the loss is along the gradient, arm by arm, and the step sizes it was looked at with."""
    for walked in dict.fromkeys((tuple(one.step_sizes), tuple(one.multiples)) for one in found):
        alike = [one for one in found if (tuple(one.step_sizes), tuple(one.multiples)) == walked]
        steps, multiples = (", ".join(f"{size:.3g}" for size in sizes) for sizes in walked)
        console.print(
            f"loss surface along the gradient of a batch, at {steps} of it ({multiples} x lr); start and end",
            soft_wrap=True,
        )
        rows = [[one.arm, str(one.num_seeds), *(short(value) for span in one.spans for value in span)] for one in alike]
        sizes = ("loss\nvariation", "gradient\nchange", "change per\ndistance")
        print_grid(console, Grid(["arm", "seeds", *(title for size in sizes for title in (size, ""))], rows, left=(0,)))


def print_divergence(console: Console, arm: Arm, *, show_all: bool) -> None:
    """Print the last recorded steps of an arm's first diverged run; nothing where none diverged."""
    diverged = [run for run in arm.runs if run.summary["status"] == "diverged"]
    if not diverged:
        return
    more = f", as did {len(diverged) - 1} more of {len(arm.runs)} seeds" if len(diverged) > 1 else ""
    where = f"seed {diverged[0].seed} diverged at step {diverged[0].summary['step']}{more}"
    console.print(f"{arm.name} · {where}; std per layer at the last recorded steps:", soft_wrap=True)
    print_last_frames(console, last_frames(diverged[0]), show_all=show_all)


def print_last_frames(console: Console, lines: Sequence[FrameLine], *, show_all: bool) -> None:
    """Print the last recorded steps, layer by layer; of a long network both ends."""
    steps = list(dict.fromkeys(line.step for line in lines))
    rows = [row for step in steps for row in _rows([line for line in lines if line.step == step], show_all=show_all)]
    print_grid(console, Grid(["step", "layer", "weight", "gradient", "output"], rows, left=(1,)))


def _rows(lines: Sequence[FrameLine], *, show_all: bool) -> list[list[str]]:
    rows = [[str(o.step), o.layer, *map(short, (o.weight_std, o.grad_std, o.output_std))] for o in lines]
    if show_all or len(rows) <= LONG:
        return rows
    hidden = [str(lines[0].step), f"... {len(rows) - 2 * NUM_ENDS} more", "", "", ""]
    return [*rows[:NUM_ENDS], hidden, *rows[-NUM_ENDS:]]
