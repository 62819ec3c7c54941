"""`explain` reads a norm off the layer itself."""

import json

import pytest
from command_line import normbench

from normbench.inspection.explain.by_hand.unbiased import difference_by_hand
from normbench.inspection.explain.norms import draw_block, explain_norm
from normbench.inspection.explain.regularizers import explain_dropout, explain_weight_decay
from normbench.inspection.explain.weights import explain_weight_parametrization
from normbench.norms.batch_norm import BatchNormSpec
from normbench.norms.group_norm import GroupNormSpec
from normbench.norms.instance_norm import InstanceNormSpec
from normbench.norms.layer_norm import LayerNormSpec
from normbench.norms.scale_shift import ScaleShiftSpec
from normbench.weight_parametrizations.none import NoneSpec as AsLearned
from normbench.weight_parametrizations.weight_norm import WeightNormSpec
from normbench.weight_parametrizations.weight_standardization import WeightStandardizationSpec


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["batch_norm", "--shape", "32,784"], 784),
        (["batch_norm", "--shape", "32,64,14,14"], 64),
        (["layer_norm", "--shape", "32,64,14,14"], 32),
        (["instance_norm", "--shape", "32,64,14,14"], 2048),
        (["group_norm", "--shape", "32,64,14,14", "--set", "num_groups=4"], 128),
    ],
)
def test_the_number_of_statistics_is_the_documents(words, count):
    """Document 3 (MagicGeek2.github.io), row A8: a batch of (32, 784) or (32, 64, 14, 14)."""
    code, out, _ = normbench("explain", *words)
    assert (code, f": {count:,} statistics for this shape" in " ".join(out.split())) == (0, True)


@pytest.mark.parametrize(
    ("spec", "rows", "shares_positions"),
    [
        (BatchNormSpec(), ("a b c d",) * 3, True),
        (LayerNormSpec(), ("a a a a", "b b b b", "c c c c"), True),
        (LayerNormSpec(over="position"), ("a a a a", "b b b b", "c c c c"), False),
        (InstanceNormSpec(), ("a b c d", "e f g h", "i j k l"), True),
        (GroupNormSpec(num_groups=2), ("a a b b", "c c d d", "e e f f"), True),
        (ScaleShiftSpec(), ("a b c d", "e f g h", "i j k l"), False),
    ],
)
def test_the_block_shows_what_is_averaged_together(spec, rows, shares_positions):
    assert draw_block(spec, (4, 6, 6)) == (rows, shares_positions)


def test_groups_that_four_channels_cannot_show_get_more_channels():
    rows, _ = draw_block(GroupNormSpec(num_groups=3), (6, 4, 4))
    assert rows[0] == "a a b b c c"


def test_parameters_and_buffers_have_the_layers_shapes():
    found = explain_norm(BatchNormSpec(), (8, 6, 4, 4))
    assert found.parameters == {"weight": (6,), "bias": (6,)}
    assert found.buffers == {"running_mean": (6,), "running_var": (6,), "num_batches_tracked": ()}


def test_the_example_can_be_checked_by_hand():
    """1, 2, 3, 6 have mean 3 and variance 14 / 4; so 1 becomes -2 / sqrt(3.5)."""
    first = explain_norm(LayerNormSpec(), (8, 4)).example.rows[0]
    assert first.values == (1, 2, 3, 6)
    assert first.output == pytest.approx([-1.069, -0.5345, 0, 1.6036], abs=1e-4)


def test_running_statistics_are_the_documents_step_by_step():
    """Document 2 (BatchNorm1d), rows A1 and A2: (3, 5, 1), channel i holds i + 1, momentum 0.3, two passes."""
    found = explain_norm(BatchNormSpec(momentum=0.3), (3, 5, 1)).running
    assert found.means == pytest.approx([0.51, 1.02, 1.53, 2.04, 2.55])
    assert found.variances == pytest.approx([0.49] * 5)
    assert [(step.mean, step.var) for step in found.steps] == [pytest.approx((0.3, 0.7)), pytest.approx((0.51, 0.49))]
    out = normbench("explain", "batch_norm", "--shape", "3,5,1", "--set", "momentum=0.3").out
    for line in (
        "running <- (1 - momentum) * running + momentum * batch",
        "step 1  running_mean  (1 - 0.3) * 0 + 0.3 * 1 = 0.3",
        "running_var   (1 - 0.3) * 1 + 0.3 * 0 = 0.7",
        "step 2  running_mean  (1 - 0.3) * 0.3 + 0.3 * 1 = 0.51",
        "running_var   (1 - 0.3) * 0.7 + 0.3 * 0 = 0.49",
    ):
        assert line in out


def test_layer_norm_by_hand_has_every_step():
    out = normbench("explain", "layer_norm", "--by-hand").out
    for line in (
        "mean         (1 + 2 + 3 + 6) / 4 = 12 / 4 = 3",
        "squared      4, 1, 0, 9",
        "var          (4 + 1 + 0 + 9) / 4 = 14 / 4 = 3.5",
        "= (1 - 3) / sqrt(3.5 + 1e-05) * 1 + 0",
        "= -1.06904",
    ):
        assert line in out


@pytest.mark.parametrize(
    ("spec", "printed"),
    [
        (BatchNormSpec(), 13.83),
        (LayerNormSpec(), 6.92),
        (InstanceNormSpec(), 221.67),
        (GroupNormSpec(num_groups=8), 55.41),
    ],
)
def test_the_documents_sums_of_differences_come_from_n_minus_1(spec, printed):
    """By hand against torch, row A11: the page names the printed sum and what it follows from."""
    found = difference_by_hand(spec, (16, 32, 64, 64))
    assert found.result == pytest.approx(printed, rel=0.005)
    assert found.layer == pytest.approx(found.result, rel=0.002)
    (told,) = [text for text in spec.about.documents if str(printed) in text]
    assert told.endswith(f": {found.result:.2f}.")


def test_momentum_is_told_with_its_memory_and_the_other_convention():
    _, out, _ = normbench("explain", "batch_norm", "--set", "momentum=0.05")
    told = "0.05 is the share of the new batch; memory of about 20.0 steps; others call 0.95, the share of the old"
    assert told in " ".join(out.split())


def test_every_norm_has_a_line_on_the_page_of_norm():
    _, out, _ = normbench("explain", "norm")
    listed = {line.split()[0] for line in out.partition("all norms at")[2].splitlines()[2:] if line.strip()}
    assert {"batch_norm", "group_norm", "ibn", "switchable_norm", "rms_norm"} <= listed


def test_json_holds_what_the_text_says():
    _, out, _ = normbench("explain", "group_norm", "--shape", "4,6,5,5", "--set", "num_groups=3", "--json")
    found = json.loads(out)["pages"][0]
    assert found["kind"] == "norm"
    assert (found["training"]["num_statistics"], found["training"]["averaged_axes"]) == (12, "C/G H W")


def test_dropout_is_explained_with_both_rules():
    rows = dict(explain_dropout().table.rows)
    total, spread, evaluated = rows["p = 0.5"]
    assert (spread, evaluated) == (100, 10_000)
    assert abs(total - 10_000) < 4 * spread
    assert rows["p = 0.3, older rule"][2] == 7000


def test_weight_decay_is_explained_with_the_steps_of_each_rule():
    """From 1 with gradient 0.5, lr 0.1, decay 0.1: sgd steps by 0.1 (0.5 + 0.1), adamw first shrinks by 1 - 0.01."""
    rows = dict(explain_weight_decay().table.rows)
    assert rows["sgd, momentum 0, weight_decay 0.1"][0] == pytest.approx(0.94)
    assert rows["sgd, momentum 0.9, weight_decay 0.1"][1] == pytest.approx(0.94 - 0.1 * (0.9 * 0.6 + 0.5 + 0.094))
    assert rows["adamw, weight_decay 0.1"][0] == pytest.approx(0.99 - 0.1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["group_norm", "--shape", "32,6,4,4", "--set", "num_groups=4"],
            (
                "explain group_norm --shape 32,6,4,4: "
                "num_groups: must divide the 6 features, got 4. Use one of 1, 2, 3, 6."
            ),
        ),
        (
            ["batch_norm", "--shape", "32,x"],
            (
                "--shape 32,x: must be N,C or N,C,L or N,C,H,W or N,C,D,H,W in whole numbers, got '32,x'. "
                "Example: --shape 32,64,14,14"
            ),
        ),
        (
            ["batch_norm", "--set", "momentum=2"],
            "--set momentum=2: norm.momentum: must be <= 1, got 2.",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(words, message):
    code, _, err = normbench("explain", *words)
    assert (code, err.strip()) == (2, message)


def test_an_unknown_name_gets_the_near_one():
    code, _, err = normbench("explain", "batchnorm")
    assert code == 2
    assert err.startswith("explain batchnorm: must be a part, a setting or a key of a study, got 'batchnorm'.")
    assert err.strip().endswith("Write batch_norm.")
    assert normbench("explain", "norm.momentun").err.strip().endswith("Did you mean 'norm.momentum'?")


@pytest.mark.parametrize(
    "words",
    [
        ["instance_norm"],
        ["batch_norm", "--set", "track_running_stats=false"],
        ["switchable_norm", "--set", "average=batch"],
    ],
)
def test_momentum_is_not_told_where_nothing_uses_it(words):
    _, out, _ = normbench("explain", *words, "--json")
    assert json.loads(out)["pages"][0]["momentum"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "eps=1"], "--set eps=1: must go with the name of a norm or a weight parametrization, got none."),
        (
            ["dropout", "--set", "p=1"],
            "a norm or a weight parametrization, got dropout.",
        ),
        (["mlp", "--shape", "3,5"], "--shape 3,5: must go with norm or the name of a norm, got mlp. Example:"),
        (["--shape", "3,5"], "--shape 3,5: must go with norm or the name of a norm, got none. Example:"),
        (["lr", "--by-hand"], "--by-hand: must go with a norm, a weight parametrization, dropout or weight_decay, got"),
        (["batch_norm", "--shape", "2,\u00b2"], "--shape 2,\u00b2: must be N,C or"),
        (["layer_norm", "--shape", "2,1"], "got 'layer_norm'. Use batch_norm."),
    ],
)
def test_what_explain_cannot_use_is_refused(words, message):
    code, _, err = normbench("explain", *words)
    assert (code, message in err) == (2, True)


def test_a_filter_of_weight_standardization_can_be_checked_by_hand():
    """1, 2, 3, 6 have mean 3 and variance 14 / 4, whatever v is multiplied by."""
    first = explain_weight_parametrization(WeightStandardizationSpec()).example[0]
    assert first.values == (1, 2, 3, 6)
    assert first.output == pytest.approx([-1.069, -0.5345, 0, 1.6036], abs=1e-4)


def test_weights_are_measured_before_and_after():
    start, parametrized, doubled = explain_weight_parametrization(WeightStandardizationSpec()).figures
    assert start.std == pytest.approx(1 / (3 * 64 * 9) ** 0.5, rel=0.01)  # torch: uniform with variance 1 / (3 fan_in)
    assert [figures.std for figures in (parametrized, doubled)] == pytest.approx([1, 1], abs=1e-6)
    assert parametrized.mean == (0, 0)
    start, parametrized, doubled = explain_weight_parametrization(AsLearned()).figures
    assert (parametrized.std, doubled.std) == pytest.approx((start.std, 2 * start.std))


def test_what_a_weight_parametrization_ignores_is_measured():
    both = explain_weight_parametrization(WeightStandardizationSpec()).unchanged_by
    assert (len(both), explain_weight_parametrization(WeightNormSpec()).unchanged_by) == (2, both[:1])
    assert explain_weight_parametrization(AsLearned()).unchanged_by == ()


def test_a_weight_parametrization_takes_settings():
    _, out, _ = normbench("explain", "weight_standardization", "--set", "compat=official")
    assert "compat  official: " in out


def test_momentum_means_what_each_part_says():
    told = " ".join(normbench("explain", "momentum").out.split())
    assert "norm.momentum · setting of batch_norm" in told
    assert "Share of the new batch in running statistics" in told
    assert "optimizer.momentum · setting of sgd meaning Velocity factor" in told


@pytest.mark.parametrize(
    ("name", "headings"),
    [
        ("dropout", ["dropout · regularizer", "dropout · setting of every run"]),
        ("weight_decay", ["weight_decay · regularizer", "weight_decay · setting of every run"]),
        ("ibn", ["ibn · norm at (32, 64, 14, 14)", "model.ibn · setting of resnet"]),
        ("none", ["none · norm at (32, 64, 14, 14)", "none · weight parametrization"]),
    ],
)
def test_a_name_that_means_two_things_prints_both(name, headings):
    lines = normbench("explain", name).out.splitlines()
    assert [line for line in lines if line in headings] == headings


def test_json_has_the_pages_and_the_blocks():
    found = json.loads(normbench("explain", "optimizer.lr", "--json").out)
    assert {page["key"] for page in found["pages"]} == {"optimizer.lr"}
    assert len(found["blocks"]) == len(found["pages"])


def test_more_groups_than_can_be_drawn_are_explained_without_a_drawing():
    code, out, err = normbench("explain", "group_norm", "--shape", "4,100,2,2", "--set", "num_groups=100", "--by-hand")
    assert (code, err) == (0, "")
    assert "\nblock " not in out
    assert "batch of (4, 100, 2, 1), a piece of this shape" in out


def test_groups_beyond_the_alphabet_have_letters_of_their_own():
    (first, *_), _ = draw_block(GroupNormSpec(num_groups=32), (32, 4, 4))
    assert first.split()[25:28] == ["z", "aa", "ab"]
