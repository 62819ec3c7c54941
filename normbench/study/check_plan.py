"""Reads the numbers of seeds after which a study is checked: of `seeds: {check_after: ...}` and `--check-after`."""

import re
from collections.abc import Mapping
from itertools import pairwise

from normbench.errors import ConfigError, SettingError
from normbench.evidence.statistics.corrections import seeds_for_a_verdict

CHECK_AFTER = (8, 16, 32, 64)
"""The numbers of seeds for `--until-decided` where the file plans no checks."""
FEWEST = seeds_for_a_verdict(1)
"""Fewest seeds that can decide."""
MAX_SEEDS = 10_000
MAX_CHECKS = 100
RULE = f"must be at most {MAX_CHECKS} increasing numbers of seeds from {FEWEST} to {MAX_SEEDS:,}"


def is_plan(checks: object) -> bool:
    """Return whether these are numbers of seeds after which checks may be planned.

    Example:
        >>> [is_plan(checks) for checks in ([8, 16], [16, 8], [8, 8], [], [5, 8], 8)]
        [True, False, False, False, False, False]
    """
    if not isinstance(checks, list) or not 1 <= len(checks) <= MAX_CHECKS or any(type(n) is not int for n in checks):
        return False
    return checks[0] >= FEWEST and checks[-1] <= MAX_SEEDS and all(a < b for a, b in pairwise(checks))


def refuse_bad_plan(seeds: Mapping[object, object]) -> None:
    """Refuse a mapping under ``seeds:`` that is no plan of checks.

    Raises:
        SettingError: It has other keys, or its list is no plan; its key is that below ``seeds``.
    """
    example = f"Example: seeds: {{check_after: {list(CHECK_AFTER)}}}"
    if list(seeds) != ["check_after"]:
        raise SettingError("", "must hold check_after and nothing else", seeds, example)
    if not is_plan(seeds["check_after"]):
        raise SettingError("check_after", RULE, seeds["check_after"], example)


def read_check_after(text: str | None) -> tuple[int, ...]:
    """Read the list of ``--check-after``; empty where it is not given.

    Example:
        >>> read_check_after("8,16,32"), read_check_after(None)
        ((8, 16, 32), ())

    Raises:
        ConfigError: No list, or no plan.
    """
    if text is None:
        return ()
    is_list = re.fullmatch(r"\s*[0-9]{1,6}(\s*,\s*[0-9]{1,6})*\s*", text)
    checks = [int(word) for word in text.split(",")] if is_list else []
    refuse_bad_option(checks, text)
    return tuple(checks)


def refuse_bad_option(checks: list[int], text: str) -> None:
    """Refuse the list of ``--check-after``, as it was typed, if it is no plan."""
    if not is_plan(checks):
        raise ConfigError([f"--check-after {text}: {RULE}, got {text!r}. Example: --check-after 8,16,32"])
