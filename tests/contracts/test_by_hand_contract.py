"""What `explain --by-hand` computes line by line is what the layer gives, for every variant in every setting.

A line that says ``arithmetic = number`` is also read back and worked out, so that a wrong line cannot stand beside a
right result.
"""

import math

import pytest
import torch
from contracts.variants import all_settings, each, with_defaults
from rich.cells import cell_len

from normbench.errors import SettingError
from normbench.inspection.explain.by_hand.arithmetic import FUNCTIONS
from normbench.inspection.explain.by_hand.example import example_shape, worked_example
from normbench.inspection.explain.by_hand.outputs import norm_by_hand
from normbench.inspection.explain.by_hand.running import running_statistics
from normbench.inspection.explain.by_hand.unbiased import running_variance_by_hand
from normbench.inspection.explain.names import REGULARIZERS, find_pages
from normbench.inspection.explain.norms import all_by_hand
from normbench.inspection.explain.weights import weight_by_hand
from normbench.report.blocks.explain.pages import explain_blocks
from normbench.report.terminal.render import blocks_rows

SHAPES = ((3, 5, 1), (8, 6), (4, 6, 4, 4), (2, 12, 2, 2, 3), (2, 3, 2))
NORMS = all_settings("norms", tried_floats=(0.3, 1.0))
WEIGHTS = all_settings("weight_parametrizations", tried_floats=(0.3,))
SHOWN_DIGITS = 1e-4
COMPUTED = [*with_defaults("norms"), *with_defaults("weight_parametrizations"), *REGULARIZERS]


def fitting(spec):
    """Yield the shapes that a norm takes."""
    for shape in SHAPES:
        try:
            spec.build(shape[1:])
            spec.check_batch(shape[1:], shape[0])
        except SettingError:
            continue
        yield shape


def refuse_wrong_lines(lines):
    """Work out the arithmetic in each line; all sides of its equals signs must agree to the digits shown."""
    for _, text in lines:
        values = [value for side in text.split(" = ") if (value := worked_out(side)) is not None]
        for value in values:
            assert value == pytest.approx(values[0], rel=SHOWN_DIGITS, abs=SHOWN_DIGITS)


def worked_out(side):
    try:
        return float(eval(side.replace(",", "").removeprefix("= "), {"__builtins__": {}, **FUNCTIONS}))
    except (NameError, SyntaxError, TypeError):
        return None  # words, a formula with names, or a list of numbers


def test_a_wrong_line_is_noticed():
    refuse_wrong_lines([("mean", "(1 + 2) / 2 = 3 / 2 = 1.5"), ("", "x - mean"), ("", "= 3")])
    with pytest.raises(AssertionError):
        refuse_wrong_lines([("mean", "(1 + 2) / 2 = 3 / 2 = 1.6")])


@pytest.mark.parametrize("spec", each(NORMS))
def test_an_output_by_hand_is_the_layers(spec):
    for shape in fitting(spec):
        for found in norm_by_hand(spec, shape):
            assert found.result == pytest.approx(found.layer, rel=1e-9, abs=1e-12)
            refuse_wrong_lines(found.lines)
            assert found.lines[-1][1].startswith("= ")


@pytest.mark.parametrize("spec", each(NORMS))
def test_the_example_is_the_shape_asked_for_or_a_piece_of_it(spec):
    for shape in fitting(spec):
        found = worked_example(spec, shape)
        assert len(found.shape) == len(shape)
        assert all(piece <= size for piece, size in zip(found.shape, shape, strict=True))
        assert found.is_whole == (found.shape == shape)
        assert len(found.rows[0].values) == math.prod(found.shape[1:])
        assert found.is_whole or shape[0] > 4 or math.prod(shape[1:]) > 8


@pytest.mark.parametrize("spec", each(NORMS))
def test_running_statistics_are_told_where_training_moves_them_and_nowhere_else(spec):
    for shape in fitting(spec):
        small = example_shape(spec, shape)
        layer = spec.build(small[1:]).double().train()
        before = {name: tensor.clone() for name, tensor in layer.named_buffers()}
        for _ in range(2):
            layer(torch.arange(1.0, small[1] + 1).double().view(-1, *(1,) * (len(small) - 2)).expand(small))
        moved = [name for name, tensor in layer.named_buffers() if "running" in name and not tensor.equal(before[name])]
        found = running_statistics(spec, shape)
        assert (found is None) == (not [name for name in moved if "extra" not in name])
        if found:
            name = next(name for name in moved if name.endswith("running_mean"))
            assert list(found.means) == pytest.approx(layer.get_buffer(name).tolist())
            assert (found.steps[-1].mean, found.steps[-1].var) == (found.means[0], found.variances[0])
            refuse_wrong_lines([("", text) for step in found.steps for text in (step.mean_by_hand, step.var_by_hand)])
            by_hand = running_variance_by_hand(spec, shape)
            assert by_hand is None or by_hand.result == pytest.approx(by_hand.layer)


@pytest.mark.parametrize("spec", each(WEIGHTS))
def test_a_weight_by_hand_is_the_layers(spec):
    found = weight_by_hand(spec)
    assert found.result == pytest.approx(found.layer, rel=1e-9)
    refuse_wrong_lines(found.lines)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_regularizer_by_hand_is_torchs(name):
    for found in REGULARIZERS[name](by_hand=True).by_hand:
        assert found.result == pytest.approx(found.layer, rel=1e-6)
        refuse_wrong_lines(found.lines)


@pytest.mark.parametrize("spec", each(all_settings("norms")))  # other numbers change no line
def test_every_line_of_a_page_by_hand_is_right(spec):
    for shape in fitting(spec):
        for found in all_by_hand(spec, shape):
            refuse_wrong_lines(found.lines)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_page_by_hand_fits_the_terminal(name):
    rows = [text for text, _ in blocks_rows(explain_blocks(find_pages(name, by_hand=True)), 80)]
    assert max(map(cell_len, rows)) <= 80
    assert any(row.startswith("by hand: ") for row in rows)
