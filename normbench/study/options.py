"""Refuses an option that is given twice for one setting."""

import re
from collections.abc import Sequence

from normbench.errors import ConfigError
from normbench.study.axes import full_key

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
