"""Reads the settings of a run's config.yaml and gives them dotted keys, as in arm.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from normbench.errors import ConfigError
from normbench.storage.contents.arm import checked_settings
from normbench.storage.files.reading import open_regular
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.run_folder import CONFIG_YAML

_STUDY_KEYS = ("study", "arms", "seeds", "engine")


def settings_of_run(folder: Path) -> dict[str, Any]:
    """Return the settings in a run's config.yaml by dotted key; empty where it cannot be read."""
    try:
        open_regular(folder / CONFIG_YAML, follows_links=False).close()
        content = read_study_file(folder / CONFIG_YAML).data
        return checked_settings(flatten({key: value for key, value in content.items() if key not in _STUDY_KEYS}))
    except (ConfigError, OSError, ValidationError):
        return {}


def flatten(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give nested settings dotted keys; the name of a variant has the key of its part.

    Example:
        >>> flatten({"model": {"name": "own", "settings": {"width": 8}}})
        {'model': 'own', 'model.settings.width': 8}
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= {key: value["name"]} if "name" in value else {}
            flat |= {f"{key}.{inner}": v for inner, v in flatten(value).items() if inner != "name"}
        else:
            flat[key] = _flat(value)
    return flat


def _flat(value: Any) -> Any:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value
