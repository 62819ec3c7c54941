"""Reads the Chinese sentences of the shipped claims, by their English ones."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from normbench.errors import ConfigError
from normbench.storage.files.yaml_file import read_study_file
from normbench.storage.shipped_configs import translations_file


@cache
def chinese_sentences() -> Mapping[str, str]:
    """Return the Chinese of each claim; empty where the file is not there. Claims of one's own have none."""
    with suppress(ConfigError):
        found: Mapping[str, str] = read_study_file(translations_file()).data.get("claims", {})
        return found
    return {}
