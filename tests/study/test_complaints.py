"""What a mistake in a config says, word for word: place, key, rule, value, way out."""

from pathlib import Path
from typing import get_args

import pytest

from normbench.errors import ConfigError, SettingError, did_you_mean, divisors_text
from normbench.parts import find_specs
from normbench.storage.files.located import Located
from normbench.study.complaints import STUDY_KEYS, setting_complaint
from normbench.study.config import Init, RunConfig
from normbench.study.load import StudyKeys, load_study

# Lists that grow with every new file or setting; what is compared is all that stands around them.
NORMS, MODELS, DATASETS = (", ".join(find_specs(f"normbench.{part}")) for part in ("norms", "models", "datasets"))
INITS = ", ".join(get_args(Init))
KNOWN = "must be a known name"
UNKNOWN = "is not a setting of a run."
SETTINGS = f"Settings: {', '.join(RunConfig.model_fields)}."
BUDGETS = "num_epochs: must be the only budget, beside it stands num_steps, got 4. Remove one of them."
SCALING = "reference_batch_size: must be given together with lr_scaling: linear or sqrt, and only then"
SEEDS = "seeds: must be a count from 1 to 10,000, a list of seeds from 0, or {check_after: [...]}"
CHECKS = "must be at most 100 increasing numbers of seeds from 6 to 10,000"
PLANNED = "Example: seeds: {check_after: [8, 16, 32, 64]}"
IN_NAMES = "must be letters, digits, '_', '-' and '.', starting with a letter or digit"
HEAD = "model: mlp\ndataset: linear_regression\nbatch_size: 10\n"
IMAGES = "model: lenet\ndataset: banknotes\n"


def complaints_of(text, **options):
    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_study(Path("a.yaml"), **options)
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "norm: groupnorm",
            f"norm: must be a known name, got 'groupnorm'. Did you mean 'group_norm'? One of: {NORMS}.",
        ),
        ("norm: 7", f"norm: must be a known name, got 7. One of: {NORMS}."),
        (
            "norm: {name: [batch_norm]}",
            f"norm: must be a known name, got ['batch_norm']. Did you mean 'batch_norm'? One of: {NORMS}.",
        ),
        ("norm: bn", f"norm: must be a known name, got 'bn'. Write batch_norm. One of: {NORMS}."),
        (
            "norm: {name: gn, num_groups: 2}",
            f"norm: must be a known name, got 'gn'. Write group_norm. One of: {NORMS}.",
        ),
        ("norm: LN", f"norm: must be a known name, got 'LN'. Write layer_norm. One of: {NORMS}."),
        ("norm: in", f"norm: must be a known name, got 'in'. Write instance_norm. One of: {NORMS}."),
        ("epochs: 3", f"epochs: {UNKNOWN} Write num_epochs."),
        ("keep_prob: 0.5", f"keep_prob: {UNKNOWN} Write dropout: the probability of zeroing, 1 - keep_prob."),
        ("lr: 0.1", f"lr: {UNKNOWN} It is a setting of sgd: write it under optimizer."),
        ("num_groups: 2", f"num_groups: {UNKNOWN} It is a setting of evo_norm_s0 or group_norm: write it under norm."),
        ("depth: 2", f"depth: {UNKNOWN} It is a setting of mlp or resnet: write it under model."),
        ("batch_norm: {momentum: 0.2}", f"batch_norm: {UNKNOWN} It is a norm: write norm.momentum."),
        ("batch_norm: true", f"batch_norm: {UNKNOWN} It is a norm: write norm: batch_norm."),
        ("adam: {lr: 1}", f"adam: {UNKNOWN} It is an optimizer: write optimizer.lr."),
        ("weight_decy: 1", f"weight_decy: {UNKNOWN} Did you mean 'weight_decay'? {SETTINGS}"),
        ("zzz: 1", f"zzz: {UNKNOWN} {SETTINGS}"),
        (
            "norm: {name: group_norm, grups: 3}",
            (
                "norm.grups: is not a setting of group_norm. Did you mean 'num_groups'? "
                "Settings: num_groups, channels_per_group, eps, affine."
            ),
        ),
        ("norm: {name: none, eps: 1}", "norm.eps: is not a setting of none. Settings: none."),
        (
            "recording: {every: 1}",
            (
                "recording.every: is not a setting of recording. Did you mean 'every_steps'? Settings: every_steps, "
                "histograms, biases, tensorboard, figures, gradient_shift, diagnostics, loss_surface."
            ),
        ),
        ("dropout: 1.0", "dropout: must be < 1, got 1.0."),
        ("dropout: -0.1", "dropout: must be >= 0, got -0.1."),
        ("optimizer: {lr: 0}", "optimizer.lr: must be > 0, got 0."),
        ("optimizer: {lr: .inf}", "optimizer.lr: must be a finite number, got inf."),
        ("norm: {name: batch_norm, momentum: 2}", "norm.momentum: must be <= 1, got 2."),
        ("weight_decay: on", "weight_decay: must be a number, got 'on'."),
        ("weight_decay: [1]", "weight_decay: must be a number, got [1]."),
        ('num_steps: "16"', "num_steps: must be a whole number, got '16'."),
        ("num_steps: true", "num_steps: must be a whole number, got True."),
        ("num_steps: 1e1", "num_steps: must be a whole number, got 10.0."),
        ("recording: {figures: 1}", "recording.figures: must be true or false, got 1."),
        ("recording: [1]", "recording: must be a mapping of settings, got [1]. Example: recording: {every_steps: 10}"),
        (
            "init: kaiming",
            f"init: must be a known name, got 'kaiming'. Did you mean 'kaiming_normal'? One of: {INITS}.",
        ),
        ("fix: data", "fix: must be a list, got 'data'."),
        ("fix: [data, dat]", "fix.1: must be a known name, got 'dat'. Did you mean 'data'? One of: data, init."),
        ("lr_scaling: linear", f"{SCALING}, got None. Set both or neither."),
        ("reference_batch_size: 8", f"{SCALING}, got 8. Set both or neither."),
        ("seeds: 0", f"{SEEDS}, got 0. Example: seeds: 8"),
        ("seeds: 10001", f"{SEEDS}, got 10001. Example: seeds: 8"),
        ("seeds: true", f"{SEEDS}, got True. Example: seeds: 8"),
        ("seeds: []", f"{SEEDS}, got []. Example: seeds: 8"),
        ("seeds: [0, -1]", f"{SEEDS}, got [0, -1]. Example: seeds: 8"),
        ("seeds: {}", f"seeds: must hold check_after and nothing else, got {{}}. {PLANNED}"),
        (
            "seeds: {check_after: [8], at: 9}",
            f"seeds: must hold check_after and nothing else, got {{'check_after': [8], 'at': 9}}. {PLANNED}",
        ),
        ("seeds: {check_after: 8}", f"seeds.check_after: {CHECKS}, got 8. {PLANNED}"),
        ("seeds: {check_after: [16, 8]}", f"seeds.check_after: {CHECKS}, got [16, 8]. {PLANNED}"),
        ("seeds: {check_after: [8, 8]}", f"seeds.check_after: {CHECKS}, got [8, 8]. {PLANNED}"),
        ("seeds: {check_after: [5, 8]}", f"seeds.check_after: {CHECKS}, got [5, 8]. {PLANNED}"),
        ("seeds: {check_after: [8, 10001]}", f"seeds.check_after: {CHECKS}, got [8, 10001]. {PLANNED}"),
        ("seeds: {check_after: []}", f"seeds.check_after: {CHECKS}, got []. {PLANNED}"),
        ("study: ../elsewhere", f"study: {IN_NAMES}, got '../elsewhere'."),
        ("arms: {a/b: {}}", f"arms.a/b: {IN_NAMES}, got 'a/b'."),
        ("arms: {}", "arms: must have 1 entry or more, got {}."),
        ("arms: [a]", "arms: must be a mapping, got ['a']."),
        ("arms: {a: 3}", "arms.a: must be a mapping, got 3."),
        ("tune: {optimizer.lr: [0.01, {name: {}}]}", "optimizer.lr: must be a number, got {'name': {}}."),
        ("grid: {norm: none}", "grid.norm: must be a list, got 'none'."),
        ("grid: {norm: []}", "grid.norm: must have 1 entry or more, got []."),
        ("quotes: {a: 3}", "quotes.a: must be text, got 3."),
        (
            "zip: {dropout: [0, 0.5], l1: [1]}",
            "zip: must hold lists of one length, got {'dropout': 2, 'l1': 1}. Make them equal.",
        ),
        (
            "norm: {name: group_norm, num_groups: 3}",
            f"norm.num_groups: must divide the 200 features of layer hidden1, got 3. Use one of {divisors_text(200)}.",
        ),
        (
            "norm: {name: layer_norm, over: map}",
            (
                "norm.over: must be sample or position where features have no positions, as in shape (200,) of layer "
                "hidden1, got 'map'. Use over: sample."
            ),
        ),
    ],
)
def test_one_mistake_is_one_line(line, message):
    (complaint,) = complaints_of(f"{HEAD}{line}\n")
    place, _, said = complaint.partition(" ")
    assert said == message
    assert place == ("a.yaml:1:" if "got None" in message else "a.yaml:4:")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("dataset: banknotes\n", [f"a.yaml:1: model: must be given, got nothing. Write one of {MODELS}."]),
        (
            "model: lenet_bn\ndataset: rmb\n",
            [
                f"a.yaml:1: model: {KNOWN}, got 'lenet_bn'. Write model: lenet, norm: batch_norm. One of: {MODELS}.",
                f"a.yaml:2: dataset: {KNOWN}, got 'rmb'. Write banknotes. One of: {DATASETS}.",
            ],
        ),
        (
            f"{IMAGES}norm: {{name: group_norm, num_groups: 4}}\n",
            ["a.yaml:3: norm.num_groups: must divide the 6 features of layer conv1, got 4. Use one of 1, 2, 3, 6."],
        ),
        (
            "model: lenet\ndataset: linear_regression\nbatch_size: 10\n",
            [
                (
                    "a.yaml:1: model.name: must get images (C, H, W) of 16x16 or larger, got (1,). "
                    "Use model: mlp, or dataset: banknotes."
                )
            ],
        ),
        (
            f"{HEAD.replace('10', '1')}norm: batch_norm\n",
            [
                (
                    "a.yaml:3: batch_size: must give batch_norm 2 values per channel or more (features of shape "
                    "(200,)), got 1. Use a larger batch, or norm: layer_norm, which does not look at the batch."
                )
            ],
        ),
        (
            f"{HEAD.replace('10', '11')}",
            [
                (
                    "a.yaml:3: batch_size: must be at most the 10 training samples, got 11. "
                    "Use a smaller batch or more samples."
                )
            ],
        ),
        (
            "model: mlp\ndataset: gaussian_noise\nnum_steps: 3\n",
            [
                (
                    "a.yaml:3: num_steps: must be 0 with gaussian_noise, which has no target to train on, got 3. "
                    "Write num_steps: 0."
                )
            ],
        ),
        (f"{HEAD}num_steps: 3\nnum_epochs: 4\n", [f"a.yaml:5: {BUDGETS}"]),
        (f"{HEAD}arms:\n  a:\n    num_steps: 3\n    num_epochs: 4\n", [f"a.yaml:7: {BUDGETS}"]),
    ],
)
def test_a_mistake_names_its_line(text, messages):
    assert complaints_of(text) == messages


def test_all_mistakes_of_a_file_are_told_at_once():
    text = "model: mpl\ndataset: {name: linear_regression, slop: 2}\ndropout: 2\nlearning_rate: 1\nseeds: 0\n"
    assert sorted(complaints_of(text)) == [
        f"a.yaml:1: model: must be a known name, got 'mpl'. Did you mean 'mlp'? One of: {MODELS}.",
        (
            "a.yaml:2: dataset.slop: is not a setting of linear_regression. "
            "Did you mean 'slope'? Settings: num_samples, slope, train_noise_std, test_noise_std, training_set."
        ),
        "a.yaml:3: dropout: must be < 1, got 2.",
        f"a.yaml:4: learning_rate: {UNKNOWN} {SETTINGS}",
        f"a.yaml:5: {SEEDS}, got 0. Example: seeds: 8",
    ]


@pytest.mark.parametrize("size", ["99999999999999999999", "100000000000"])
def test_a_network_no_machine_can_hold_is_a_mistake(size):
    text = f"model: {{name: mlp, hidden_features: [{size}, {size}]}}\ndataset: linear_regression\nbatch_size: 10\n"
    assert all(line.startswith("a.yaml:1: model.hidden_features") for line in complaints_of(text))


def test_a_part_without_a_name_is_told_to_have_one():
    (complaint,) = complaints_of(f"{HEAD}norm: {{num_groups: 4}}\n")
    assert "Did you mean" not in complaint


def test_a_part_without_a_name_is_told_the_one_that_has_its_settings():
    (complaint,) = complaints_of("model: {build: my_net:build}\ndataset: digits\n")
    assert complaint.endswith(f"got {{'build': 'my_net:build'}}. Write name: own. One of: {MODELS}.")


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("dataset: {name: csv, file: a.csv, target: y, missing: {v: mean}}", ["missing.fill", "missing.v"]),
        ("dataset: digits\nnorm: {name: group_norm, num_groups: {at_least: 2}}", ["num_groups"]),
    ],
)
def test_a_wrong_key_deep_inside_a_part_is_told(line, keys):
    complaints = complaints_of(f"model: mlp\n{line}\n")
    assert all(any(key in complaint for complaint in complaints) for key in keys)


def test_a_list_of_wrong_entries_is_not_too_short_as_well():
    complaints = complaints_of(f"{HEAD}schedule: {{name: step, milestones: [3, 90]}}\n")
    assert [line.split(": ")[1] for line in complaints] == ["schedule.milestones.0", "schedule.milestones.1"]


@pytest.mark.parametrize(
    ("line", "example"),
    [
        ("metric: accuracy", "metric: {name: auc, function: my_scores:auc, better: higher}"),
        ("swap: encoder", "swap: {where: ['encoder.*']}"),
    ],
)
def test_what_must_be_a_mapping_has_an_example(line, example):
    (complaint,) = complaints_of(f"{HEAD}{line}\n")
    assert complaint.endswith(f"got {line.partition(': ')[2]!r}. Example: {example}")


def test_what_is_wrong_with_a_file_is_told_in_full():
    """The value says which file, and why; cut after 60 letters it would say neither."""
    value = f"a/1.png, which {'is broken ' * 9}"
    found = SettingError("dataset.root", "must hold images", value, "")
    assert setting_complaint(found, Located({})) == f": dataset.root: must hold images, got {value!r}."


@pytest.mark.parametrize(("line", "example"), [("model: own", "build: my_net:build"), ("norm: {name: own}", "layer: ")])
def test_what_must_be_given_has_an_example(line, example):
    model = "" if line.startswith("model") else "model: {name: own, build: my_net:build}\n"
    (complaint,) = complaints_of(f"{model}{line}\ndataset: digits\n")
    assert f" must be given, got nothing. Example: {example}" in complaint


def test_the_name_of_a_part_is_no_key_of_the_command_line_either():
    (complaint,) = complaints_of(HEAD, set_=["batch_norm.momentum=0.2"])
    place = "--set batch_norm.momentum=0.2: batch_norm"
    assert complaint == f"{place}: {UNKNOWN} It is a norm: write norm.momentum."


def test_a_long_value_is_cut():
    (complaint,) = complaints_of(f"{HEAD}norm: {'x' * 100}\n")
    assert complaint == f"a.yaml:4: norm: must be a known name, got '{'x' * 56}.... One of: {NORMS}."


def test_a_refusal_seen_from_the_config_names_part_and_layer():
    refusal = SettingError("num_groups", "must divide the 6 features", 4, "Use 3.").within("norm", "conv1")
    assert str(refusal) == "norm.num_groups: must divide the 6 features of layer conv1, got 4. Use 3."


def test_a_word_far_from_all_known_ones_gets_no_hint():
    assert did_you_mean("qqq", ["batch_norm", "none"]) == ""


def test_the_keys_of_a_study_are_those_that_messages_know():
    assert set(STUDY_KEYS) == set(StudyKeys.model_fields)
