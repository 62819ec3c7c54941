"""Collects the mistakes of several steps, so that all of a user's data are told at once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from normbench.errors import DataError, SettingError

Step = Callable[[], AbstractContextManager[None]]


@contextmanager
def all_mistakes() -> Iterator[Step]:
    """Yield what makes the block of a step; raise one DataError with the mistakes of all steps at the end.

    Example:
        >>> with all_mistakes() as step:
        ...     for key in ("x", "y"):
        ...         with step():
        ...             raise SettingError(key, "must be there", None, "Add it.")
        Traceback (most recent call last):
        normbench.errors.DataError: dataset.x: must be there, got None. Add it.
        dataset.y: must be there, got None. Add it.
    """
    found: list[SettingError] = []

    @contextmanager
    def step() -> Iterator[None]:
        try:
            yield
        except DataError as error:
            found.extend(error.mistakes)
        except SettingError as error:
            found.append(error)

    yield step
    if found:
        raise DataError(found)
