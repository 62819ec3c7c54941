"""Arms or grid, times seeds: which runs a study file stands for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from normbench.errors import ConfigError, SettingError
from normbench.evidence.claims.claim import read_claims
from normbench.evidence.comparison.baselines import resolve_baseline
from normbench.storage.files.located import Located
from normbench.storage.files.yaml_file import parse_yaml, read_assignment, read_text
from normbench.storage.names import content_sha256, study_name
from normbench.study.arms import final_arms, known_arms
from normbench.study.axes import Axis, Combined, arms_axis, combine, grid_axes, vary_axis, zip_axis
from normbench.study.config import TUNING_SEEDS, RunConfig, Study
from normbench.study.contradictions import contradictions
from normbench.study.fitting import fitted
from normbench.study.options import refuse_repeated
from normbench.study.study_keys import MAX_SEEDS, StudyKeys
from normbench.study.tune_keys import read_tune
from normbench.study.wording import complaints_about, setting_complaint

_OF_THE_STUDY = {(key,) for key in StudyKeys.model_fields}
"""Where the keys of a study begin: not in its arms, of which each has its places."""


def load_study(
    path: Path,
    *,
    set_: Sequence[str] = (),
    vary: Sequence[str] = (),
    seeds: int | None = None,
    tune: Sequence[str] = (),
) -> Study:
    """Read a study file and check everything in it.

    Args:
        path: The YAML file.
        set_: ``KEY=VALUE`` changes of every arm.
        vary: ``KEY=A,B``: one arm per value, multiplied with the file's arms.
        seeds: Seeds 0 .. seeds - 1 instead of the file's.
        tune: ``KEY=A,B`` or ``KEY``: values to choose from for each arm.

    Raises:
        ConfigError: Every mistake found, one line each.
    """
    if seeds is not None and not 1 <= seeds <= MAX_SEEDS:
        rule = f"must be a count from 1 to {MAX_SEEDS:,}"
        raise ConfigError([f"--seeds {seeds}: {rule}, got {seeds}. Example: --seeds 8"])
    text = read_text(path)
    located = parse_yaml(text, str(path))
    keys, combined = _read_arms(located, set_, vary, tune)
    configs, fits = _checked_configs(combined.settings)
    _refuse_equal_arms(configs, located)
    lists = read_tune(keys.tune, tune, located, combined.settings)
    chosen = tuple(range(seeds)) if seeds else _seeds(keys.seeds)
    _refuse_tuning_seeds(chosen, located, tunes=bool(lists))
    options = {"--set": list(set_), "--vary": list(vary), "--seeds": seeds, "--tune": list(tune)}
    study = Study(
        name=study_name(path, located.data),
        question=_question(text),
        source=str(path),
        arms=configs,
        seeds=chosen,
        is_plain=keys.arms is None and keys.grid is None and keys.zip is None and not lists,
        quotes=keys.quotes or {},
        set_=tuple(set_),
        tune=lists,
        keep_given=keys.keep_given is not False or not lists,
        claims=tuple(keys.claims or ()),
        content_sha256=content_sha256(located.data),
        options={key: value for key, value in options.items() if value},
        fits=fits,
        entries=combined.entries,
        axes=combined.axes,
        named=combined.named,
    )
    study = _with_baseline(study, keys.baseline, located)
    _check_claims(study, located)
    return study


def _read_arms(
    located: Located, set_: Sequence[str], vary: Sequence[str], tune: Sequence[str]
) -> tuple[StudyKeys, Combined]:
    """Return the study's keys and its arms, with the command's changes.

    Raises:
        ConfigError: Every mistake found, one line each.
    """
    base = Located(
        {key: value for key, value in located.data.items() if key not in StudyKeys.model_fields},
        {loc: place for loc, place in located.places.items() if loc[:1] not in _OF_THE_STUDY},
    )
    with _Complaints() as complaints:
        with complaints.collected():
            keys = _study_keys(located)
        for option, texts in {"--set": set_, "--vary": vary, "--tune": tune}.items():
            with complaints.collected():
                refuse_repeated(option, texts)
        for text in set_:
            with complaints.collected():
                base = base.overridden(read_assignment("--set", _not_of_the_study("--set", text)))
        axes = []
        for text in vary:
            with complaints.collected():
                axes.append(vary_axis(_not_of_the_study("--vary", text)))
        if complaints.lines:  # what is wrong inside the arms cannot be known yet, what is wrong below them can
            with complaints.collected():
                _checked_configs({"": base})
    tuned_keys = [*(keys.tune or ()), *(text.partition("=")[0].strip() for text in tune)]
    return keys, combine(base, [*_file_axes(keys, located), *axes], _plain_name(base), tuned_keys)


def _check_claims(study: Study, located: Located) -> None:
    if not study.claims or {"--set", "--vary", "--tune"} & set(study.options):
        return  # other arms than the file's: its claims are then not judged
    errors = read_claims(study.claims, final_arms(study))[1]
    if errors:
        raise ConfigError([_claim_complaint(error, located) for error in errors])


def _claim_complaint(error: SettingError, located: Located) -> str:
    steps = tuple(int(step) if step.isdigit() else step for step in error.key.split("."))
    return f"{located.place(steps)}: {error}"


def _refuse_tuning_seeds(seeds: Sequence[int], located: Located, *, tunes: bool) -> None:
    both = sorted(set(seeds) & set(TUNING_SEEDS)) if tunes else []
    if both:
        rule = f"must not be one that settings are tuned on ({', '.join(map(str, TUNING_SEEDS))})"
        raise ConfigError([f"{located.place(('seeds',))}: seeds: {rule}, got {both[0]}. Choose others."])


class _Complaints:
    """Collects the mistakes of several stages; raises them all at the end of its block."""

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


def _study_keys(located: Located) -> StudyKeys:
    said = {key: value for key, value in located.data.items() if key in StudyKeys.model_fields}
    try:
        return StudyKeys.model_validate(said)
    except ValidationError as error:
        raise ConfigError(complaints_about(error, StudyKeys, located)) from None


def _file_axes(keys: StudyKeys, located: Located) -> list[Axis]:
    named = [arms_axis(keys.arms, located)] if keys.arms else []
    coupled = [zip_axis(keys.zip, located)] if keys.zip else []
    return [*named, *grid_axes(keys.grid or {}, located), *coupled]


def _not_of_the_study(option: str, text: str) -> str:
    key = text.partition("=")[0].strip().partition(".")[0]
    if key in StudyKeys.model_fields:
        rule = "must be a setting of a run, got a key of the study"
        raise ConfigError([f"{option} {text}: {key}: {rule}. Edit the file."])
    return text


def _plain_name(base: Located) -> str:
    norm = base.data.get("norm", "none")
    name = norm.get("name") if isinstance(norm, dict) else norm
    return str(name)


def _checked_configs(arms: Mapping[str, Located]) -> tuple[dict[str, RunConfig], tuple[str, ...]]:
    """Return each arm's config, unsaid settings made to fit, and a line for each that is not its default."""
    configs: dict[str, RunConfig] = {}
    fits: dict[str, None] = {}
    complaints: dict[str, None] = {}  # in order, each once: arms share most of their lines
    for name, located in arms.items():
        try:
            configs[name], changes = fitted(RunConfig.model_validate(located.data))
            fits |= dict.fromkeys(changes)
        except ValidationError as error:
            complaints |= dict.fromkeys(complaints_about(error, RunConfig, located))
        else:
            found = contradictions(configs[name])
            complaints |= dict.fromkeys(setting_complaint(error, located) for error in found)
    if complaints:
        raise ConfigError(list(complaints))
    return configs, tuple(fits)


def _refuse_equal_arms(configs: Mapping[str, RunConfig], located: Located) -> None:
    seen: dict[RunConfig, str] = {}
    for name, config in configs.items():
        first = seen.setdefault(config.but_for_recording(), name)
        if first != name:
            rule = f"must differ from the other arms, got the settings of {first!r}"
            raise ConfigError([f"{located.place(('arms', name))}: {name}: {rule}. Remove one of them."])


def _with_baseline(study: Study, said: Any, located: Located) -> Study:
    """Return the study with its baseline, of which the given arms are asked first, then those at their own settings."""
    if said is None:
        return study
    given, final = known_arms(study), final_arms(study)
    every = replace(given, arms=[*given.arms, *(arm for arm in final.arms if arm.id.tuned)])
    try:
        return replace(study, baseline=resolve_baseline(said, every, "baseline"))
    except SettingError as error:
        raise ConfigError([f"{located.place(('baseline',))}: {error}".rstrip()]) from None


def _seeds(said: int | list[int] | None) -> tuple[int, ...]:
    return tuple(range(said)) if isinstance(said, int) else tuple(dict.fromkeys(said or [0]))


def _question(text: str) -> str:
    """Return the comment that the file begins with."""
    first = text.partition("\n")[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""
