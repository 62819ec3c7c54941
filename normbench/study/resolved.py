"""Writes all settings of a run as a study file that repeats the run, or as one mapping of dotted keys."""

from typing import Any

import yaml
from pydantic import BaseModel

from normbench.storage.files.yaml_file import RESOLVED_HEADER
from normbench.storage.resolved_settings import flatten
from normbench.study.config import RunConfig

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Six times faster where PyYAML was built with libyaml, as it mostly is."""


def resolved_yaml(config: RunConfig, seed: int, *, study: str, arm: str, engine: str) -> str:
    """Return the text of a study file that repeats this one run."""
    content = {"study": study, "arms": {arm: {}}, "seeds": [seed], "engine": engine} | _dump(config)
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, explicit_end=True)
    return f"{RESOLVED_HEADER}: {study}, arm {arm}, seed {seed}.\n{text}"


def flat_settings(config: RunConfig) -> dict[str, Any]:
    """Return every setting under a dotted key: {"norm": "group_norm", "norm.num_groups": 2, ...}."""
    return flatten(_dump(config))


def _dump(config: RunConfig) -> dict[str, Any]:
    dumped = {key: getattr(config, key) for key in RunConfig.model_fields}
    plain = {
        key: value.model_dump(mode="json") if isinstance(value, BaseModel) else value for key, value in dumped.items()
    }
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
