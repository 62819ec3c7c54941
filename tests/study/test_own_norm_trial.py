"""A norm of the user's that fails in a network of normbench's is one line of the study file, not a traceback."""

import pytest

from normbench import load_study
from normbench.errors import ConfigError

NORM = """from torch import nn


class Mine(nn.Module):
    def __init__(self, num_features):
        super().__init__()

    def forward(self, x):
        if {condition}:
            return missing
        return x
"""
STUDY = "model: mlp\ndataset: gaussian_clusters\nnorm: {name: own, layer: failing_norm:Mine}\n"


@pytest.mark.parametrize("condition", ["self.training", "not self.training", "x.device.type == 'cpu'"])
def test_a_failing_forward_is_told_with_its_line(tmp_path, condition):
    (tmp_path / "failing_norm.py").write_text(NORM.format(condition=condition))
    (tmp_path / "a.yaml").write_text(STUDY)
    with pytest.raises(ConfigError) as raised:
        load_study(tmp_path / "a.yaml")
    assert str(raised.value).endswith(
        "a.yaml:3: norm.layer: must normalize what mlp gives it, it ended with failing_norm.py line 10: NameError: "
        "name 'missing' is not defined, got 'failing_norm:Mine'. Try it alone: normbench check-norm failing_norm:Mine"
    )
