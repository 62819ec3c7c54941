"""Checks whether a result in a folder is the requested one: the same settings, and everything recorded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normbench.errors import RunFolderError
from normbench.storage.contents.summary import SummaryContent
from normbench.storage.identity import NUM_DIGITS_SHOWN, NUMERICS, RunIdentity
from normbench.storage.resolved_settings import settings_of_run
from normbench.storage.run_folder import Run
from normbench.study.config import RunConfig
from normbench.study.resolved import flat_settings
from normbench.study.setting_groups import RecordingConfig

MAX_LISTED = 6
"""Most settings that a message lists."""
DRAWN_AFTERWARDS = ("figures",)
"""Switches for pictures that are drawn after the runs; runs do not record them."""


def describe_recording(config: RunConfig) -> dict[str, Any]:
    """Return what a run records: updates between two rows, kinds of histograms, and each switch that is on."""
    recording = config.recording
    on = {key: True for key in RecordingConfig.switches() if key not in DRAWN_AFTERWARDS and getattr(recording, key)}
    kinds = sorted(recording.histograms) if recording.tensorboard else []
    return {"every_steps": config.every_steps, "histograms": kinds} | on


def find_mismatch(folder: Path, config: RunConfig, identity: RunIdentity, *, may_lack_histograms: bool = False) -> str:
    """Return why an undamaged result in a folder is not the requested run, as a sentence; "" if it is.

    With ``may_lack_histograms`` a run with scalars alone in TensorBoard counts; not one with other histograms.
    """
    try:
        summary = Run(folder, int(folder.name.removeprefix("seed-"))).summary
    except RunFolderError as error:
        return str(error).partition(". ")[0] + "."
    if summary.get("identity") != identity.sha256:
        rule = f"must be a run of the settings {identity.short}"
        return f"{folder}: {rule}, got {_differences(folder, summary, config, identity)}."
    asked = describe_recording(config)
    had = summary.get("recorded", {})
    if may_lack_histograms and not had.get("histograms"):
        asked["histograms"] = []
    lacks = _missing_recording(had, asked)
    return f"{folder}: must have recorded {lacks}, got a run that did not." if lacks else ""


def _differences(folder: Path, summary: SummaryContent, config: RunConfig, identity: RunIdentity) -> str:
    """Return the settings in which a found run differs: "optimizer.lr 0.01 instead of 0.02"."""
    if "identity" not in summary:
        return "a run of normbench 0.1.0"
    mine = flat_settings(config) | {"numerics": NUMERICS, "engine": identity.engine}
    theirs = settings_of_run(folder) | {key: summary.get(key) for key in ("numerics", "engine")}
    keys = [key for key in dict.fromkeys([*mine, *theirs]) if not key.startswith("recording.")]
    differences = [
        f"{key} {theirs.get(key)} instead of {mine.get(key)}"
        for key in keys
        if str(mine.get(key)) != str(theirs.get(key))
    ]
    more = f" and {len(differences) - MAX_LISTED} more" if len(differences) > MAX_LISTED else ""
    return ", ".join(differences[:MAX_LISTED]) + more or f"those of {summary['identity'][:NUM_DIGITS_SHOWN]}"


def _missing_recording(had: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return what was requested and not recorded, as a list in words; "" if nothing is missing."""
    lacks = [f"every {asked['every_steps']} steps"] if had.get("every_steps") != asked["every_steps"] else []
    kinds = set(asked["histograms"]).difference(had.get("histograms") or ())
    lacks += [f"histograms of {', '.join(sorted(kinds))}"] if kinds and had.get("tensorboard") else []
    lacks += [key for key in asked if asked[key] is True and not had.get(key)]
    return ", ".join(lacks)
