"""What the options of a command may say: each setting once, a count of seeds, sensitivity of what is tuned."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from normbench.errors import ConfigError
from normbench.storage.choices import TUNING_SENSITIVITY
from normbench.storage.names import SECOND_RUN_OPTION
from normbench.study.axes import full_key
from normbench.study.check_plan import MAX_SEEDS

if TYPE_CHECKING:  # it loads torch, and this is read before Ctrl-C is listened to
    from normbench.study.study import Study

_DONE = {"--set": "set", "--vary": "varied", "--tune": "tuned"}


def refuse_repeated(option: str, texts: Sequence[str]) -> None:
    """Refuse an option that is given twice for one setting, of which the second would replace the first.

    Args:
        option: --set, --vary or --tune.
        texts: ``KEY=VALUE`` of each; a text without a key is refused elsewhere.

    Raises:
        ConfigError: One line per setting.
    """
    by_key: dict[str, list[str]] = {}
    for text in texts:
        key = full_key(text.partition("=")[0].strip())
        by_key.setdefault(key, []).append(text)
    repeated = {key: said for key, said in by_key.items() if key and len(said) > 1}
    if repeated:
        raise ConfigError([_complaint(option, key, said) for key, said in repeated.items()])


def _complaint(option: str, key: str, texts: Sequence[str]) -> str:
    times = "twice" if len(texts) == 2 else f"{len(texts)} times"
    values = [text.partition("=")[2].strip() for text in texts]
    is_list = option != "--set" and all(values)
    way_out = f"Write {option} {key}={_joined(values)}" if is_list else "Remove one of them."
    return f"{option} {texts[-1]}: {key}: must be {_DONE[option]} once, got it {times}. {way_out}"


def _joined(values: Sequence[str]) -> str:
    """Join lists, each value once; mappings and lists in them hold commas of their own."""
    joined = ",".join(values)
    return joined if re.search(r"[\[{'\"]", joined) else ",".join(dict.fromkeys(re.split(r"\s*,\s*", joined)))


def refuse_untuned(studies: "Sequence[Study]", *, quick: bool) -> None:
    """Refuse ``--tuning-sensitivity`` for studies that tune nothing.

    Raises:
        ConfigError: One line per study.
    """
    got, way_out = "a study that tunes none", "Add --tune optimizer.lr"
    if quick:
        got, way_out = "--quick, which tunes nothing", "Leave one of them out."
    rule = f"must go with settings that are tuned, got {got}. {way_out}"
    untuned = [f"{study.source}: {TUNING_SENSITIVITY}: {rule}" for study in studies if quick or not study.tune]
    if untuned:
        raise ConfigError(untuned)


def refuse_beside_second_run(options: Mapping[str, object]) -> None:
    """Refuse options beside ``--second-run``, which repeats the study of the file as it was judged.

    Args:
        options: The other options of the command by their names in Python, those that are not given empty.

    Raises:
        ConfigError: The first of them that is given.
    """
    given = [f"--{name.strip('_').replace('_', '-')}" for name, value in options.items() if value]
    if given:
        rule = "must stand without options that change the study, whose claims were judged without them"
        raise ConfigError([f"{SECOND_RUN_OPTION}: {rule}, got {given[0]}. Leave one of them out."])


def read_seeds(text: str | None) -> int | None:
    """Read the count of ``--seeds``; None where it is not given.

    Example:
        >>> read_seeds("8"), read_seeds(None)
        (8, None)

    Raises:
        ConfigError: Not a count, or too large a one.
    """
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,6}", text.strip()) and 1 <= int(text) <= MAX_SEEDS:
        return int(text)
    rule = f"must be a count from 1 to {MAX_SEEDS:,}, got {text!r}"
    listed = ", ".join(re.findall(r"[0-9]+", text)) if re.search(r"[0-9]\s*[,\s]\s*[0-9]", text) else ""
    way_out = f"A list of seeds goes into the file: seeds: [{listed}]" if listed else "Example: --seeds 8"
    raise ConfigError([f"--seeds {text}: {rule}. {way_out}"])
