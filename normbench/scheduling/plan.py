"""Plans the runs of a study: one per arm and seed, each with its folder; writes study.json and arm.json."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError
from normbench.evidence.comparison.collapses import LATE_RULE
from normbench.evidence.comparison.comparison import LATE_MARGIN
from normbench.scheduling.accepted_code import identity_in, with_accepted_code
from normbench.scheduling.asked_seeds import history_with
from normbench.scheduling.engine import with_engine
from normbench.scheduling.job import Job
from normbench.scheduling.kept_histograms import may_lack_histograms, recorded_config
from normbench.scheduling.ownership import is_run_config, refuse_another_files_folder, source_path
from normbench.scheduling.planned_run import PlannedRun
from normbench.scheduling.stacks import jobs_of_seeds
from normbench.storage.accepted_code import ACCEPTED_CODE
from normbench.storage.files.atomic import make_folder
from normbench.storage.files.json_files import file_holds, json_ready, write_json, write_sealed_json
from normbench.storage.files.links import refuse_links
from normbench.storage.identity import NUMERICS, RunIdentity, read_identity
from normbench.storage.lock import locked, remove_part_files
from normbench.storage.names import is_name
from normbench.storage.resolved_settings import flatten
from normbench.storage.run_folder import ARM_JSON, STUDY_JSON, SUMMARY_JSON, arm_folder_name
from normbench.storage.seed_history import SEED_HISTORY
from normbench.storage.study_folder import known_study
from normbench.study.arms import entry_of
from normbench.study.resolved import flat_settings
from normbench.study.study import Study
from normbench.training.numerics import available_device

LATE_KEYS = {"collapse": LATE_RULE, "margin": LATE_MARGIN}
"""Keys of a study that must stand in its file before its runs, and their marks in study.json where they did not."""


@dataclass(frozen=True)
class Plan:
    """The runs of a study, with their folders.

    Attributes:
        study: The study, with its device and its engine chosen.
        folder: The study's folder.
        device: The device that ``device: auto`` selects in this study.
        identities: The identity of each arm.
        folders: Name of each arm's folder; arms with equal identities share one.
        runs: The runs, ordered by seed, so that arms can be compared early and share their data.
    """

    study: Study
    folder: Path
    device: str
    identities: Mapping[str, RunIdentity]
    folders: Mapping[str, str]
    runs: Sequence[PlannedRun]

    @property
    def jobs(self) -> list[Job]:
        """The runs, alone or in stacks."""
        return jobs_of_seeds(self.runs, self.study.check_after)


def make_plan(study: Study, runs_dir: Path) -> Plan:
    """Plan the runs of a study; each arm's identity is computed once and stored in its runs.

    Raises:
        ConfigError: The first run was made on a device that this machine does not have.
    """
    folder = runs_dir / study.name
    study, device = on_device(study, runs_dir)
    identities = {arm: identity_in(study, config) for arm, config in study.arms.items()}
    folders = _folder_names(study, folder, identities)
    arms: dict[str, str] = {}
    for arm, identity in identities.items():
        arms.setdefault(identity.sha256, arm)  # a tuned arm may be the given one
    codes = {arm: study.arms[arm].identity().code for arm in arms.values()}
    runs = [
        PlannedRun(
            study.name,
            _label(folders[arm], identities[arm]),
            recorded_config(study, study.arms[arm], seed),
            seed,
            folder / folders[arm] / f"seed-{seed}",
            identities[arm],
            code=codes[arm],
            may_lack_histograms=may_lack_histograms(study, study.arms[arm], seed),
        )
        for seed in study.seeds
        for arm in arms.values()
    ]
    return Plan(study, folder, device, identities, folders, runs)


def on_device(study: Study, runs_dir: Path) -> tuple[Study, str]:
    """Return the study with ``device: auto`` replaced by the device of its first run, or else of this machine.

    With it come its engine, and the code of the user's that was accepted for its runs.

    Raises:
        ConfigError: The first run was made on a device that this machine does not have; stacks are asked for, and an
            arm does not stack.
    """
    folder = runs_dir / study.name
    earlier = known_study(folder)
    known, here = earlier.get("device"), available_device()
    is_open = any(config.device == "auto" for config in study.arms.values())
    if is_open and known == "cuda" != here:
        rule = f"must be cuda, on which the first run of {folder} was made, got a machine without one"
        raise ConfigError([f"{study.source}: device: {rule}. Write device: cpu and another name under study."])
    device = known if known in ("cpu", "cuda") else here
    settled = replace(study, arms={arm: config.on(device) for arm, config in study.arms.items()})
    return with_accepted_code(with_engine(settled, folder, earlier), folder, earlier), device


def _folder_names(study: Study, folder: Path, identities: Mapping[str, RunIdentity]) -> dict[str, str]:
    """Return the name of each arm's folder; arms with equal identities use the label of the first.

    In a file without arms, existing folders keep their names, so that a later --vary adds seeds and not rows.
    """
    names: dict[str, str] = {}
    for arm, identity in identities.items():
        known = _existing_folder_name(folder, identity) if study.is_plain else None
        names.setdefault(identity.sha256, known or arm_folder_name(arm, identity.short))
    return {arm: names[identity.sha256] for arm, identity in identities.items()}


def _existing_folder_name(folder: Path, identity: RunIdentity) -> str | None:
    paths = sorted(folder.glob(f"*-{identity.short}"))
    called = [path.name for path in paths if is_name(_label(path.name, identity))]
    return next((name for name in called if read_identity(folder / name) in (None, identity)), None)


def _label(folder: str, identity: RunIdentity) -> str:
    """Return the arm's label in its folder's name."""
    return folder.removesuffix(f"-{identity.short}")


def write_study_files(plan: Plan) -> None:
    """Write study.json, and missing or damaged arm.json and identity.json, while holding the study's lock.

    Raises:
        OSError: A file cannot be written.
        RunFolderError: A folder is a link, or belongs to another study file.
    """
    refuse_links(plan.folder)
    make_folder(plan.folder)
    with locked(plan.folder):
        refuse_another_files_folder(plan.study, plan.folder)
        remove_part_files(plan.folder)
        _write_arms(plan.runs)
        write_json(plan.folder / STUDY_JSON, study_json(plan))


def holds_study_files(plan: Plan) -> bool:
    """Return whether the folder holds all that ``write_study_files`` would write; then it need not be writable.

    Raises:
        RunFolderError: study.json is damaged.
    """
    arms = {run.folder.parent: run for run in reversed(plan.runs)}  # the first seed's config is the arm's
    with suppress(OSError):
        return known_study(plan.folder) == json_ready(study_json(plan)) and all(
            file_holds(folder / ARM_JSON, arm_content(run)) and read_identity(folder) == run.identity
            for folder, run in arms.items()
        )
    return False


def study_json(plan: Plan) -> dict[str, Any]:
    """Return the content of study.json, with what an earlier one says of seeds that were asked for."""
    earlier, source = known_study(plan.folder), Path(plan.study.source)
    history = {SEED_HISTORY: [asked.to_json() for asked in history_with(plan, earlier)]}
    if earlier and is_run_config(source):  # its study keeps its study.json
        return {**earlier, **history}
    content = study_content(plan) | {"source_path": source_path(source, plan.folder)}
    return content | {mark: _is_late(plan, key, mark) for key, mark in LATE_KEYS.items()} | history


def _is_late(plan: Plan, key: str, mark: str) -> bool:
    """Return whether runs had finished under another value of a key of the study, now or when it was marked so."""
    earlier = known_study(plan.folder)
    is_other = bool(earlier) and earlier.get(key) != study_content(plan)[key]
    is_asked = is_other or bool(earlier.get(mark))
    return is_asked and any(plan.folder.glob(f"*/seed-*/{SUMMARY_JSON}"))


def _write_arms(runs: Sequence[PlannedRun]) -> None:
    firsts: dict[Path, PlannedRun] = {}
    for run in runs:
        firsts.setdefault(run.folder.parent, run)  # the first seed's config is the arm's, recording included
    for run in firsts.values():
        folder, content = run.folder.parent, arm_content(run)
        refuse_links(folder)
        make_folder(folder)
        remove_part_files(folder)
        if not file_holds(folder / ARM_JSON, content):
            write_sealed_json(folder / ARM_JSON, content)
        run.identity.write(folder)


def arm_content(run: PlannedRun) -> dict[str, Any]:
    """Return the content of arm.json: every setting, and the keys of those that are not at their default."""
    return {
        "arm": run.arm,
        "identity": run.identity.sha256,
        "total_steps": run.config.total_steps,
        "settings": flat_settings(run.config),
        "changed": list(flatten(run.config.settings())),
    }


def study_content(plan: Plan) -> dict[str, Any]:
    """Return what study.json says of a plan: the arms in order with their folders, the study's keys and options."""
    study = plan.study
    return {
        "study": study.name,
        "question": study.question,
        "source": study.source,
        "content_sha256": study.content_sha256,
        "options": dict(study.options),
        "set": list(study.set_),
        "normbench": version("normbench"),
        "numerics": NUMERICS,
        "engine": study.engine,
        "device": plan.device,
        "arms": [
            entry_of(study, arm).to_json() | {"identity": plan.identities[arm].sha256, "folder": plan.folders[arm]}
            for arm in study.arms
        ],
        "axes": list(study.axes),
        "named": list(study.named),
        "seeds": list(study.seeds),
        "baseline": asdict(study.baseline) if study.baseline else None,
        "is_plain": study.is_plain,
        "tune": {key: list(values) for key, values in study.tune.items()},
        "collapse": study.collapse,
        "tuning_seeds": list(study.tuning_seeds),
        "margin": study.margin,
        "quotes": dict(study.quotes),
        "claims": list(study.claims),
        **({ACCEPTED_CODE: [asdict(known) for known in study.accepted]} if study.accepted else {}),
    }
