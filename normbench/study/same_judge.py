"""Refuses arms that no number can compare: with other own metrics, or with other losses where the loss decides."""

from collections.abc import Mapping

from normbench.datasets.base import OF_NUMBERS
from normbench.errors import ConfigError
from normbench.storage.files.located import Located
from normbench.study.config import RunConfig


def refuse_other_judges(configs: Mapping[str, RunConfig], located: Located) -> None:
    """Refuse arms that are not judged by the same number.

    Raises:
        ConfigError: With the arms.
    """
    first, *others = configs.items()
    for arm, config in others:
        if config.metric != first[1].metric:
            text = f"got another in {arm!r} than in {first[0]!r}. Write it once, beside dataset."
            raise ConfigError([f"{_place(located, arm, 'metric')}: metric: must be the same in all arms, {text}"])
        if config.loss != first[1].loss and not config.metric and config.dataset.task in OF_NUMBERS:
            rule = "must be the same in all arms where test_loss decides"
            text = f"got {config.loss} in {arm!r} and {first[1].loss} in {first[0]!r}. Give a metric that decides."
            raise ConfigError([f"{_place(located, arm, 'loss')}: loss: {rule}, {text}"])


def _place(located: Located, arm: str, key: str) -> str:
    """Return where the key stands in an arm, else in the file."""
    steps = ("arms", arm, key)
    return located.place(steps if steps in located.places else (key,))
