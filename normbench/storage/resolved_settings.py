"""All settings of a run under dotted keys, as arm.json has them, or read off its config.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normbench.errors import ConfigError
from normbench.storage.files.reading import open_regular
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.run_folder import CONFIG_YAML

_OF_THE_STUDY = ("study", "arms", "seeds")


def settings_of_run(folder: Path) -> dict[str, Any]:
    """Return what a run's config.yaml sets; nothing where it cannot be read."""
    try:
        open_regular(folder / CONFIG_YAML).close()
        said = read_study_file(folder / CONFIG_YAML).data
    except (ConfigError, OSError):
        return {}
    return flatten({key: value for key, value in said.items() if key not in _OF_THE_STUDY})


def flatten(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give nested settings dotted keys; a part's name stands under the part's own key."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            named = {key: value["name"]} if "name" in value else {}
            flat |= named | {f"{key}.{inner}": _flat(v) for inner, v in value.items() if inner != "name"}
        else:
            flat[key] = _flat(value)
    return flat


def _flat(value: Any) -> Any:
    return " ".join(str(item) for item in value) if isinstance(value, list) else value
