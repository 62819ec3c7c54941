"""A probe on the terminal, letter by letter, from made-up figures."""

from io import StringIO

from normbench.evidence.probe.network_reading import LayerReading, NetworkReading
from normbench.evidence.probe.probe_report import read_probe
from normbench.report.blocks.layers import LONG
from normbench.report.blocks.probe import probe_blocks
from normbench.report.terminal.console import make_console
from normbench.report.terminal.render import print_blocks

PRINTED = """\
std per layer at initialization · deep · geometric means over 2 seeds
  batch 8 of noise
                                  weight  output  output  output        output        weight
layer  kind                shape     std    mean     std   zeros  gradient std  gradient std
a      Linear + BatchNorm  16x16  0.0500   0.500    1.00  50.0 %          16.0         0.200  steady
b      Linear + BatchNorm  16x16  0.0500   0.500    1.00  50.0 %          8.00         0.200  steady
c      Linear + BatchNorm  16x16  0.0500   0.500    1.00  50.0 %          4.00         0.200  steady
d      Linear + BatchNorm  16x16  0.0500   0.500       0  50.0 %          2.00         0.200  constant
growth per layer  output, forward            x 1.000 [1.000, 1.000] over 3 layers, 2 seeds: steady
growth per layer  output gradient, backward  x 2.000 [2.000, 2.000] over 4 layers, 2 seeds: grows
b: the weights are too large, std 0.05, which multiplies the signal by 20.
  likely   the initialization; BatchNorm hides it, while the gradient of the weights is 0.05 times as large
  way out  Initialize with std sqrt(2 / fan_in) before a ReLU, sqrt(1 / fan_in) else (init: kaiming_normal,
           torch.nn.init.kaiming_normal_).
"""


def seen(layer, grad_std, std=1.0, gain=1.0):
    figures = {"mean": 0.5, "std": std, "max_abs": 3.0, "zero_share": 0.5, "grad_std": grad_std, "input_finite": 1.0}
    weight = {"weight_std": 0.05, "weight_grad_std": 0.2, "weight_max_abs": 0.1, "weight_gain": gain}
    return LayerReading(layer, "Linear", "weights", layer, (16, 16), "BatchNorm", True, figures | weight)


def printed(lines, *, show_all=False):
    console = make_console(width=120)
    console.file = StringIO()
    report = read_probe("deep", "batch 8 of noise", [NetworkReading(tuple(lines))] * 2)
    print_blocks(console, probe_blocks(report, None if show_all else LONG))
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def test_table_growth_and_finding():
    assert printed([seen("a", 16.0), seen("b", 8.0, gain=20.0), seen("c", 4.0), seen("d", 2.0, std=0.0)]) == PRINTED


def test_of_a_long_network_the_ends_are_shown_and_nothing_is_said_to_be_wrong():
    lines = [seen(f"layer{i}", 1.0) for i in range(20)]
    text = printed(lines)
    assert [line.split()[0] for line in text.splitlines()[4:16]] == [
        *(f"layer{i}" for i in range(6)),
        "...",
        *(f"layer{i}" for i in range(15, 20)),
    ]
    assert "9 more" in text
    assert text.endswith("Nothing vanishes, explodes or dies.\n")
    assert printed(lines, show_all=True).count("layer1") == 11
