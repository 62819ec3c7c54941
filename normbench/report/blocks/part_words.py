"""Words for the model and the data of an arm: the user's own by what they wrote, others by their names."""

from collections.abc import Mapping
from typing import Any

SOURCES = ("root", "file", "source", "set")
"""Settings of a dataset that say where its data are."""


def model_words(settings: Mapping[str, Any]) -> str:
    """Return the model's name, or what makes the user's own.

    Example:
        >>> model_words({"model": "lenet"}), model_words({"model": "own", "model.build": "my_net:build"})
        ('lenet', 'my_net:build')
    """
    return str(settings.get("model.build") or settings.get("model", ""))


def data_words(settings: Mapping[str, Any]) -> str:
    """Return the dataset's name, and of data of the user's where they are.

    Example:
        >>> data_words({"dataset": "images", "dataset.root": "cells"}), data_words({"dataset": "digits"})
        ('images cells', 'digits')
    """
    where = (settings.get(f"dataset.{key}") for key in SOURCES)
    return " ".join([str(settings.get("dataset", "")), *(str(one) for one in where if isinstance(one, str))])
