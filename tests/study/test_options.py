"""What options of a command may say: each setting once, a count of seeds, or checks."""

from pathlib import Path

import pytest
from command_line import normbench
from made_up_runs import TINY

from normbench.errors import ConfigError
from normbench.study.check_plan import read_check_after
from normbench.study.load import load_study
from normbench.study.options import read_seeds


def complaints_of(**options):
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_study(Path("tiny.yaml"), **options)
    return list(error.value.complaints)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"vary": ["norm=none", "norm=batch_norm"]},
            "--vary norm=batch_norm: norm: must be varied once, got it twice. Write --vary norm=none,batch_norm",
        ),
        (
            {"vary": ["norm=none,layer_norm", "norm.name=none", "norm=batch_norm"]},
            (
                "--vary norm=batch_norm: norm: must be varied once, got it 3 times. "
                "Write --vary norm=none,layer_norm,batch_norm"
            ),
        ),
        ({"set_": ["l1=0.1", "l1=0.2"]}, "--set l1=0.2: l1: must be set once, got it twice. Remove one of them."),
        (
            {"tune": ["l1=0.1,0.2", "l1=0.3,0.4"]},
            "--tune l1=0.3,0.4: l1: must be tuned once, got it twice. Write --tune l1=0.1,0.2,0.3,0.4",
        ),
        (
            {"tune": ["optimizer.lr", "optimizer.lr"]},
            "--tune optimizer.lr: optimizer.lr: must be tuned once, got it twice. Remove one of them.",
        ),
    ],
)
def test_a_setting_is_given_once_per_option(options, complaint):
    assert complaints_of(**options) == [complaint]


def test_a_part_and_its_settings_are_told_apart():
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    study = load_study(Path("tiny.yaml"), set_=["norm=group_norm", "norm.num_groups=1"])
    assert {config.norm.num_groups for config in study.arms.values()} == {1}


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("0", "Example: --seeds 8"),
        ("-1", "Example: --seeds 8"),
        ("2.5", "Example: --seeds 8"),
        ("", "Example: --seeds 8"),
        ("10001", "Example: --seeds 8"),
        ("9" * 50, "Example: --seeds 8"),
        ("0,1,2", "A list of seeds goes into the file: seeds: [0, 1, 2]"),
        ("[3, 5]", "A list of seeds goes into the file: seeds: [3, 5]"),
    ],
)
def test_seeds_are_a_count(text, way_out):
    with pytest.raises(ConfigError) as error:
        read_seeds(text)
    assert error.value.complaints == (f"--seeds {text}: must be a count from 1 to 10,000, got {text!r}. {way_out}",)


@pytest.mark.parametrize("text", ["16,8", "8,8", "5,8", "8,,16", "", "8;16", "8,10001", "9" * 50, "[8, 16]"])
def test_checks_are_increasing_numbers_of_seeds(text):
    with pytest.raises(ConfigError) as error:
        read_check_after(text)
    rule = "must be at most 100 increasing numbers of seeds from 6 to 10,000"
    assert error.value.complaints == (f"--check-after {text}: {rule}, got {text!r}. Example: --check-after 8,16,32",)


@pytest.mark.parametrize("options", [{"until_decided": True}, {"check_after": [8, 16]}])
def test_a_count_and_checks_are_not_asked_for_together(options):
    rule = "must not stand beside --check-after or --until-decided, which say how many seeds there are"
    assert complaints_of(seeds=8, **options) == [f"--seeds 8: {rule}, got both. Example: --check-after 8,16,32"]


@pytest.mark.parametrize("command", ["run", "probe"])
def test_every_command_reads_seeds_alike(command):
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    code, _, err = normbench(command, "tiny.yaml", "--seeds", "-1")
    assert (code, err) == (2, "--seeds -1: must be a count from 1 to 10,000, got '-1'. Example: --seeds 8\n")
