"""Whatever is shown says of what a gradient is: a weight's, or an output's; a page may show both.

A unit is what a reader sees together: a heading, a line, or a column's title with the title of its group.
"""

import json
import re
from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import made_up_arm, std_rows

from normbench.evidence.layers import standout_rules
from normbench.evidence.layers.layer_report import report_layers
from normbench.evidence.probe import signs as probe_signs
from normbench.evidence.probe.network_reading import LayerReading, NetworkReading
from normbench.evidence.probe.probe_report import read_probe
from normbench.inspection.explain.settings import all_settings
from normbench.report.blocks.block import block_mapping
from normbench.report.blocks.layers import layers_block, standouts_block
from normbench.report.blocks.probe import probe_blocks
from normbench.report.figures import probe as probe_figure

QUALIFIED = re.compile(
    r"(weight|output)'?s? gradients?|gradients? (of|with respect to) (the |its )?(weights|outputs)"
    r"|weights and their gradients"
)
FIXED = re.compile(r"gradient (descent|clipping|predictiveness)|probe\.gradient_\w+")
LAYERS = ("hidden1", "hidden2", "output")
ROOT = Path(__file__).parents[2]
STUDY = """\
# Which of them is broken?
model: {name: mlp, hidden_features: [8, 8, 8, 8]}
dataset: {name: linear_regression, num_samples: 20}
batch_size: 10
num_steps: 20
recording: {every_steps: 2, tensorboard: false, figures: false, diagnostics: true, loss_surface: true}
arms:
  faint: {init: normal, init_scale: 0.001}
  wild: {optimizer: {lr: 500.0}}
baseline: faint
"""


def bare(text):
    """Return the gradients of a text that do not say of what they are."""
    rest = FIXED.sub("", QUALIFIED.sub("", text))
    return re.findall(r"\S*\W*gradient\w*", rest, flags=re.IGNORECASE)


def units(blocks):
    """Yield headings, lines, and titles of columns, from blocks as JSON has them."""
    for block in blocks:
        yield from block.get("heading", "").split("\n")
        yield from (line["text"] for line in block.get("lines", ()))
        yield from (f"{column.get('group', '')} {column['title']}" for column in block.get("columns", ()))


def refuse_bare(texts):
    texts = list(texts)
    assert [(text, found) for text in texts if (found := bare(text))] == []
    return [text for text in texts if "gradient" in text]


def of_blocks(*blocks):
    return units(block_mapping(block) for block in blocks)


def test_a_bare_gradient_is_noticed():
    assert bare("The gradient vanishes on its way back: std 1 at fc2.")
    assert bare("weight gradient and gradient std")
    assert not bare("The output gradient vanishes; weights and their gradients; stochastic gradient descent.")


@pytest.mark.parametrize("below", [1e-6, 5e4])
def test_a_runs_report(below):
    rows = std_rows("activation_grad", {"hidden1": below, "hidden2": 1.0, "output": 1e9})
    for kind in ("weight", "grad", "activation"):
        rows += std_rows(kind, dict.fromkeys(LAYERS, 1.0))
    said = refuse_bare(of_blocks(layers_block(report_layers(made_up_arm(rows, layers=LAYERS)))))
    assert any(text.startswith("weight gradient ") for text in said)
    assert any(text.startswith("The output gradient ") for text in said)


def test_a_probe():
    figures = {"mean": 0.5, "std": 1.0, "max_abs": 3.0, "zero_share": 0.5, "input_finite": 1.0, "weight_grad_std": 0.2}
    lines = [
        LayerReading(name, "Linear", "weights", name, (16, 16), "", True, figures | {"grad_std": 10.0 ** (-3 * i)})
        for i, name in enumerate("abcd")
    ]
    report = read_probe("deep", "batch 8 of noise", [NetworkReading(tuple(lines))] * 2)
    said = refuse_bare(of_blocks(*probe_blocks(report)))
    assert {" output gradient std", " weight gradient std"} <= set(said)
    assert any(text.startswith("growth per layer  output gradient, backward") for text in said)


def test_every_fault_that_is_told():
    assert refuse_bare([*probe_signs.SIGNS.values(), *(cause for _, cause, _ in standout_rules.DEPTH.values())])
    assert refuse_bare(of_blocks(standouts_block([])))
    assert refuse_bare(probe_figure.PANELS)


def test_a_study_with_all_its_details():
    Path("broken.yaml").write_text(STUDY, encoding="utf-8")
    code, out, err = normbench("run", "broken.yaml", "--details", "--json")
    assert code == 0, err
    (study,) = json.loads(out)
    said = refuse_bare(units(study["blocks"]))
    assert any(text.startswith("loss surface along the weight gradient") for text in said)
    probed = normbench("probe", "broken.yaml").out.splitlines()
    refuse_bare(line for line in probed if not re.search(r"\S {2,}\S.* {2,}\S", line))  # rows of tables have gaps


def test_every_setting_of_a_run():
    assert refuse_bare(page.meaning for page in all_settings() if page.belongs_to == "every run")


@pytest.mark.parametrize(
    "page", ["README.md", "docs/getting-started.md", "docs/inside-the-layers.md", "docs/config.md"]
)
def test_what_is_written_by_hand_in_the_pages(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    written = re.sub(r"```.*?```|<!--.*?-->|`[^`\n]*`", "", text, flags=re.DOTALL)  # outputs, markers, names
    refuse_bare(" ".join(part.split()) for part in re.split(r"\n\n|\n(?=[-|])", written))
