"""Settings of small runs, and what preflight finds in them."""

from normbench.inspection.preflight import preflight
from normbench.study.config import RunConfig

IMAGES = {"model": "lenet", "dataset": "banknotes"}
SMALL_IMAGES = {"model": {"name": "resnet", "width": 4}, "dataset": "gratings"}
POINTS = {"model": {"name": "mlp", "hidden_features": [8, 8]}, "dataset": "gaussian_clusters"}
SEQUENCES = {"model": {"name": "transformer", "width": 8}, "dataset": "sequences"}
ALL_OF_LENET = ["conv1.norm", "conv2.norm", "fc1.norm"]
BOTH = ["hidden1.norm", "hidden2.norm"]


def found(level=None, check=None, **settings):
    findings = preflight(RunConfig.model_validate(settings))
    return [one for one in findings if level in (None, one.level) and check in (None, one.source)]


def layers(findings):
    return [layer for one in findings for layer in one.layers]
