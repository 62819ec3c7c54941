"""Finds what may go wrong in a run before anything trains: errors, warnings, notes."""

from dataclasses import replace

from normbench.errors import SettingError
from normbench.findings import LEVELS, Finding, share_findings
from normbench.inspection.checks.base import Setup, find_checks
from normbench.inspection.forward_pass import norm_calls
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.network import network_without_numbers
from normbench.study.study import Study


def preflight(config: RunConfig) -> list[Finding]:
    """Return findings on a run's settings and network, without training.

    Errors are settings that contradict each other, which ``load_study`` refuses; with one, nothing else is looked at.
    Nothing is changed, torch's random state neither.

    Returns:
        Findings, errors first, then warnings, then notes; each check's from input to output.

    Example:
        >>> from normbench.study.config import RunConfig
        >>> settings = {"model": "mlp", "norm": "batch_norm", "dataset": "gaussian_clusters", "dropout": 0.5}
        >>> found = preflight(RunConfig.model_validate(settings))
        >>> [(*finding.layers, finding.source) for finding in found if finding.level == "warning"]
        [('hidden2.norm', 'dropout_before_norm'), ('hidden3.norm', 'dropout_before_norm')]
    """
    errors = contradictions(config)
    if errors:
        return [_as_finding(error) for error in errors]
    setup = Setup(config, network_without_numbers(config), tuple(norm_calls(config)))
    found = [replace(one, source=name) for name, find in find_checks().items() for one in find(setup)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def study_findings(study: Study) -> list[Finding]:
    """Return findings on a study's arms, at their given settings; what arms and layers share is one finding."""
    return share_findings({arm: preflight(config) for arm, config in study.arms.items()})


def _as_finding(error: SettingError) -> Finding:
    what = f"{error.key}: {error.rule}, got {error.value!r}"
    layers = (error.layer,) if error.layer else ()
    return Finding("error", layers, what, way_out=error.way_out, source="contradictions")
