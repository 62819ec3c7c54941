"""Every number that a setting may be, as large, small and odd as its type allows, each in a config that trains."""

import math
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from contracts.variants import takes, with_defaults

from normbench.errors import ConfigError
from normbench.inspection.preflight import study_findings
from normbench.parts import LARGEST_FLOAT, SMALLEST_FLOAT
from normbench.scheduling.one_job import JobMaker
from normbench.scheduling.plan import make_plan
from normbench.scheduling.run_result import RunOptions
from normbench.storage.run_status import RunStatus
from normbench.study.config import RunConfig
from normbench.study.load import load_study

PARTS = ("model", "norm", "dataset", "optimizer", "schedule", "weight_parametrization")
FLOATS = [0.0, -0.0, SMALLEST_FLOAT, 1e-30, 1e-7, 1.0, 1e10, 1e30, LARGEST_FLOAT, -LARGEST_FLOAT, -1.0]
BEYOND = [1e-300, 1e-307, 1e-42, 3.5e38, -3.5e38, 1e308, math.inf, -math.inf, math.nan]
"""What no setting of a run takes: float32 does not hold it."""
INTEGERS = [0, 1, 2, -1, 2**31, 2**53 + 1, 2**63 - 1]
EXTREMES: dict[type, list[Any]] = {float: [*FLOATS, *BEYOND], int: INTEGERS}
TINY = {
    "model": {"name": "mlp", "hidden_features": [4]},
    "dataset": {"name": "gaussian_clusters", "num_samples": 20},
    "num_steps": 2,
    "batch_size": 4,
    "recording": {"tensorboard": False, "figures": False},
}
IMAGES = {"dataset": {"name": "gratings", "num_samples": 20}}
SEQUENCES = {"dataset": {"name": "sequences", "num_samples": 20}}
SMALL_RESNET = {"name": "resnet", "width": 4}
NEEDED: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("lenet", "resnet"), IMAGES),
    **dict.fromkeys(("rnn", "transformer"), SEQUENCES),
    **{dataset: {"model": SMALL_RESNET} for dataset in ("banknotes", "contrast", "gratings", "style_removal")},
    **{norm: {"model": SMALL_RESNET} | IMAGES for norm in ("adain", "ibn", "instance_norm", "local_response_norm")},
    "sequences": {"model": {"name": "rnn", "hidden_features": 4}},
    "gaussian_noise": {"num_steps": 0},
}
"""What a variant needs beside it; all others train in the tiny config."""


class Setting(NamedTuple):
    """A setting that is a number: its part and variant ("" for one of the run), its key, its type."""

    part: str
    variant: str
    key: str
    kind: type
    is_listed: bool = False

    @property
    def needs_images(self) -> bool:
        """Whether it trains on images, which takes a hundred times as long."""
        needed = NEEDED.get(self.variant, {})
        return needed.get("model") == SMALL_RESNET or "gratings" in str(needed)

    def config(self, value: Any) -> dict[str, Any]:
        """Return a config in which the setting has this value."""
        said = [value] if self.is_listed else value
        if not self.part:
            return TINY | {self.key: said}
        base = TINY | NEEDED.get(self.variant, {})
        known = base.get(self.part, {})
        kept = known if known.get("name") == self.variant else {}
        return base | {self.part: kept | {"name": self.variant, self.key: said}}


def numeric_settings() -> list[Setting]:
    """Return every setting that is a number, or a list of numbers, of a run and of all variants that have defaults."""
    owners = [("", "", RunConfig)]
    owners += [(part, name, spec) for part in PARTS for name, spec in with_defaults(f"{part}s").items()]
    return [
        Setting(part, name, field.alias or key, kind, is_listed)
        for part, name, owner in owners
        for key, field in owner.model_fields.items()
        for kind in (int, float)
        for is_listed in (False, True)
        if takes(field.annotation, kind, in_list=is_listed)
    ]


def _told(error: ConfigError, key: str) -> str:
    for line in error.complaints:
        assert re.match(r"a\.yaml:\d+: [a-z_.\d]+: \S", line), line
        assert key in line
    return "told"


def end_of(setting: Setting, value: Any) -> str:
    """Return what becomes of a config with this value: "told", or how its run of two steps ends.

    Raises:
        AssertionError: A complaint names no place and key, or a run fails for another reason than its memory.
    """
    Path("a.yaml").write_text(yaml.safe_dump(setting.config(value), sort_keys=False), encoding="utf-8")
    try:
        study = load_study(Path("a.yaml"))
    except ConfigError as error:
        return _told(error, setting.key if value in BEYOND else "")
    study_findings(study)
    if setting.key in ("num_steps", "num_epochs") and value > 2:
        return "endless"
    (job,) = make_plan(study, Path("runs")).jobs
    (result,) = JobMaker().make(job, RunOptions())
    shutil.rmtree("runs")
    named = result.status != RunStatus.FAILED or "Use a smaller batch_size or model" in result.error
    assert named, f"{setting} {value}: {result.error}"
    return str(result.status)
