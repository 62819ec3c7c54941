"""What options of a command may say: each setting once."""

from pathlib import Path

import pytest
from made_up_runs import TINY

from normbench.errors import ConfigError
from normbench.study.load import load_study


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
