"""Tells which code of the user's a run is made with: digests of the modules that are loaded, versions of packages."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from normbench.models.base import ModelSpec
from normbench.own_code.code_record import made_anew, recorded
from normbench.study.config import RunConfig
from normbench.study.data import sample_of
from normbench.study.own_code import paths_of

T = TypeVar("T")


def with_code_of_model(config: RunConfig, make: Callable[[], T]) -> T:
    """Return what ``make`` makes of the user's network, and remember the code that this loads."""
    sample_of(config)  # which may load code of the user's too
    return made_anew(_model_key(config), paths_of(config.model), config.folder, make)


def with_code_of_norm(config: RunConfig, make: Callable[[], object]) -> None:
    """Make something with the arm's norm, and remember the code that this loads; nothing if the norm is normbench's."""
    if not paths_of(config.norm):
        return
    sample_of(config)
    made_anew(_norm_key(config), [*paths_of(config.norm), *paths_of(config.model)], config.folder, make)


def with_code_of_functions(config: RunConfig, make: Callable[[], object]) -> None:
    """Call the user's loss, metric and augmentation, and remember the code that this loads; nothing without any."""
    if not config.own_functions:
        return
    sample_of(config)
    made_anew(_functions_key(config), config.own_functions.values(), config.folder, make)


def code_digests(config: RunConfig) -> Mapping[str, str]:
    """Return the digests of the code of the user's that was loaded for a run: network, norm, loss, metric, data.

    Names are "code my_net.py" and "package timm"; empty for what was not made before.
    """
    of_data = getattr(config.dataset, "code_key", None)
    keys = (_model_key(config), _norm_key(config), _functions_key(config), of_data)
    return {name: digest for key in keys for name, digest in (recorded(key) or {}).items()}


def _model_key(config: RunConfig) -> Hashable:
    return "model", config.model, _shapes(config)


def _norm_key(config: RunConfig) -> Hashable:
    of_model: ModelSpec | None = config.model if paths_of(config.model) else None
    return "norm", config.norm, of_model, _shapes(config)


def _functions_key(config: RunConfig) -> Hashable:
    return "functions", tuple(config.own_functions.items()), config.folder, _shapes(config)


def _shapes(config: RunConfig) -> Hashable:
    return config.dataset.input_shape, config.dataset.output_shape
