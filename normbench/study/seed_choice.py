"""SeedChoice: which seeds a study gets, and after how many it is checked, from its file and the command's options."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ConfigError
from normbench.storage.files.located import Located
from normbench.study.check_plan import CHECK_AFTER, MAX_SEEDS, refuse_bad_option
from normbench.study.config import RunConfig
from normbench.study.finite_data import refuse_checks, refuse_many_splits
from normbench.study.study import TUNING_SEEDS


@dataclass(frozen=True)
class SeedChoice:
    """What the command says of seeds and checks.

    Attributes:
        count: Seeds 0 .. count - 1 instead of the file's; None without ``--seeds``.
        check_after: Numbers of seeds after which checks are planned, instead of the file's.
        until_decided: Whether to add seeds check by check where the file plans no checks.

    Raises:
        ConfigError: The options contradict each other, or are no such numbers.
    """

    count: int | None
    check_after: tuple[int, ...]
    until_decided: bool

    def __post_init__(self) -> None:
        _check_seed_count(self.count, has_checks=self.until_decided or bool(self.check_after))
        if self.check_after:
            refuse_bad_option(list(self.check_after), ",".join(map(str, self.check_after)))

    def seeds_of(
        self, in_file: Any, configs: Collection[RunConfig], located: Located, *, tunes: bool
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the seeds, and the numbers of them after which checks are planned; these may be none.

        Args:
            in_file: What the file says under ``seeds:``.
            configs: The settings of the arms.
            located: The file.
            tunes: Whether anything is tuned.

        Raises:
            ConfigError: Seeds are those that settings are tuned on, or the data are finite and there are too many.
        """
        planned, (seeds, checks) = _planned(in_file), self._seeds_and_checks(in_file)
        _refuse_tuning_seeds(seeds, located, tunes=tunes)
        place = f"{located.place(('seeds',))}: seeds"
        option = "--check-after" * bool(self.check_after) or "--until-decided" * (self.until_decided and not planned)
        refuse_checks(configs, checks, option or f"{place}.check_after")
        refuse_many_splits(configs, seeds, f"--seeds {self.count}" if self.count else place)
        return seeds, checks

    def num_seeds(self, in_file: Any) -> int:
        """Return how many seeds there are, given what the file says under ``seeds:``."""
        return len(self._seeds_and_checks(in_file)[0])

    def _seeds_and_checks(self, in_file: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        checks = self.check_after or _planned(in_file) or (CHECK_AFTER if self.until_decided else ())
        seeds = tuple(range(self.count)) if self.count else tuple(range(checks[-1])) if checks else _seeds(in_file)
        return seeds, checks


def _check_seed_count(seeds: int | None, *, has_checks: bool) -> None:
    if seeds is not None and has_checks:
        rule = "must not stand beside --check-after or --until-decided, which say how many seeds there are"
        raise ConfigError([f"--seeds {seeds}: {rule}, got both. Example: --check-after 8,16,32"])
    if seeds is not None and not 1 <= seeds <= MAX_SEEDS:
        rule = f"must be a count from 1 to {MAX_SEEDS:,}"
        raise ConfigError([f"--seeds {seeds}: {rule}, got {seeds}. Example: --seeds 8"])


def _refuse_tuning_seeds(seeds: Sequence[int], located: Located, *, tunes: bool) -> None:
    both = sorted(set(seeds) & set(TUNING_SEEDS)) if tunes else []
    if both:
        rule = f"must not be one that settings are tuned on ({', '.join(map(str, TUNING_SEEDS))})"
        raise ConfigError([f"{located.place(('seeds',))}: seeds: {rule}, got {both[0]}. Choose others."])


def _planned(seeds: Any) -> tuple[int, ...]:
    return tuple(seeds["check_after"]) if isinstance(seeds, dict) else ()


def _seeds(given: int | list[int] | None) -> tuple[int, ...]:
    return tuple(range(given)) if isinstance(given, int) else tuple(dict.fromkeys(given or [0]))
