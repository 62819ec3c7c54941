"""Loads a study file: its arms, seeds, baseline and claims, with every mistake reported at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from normbench.errors import ConfigError, SettingError
from normbench.evidence.claims.claim import read_claims, repeated_ids
from normbench.evidence.comparison.baselines import resolve_baseline
from normbench.own_code.loaded_modules import forget_changed_modules
from normbench.own_code.source_folder import reading_from
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import parse_yaml, question_of, read_assignment, read_text
from normbench.storage.names import content_sha256, study_name
from normbench.storage.own_metric import declare_own_metrics
from normbench.storage.resolved_settings import flatten
from normbench.storage.source_path import folder_of_source
from normbench.study.arms import final_arms, labelled_arms
from normbench.study.axes import Axis, CombinedArms, arms_axis, combine_axes, grid_axes, vary_axis, zip_axis
from normbench.study.collapse_key import check_collapse, refuse_unrecorded_metric
from normbench.study.complaints import complaints_about, setting_complaint
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.study.finite_data import misplaced_about
from normbench.study.fitting import fit_defaults
from normbench.study.options import refuse_repeated
from normbench.study.resolved import flat_settings
from normbench.study.same_judge import refuse_other_judges
from normbench.study.seed_choice import SeedChoice
from normbench.study.size_limits import refuse_too_many_layers, refuse_too_many_runs
from normbench.study.study import Study
from normbench.study.study_keys import Engine, StudyKeys
from normbench.study.tune_keys import read_tune

_STUDY_KEY_PATHS = {(key,) for key in StudyKeys.model_fields}
"""Paths of the study's own keys, whose places are not copied into every arm."""


def load_study(
    path: Path | str,
    *,
    set_: Sequence[str] = (),
    vary: Sequence[str] = (),
    seeds: int | None = None,
    tune: Sequence[str] = (),
    check_after: Sequence[int] = (),
    until_decided: bool = False,
    accept_code: bool = False,
    engine: Engine | None = None,
) -> Study:
    """Read a study file and check everything in it.

    Args:
        path: The YAML file.
        set_: ``KEY=VALUE`` changes to every arm.
        vary: ``KEY=A,B``: one arm per value, multiplied with the file's arms.
        seeds: Seeds 0 .. seeds - 1 instead of the file's; checks that the file plans stay planned.
        tune: ``KEY=A,B`` or ``KEY``: values to try for each arm.
        check_after: Numbers of seeds after which checks are planned, instead of the file's.
        until_decided: Whether to add seeds check by check where the file plans no checks.
        accept_code: Whether runs that were made with other code of the user's count as runs of the code as it is.
        engine: How the runs are trained, instead of what the file says.

    Raises:
        ConfigError: Every mistake found, one line each.
    """
    path, choice = Path(path), SeedChoice(seeds, tuple(check_after), until_decided=until_decided)
    text = read_text(path)
    located = parse_yaml(text, str(path))
    forget_changed_modules()
    with reading_from(folder_of_source(path)):
        keys, combined = _read_arms(located, set_, vary, tune)
        refuse_too_many_runs(len(combined.settings), choice.num_seeds(keys.seeds), str(path))
        configs, fitted_defaults = _checked_configs(combined.settings, str(path))
        _check_together(configs, keys, located, path)
        lists = read_tune(keys.tune, tune, located, combined.settings, configs.values())
    chosen, checks = choice.seeds_of(keys.seeds, configs.values(), located, tunes=bool(lists))
    other_count = None if seeds in checks else seeds
    options: dict[str, Any] = {"--set": list(set_), "--vary": list(vary), "--seeds": other_count, "--tune": list(tune)}
    options |= {"--engine": engine if keys.engine not in ("auto", engine) else None}  # else study.json keeps it
    study = Study(
        name=study_name(path, located.data),
        question=question_of(text),
        source=str(path),
        arms=configs,
        seeds=chosen,
        check_after=checks,
        until_decided=bool(checks) and not seeds,
        engine=engine or keys.engine,
        is_plain=keys.arms is None and keys.grid is None and keys.zip is None and not lists,
        quotes=keys.quotes or {},
        set_=tuple(set_),
        tune=lists,
        keep_given=keys.keep_given is not False or not lists,
        collapse=keys.collapse,
        margin=keys.margin,
        claims=tuple(keys.claims or ()),
        content_sha256=content_sha256(located.data),
        options={key: value for key, value in options.items() if value},
        fitted_defaults=fitted_defaults,
        accept_code=accept_code,
        entries=combined.entries,
        axes=combined.axes,
        named=combined.named,
    )
    study = _with_baseline(study, keys.baseline, located)
    _check_claims(study, located)
    return study


def _read_arms(
    located: Located, set_: Sequence[str], vary: Sequence[str], tune: Sequence[str]
) -> tuple[StudyKeys, CombinedArms]:
    """Return the study's keys and its arms, with the command's changes.

    Raises:
        ConfigError: Every mistake found, one line each.
    """
    base = Located(
        {key: value for key, value in located.data.items() if key not in StudyKeys.model_fields},
        {loc: place for loc, place in located.places.items() if loc[:1] not in _STUDY_KEY_PATHS},
    )
    with _Complaints() as complaints:
        with complaints.collected():
            keys = _read_study_keys(located)
        with complaints.collected():
            for said in _said_metrics(located):
                declare_own_metrics([flatten(said)], "")
            check_collapse(located)
        for option, texts in {"--set": set_, "--vary": vary, "--tune": tune}.items():
            with complaints.collected():
                refuse_repeated(option, texts)
        for text in set_:
            with complaints.collected():
                base = base.overridden(read_assignment("--set", _refuse_study_key("--set", text)))
        axes = []
        for text in vary:
            with complaints.collected():
                axes.append(vary_axis(_refuse_study_key("--vary", text)))
        if complaints.lines:  # the arms cannot be built, but the settings that they share can be checked
            with complaints.collected():
                _checked_configs({"": base}, "")
    tuned_keys = [*(keys.tune or ()), *(text.partition("=")[0].strip() for text in tune)]
    return keys, combine_axes(base, [*_file_axes(keys, located), *axes], _norm_name(base), tuned_keys)


def _check_claims(study: Study, located: Located) -> None:
    if not study.claims or {"--set", "--vary", "--tune"} & set(study.options):
        return  # these options change the arms, so the file's claims are not judged
    about = misplaced_about(study.claims, study.arms.values())
    errors = [*read_claims(study.claims, final_arms(study))[1], *repeated_ids(study.claims), *about]
    if errors:
        raise ConfigError([_claim_complaint(error, located) for error in errors])


def _claim_complaint(error: SettingError, located: Located) -> str:
    steps = tuple(int(step) if step.isdigit() else step for step in error.key.split("."))
    return f"{located.place(steps)}: {error}"


class _Complaints:
    """Collects the mistakes of several steps; raises one ConfigError with all of them at the end of its block."""

    def __init__(self) -> None:
        self.lines: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.lines:
            raise ConfigError(list(self.lines))

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            self.lines |= dict.fromkeys(error.complaints)


def _read_study_keys(located: Located) -> StudyKeys:
    given = {key: value for key, value in located.data.items() if key in StudyKeys.model_fields}
    try:
        return StudyKeys.model_validate(given)
    except ValidationError as error:
        raise ConfigError(complaints_about(error, StudyKeys, located)) from None


def _file_axes(keys: StudyKeys, located: Located) -> list[Axis]:
    named = [arms_axis(keys.arms, located)] if keys.arms else []
    coupled = [zip_axis(keys.zip, located)] if keys.zip else []
    return [*named, *grid_axes(keys.grid or {}, located), *coupled]


def _refuse_study_key(option: str, text: str) -> str:
    key = text.partition("=")[0].strip().partition(".")[0]
    if key in StudyKeys.model_fields:
        rule = "must be a setting of a run, got a key of the study"
        raise ConfigError([f"{option} {text}: {key}: {rule}. Edit the file."])
    return text


def _said_metrics(located: Located) -> Iterator[dict[str, Any]]:
    """Yield what the file says of an own metric, before it is checked."""
    arms = located.data.get("arms")
    for settings in (located.data, *(arms.values() if isinstance(arms, dict) else ())):
        if isinstance(settings, dict) and isinstance(settings.get("metric"), dict):
            yield {"metric": settings["metric"]}


def _norm_name(base: Located) -> str:
    model = base.data.get("model")
    is_own = (model.get("name") if isinstance(model, dict) else model) == "own"
    norm = base.data.get("norm", "kept" if is_own else "none")
    name = norm.get("name") if isinstance(norm, dict) else norm
    return str(name)


def _read_config(located: Located) -> RunConfig | ValidationError:
    try:
        return RunConfig.model_validate(located.data)
    except ValidationError as error:
        return error


def _checked_configs(arms: Mapping[str, Located], place: str) -> tuple[dict[str, RunConfig], tuple[str, ...]]:
    """Return each arm's config with defaults made to fit, and a line for each default that was changed."""
    configs: dict[str, RunConfig] = {}
    fitted_defaults: dict[str, None] = {}
    complaints: dict[str, None] = {}  # in order, each once: arms share most of their lines
    read = {name: _read_config(located) for name, located in arms.items()}
    refuse_too_many_layers([config for config in read.values() if isinstance(config, RunConfig)], place)
    for (name, config), located in zip(read.items(), arms.values(), strict=True):
        if isinstance(config, ValidationError):
            complaints |= dict.fromkeys(complaints_about(config, RunConfig, located))
            continue
        found = [error.within("dataset") for error in config.dataset.mistakes()]
        if not found:
            configs[name], changes = fit_defaults(config)
            fitted_defaults |= dict.fromkeys(changes)
            found = contradictions(configs[name])
        complaints |= dict.fromkeys(setting_complaint(error, located) for error in found)
    if complaints:
        raise ConfigError(list(complaints))
    return configs, tuple(fitted_defaults)


def _check_together(configs: Mapping[str, RunConfig], keys: StudyKeys, located: Located, path: Path) -> None:
    """Check what no arm can tell alone: that arms differ, are judged alike, and record what decides a collapse."""
    _refuse_equal_arms(configs, located)
    refuse_other_judges(configs, located)
    declare_own_metrics(map(flat_settings, configs.values()), str(path))
    refuse_unrecorded_metric(keys.collapse, configs, located)


def _refuse_equal_arms(configs: Mapping[str, RunConfig], located: Located) -> None:
    seen: dict[RunConfig, str] = {}
    for name, config in configs.items():
        first = seen.setdefault(config.without_recording(), name)
        if first != name:
            rule = f"must differ from the other arms, got the settings of {first!r}"
            raise ConfigError([f"{located.place(('arms', name))}: {name}: {rule}. Remove one of them."])


def _with_baseline(study: Study, baseline: Any, located: Located) -> Study:
    """Return the study with its baseline, looked up among the arms as given first, then among the tuned ones."""
    if baseline is None:
        return study
    given, final = labelled_arms(study), final_arms(study)
    every = replace(given, arms=[*given.arms, *(arm for arm in final.arms if arm.id.tuned)])
    try:
        return replace(study, baseline=resolve_baseline(baseline, every, "baseline"))
    except SettingError as error:
        raise ConfigError([f"{located.place(('baseline',))}: {error}".rstrip()]) from None
