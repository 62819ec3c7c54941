"""Lists the shipped configs with the question that each asks, and finds those in which words occur."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from normbench.errors import ConfigError, did_you_mean
from normbench.storage.files.yaml_file import parse_yaml, question_of, read_text
from normbench.storage.shipped_configs import SEE_ALL, shipped_folder, shipped_names

WORDS_OF_OTHERS = ("claims", "quotes")
"""Keys whose values are sentences of documents, in which any word may occur."""


@dataclass(frozen=True)
class ShippedConfig:
    """A config that normbench ships.

    Attributes:
        name: Its name, which any command takes in place of a file.
        question: The comment in its first line.
        used: Names of the parts and of other values that it uses.
    """

    name: str
    question: str
    used: Sequence[str]

    def has(self, word: str) -> bool:
        """Return whether a word occurs in the name, the question or what is used; capitals do not count."""
        return any(word.casefold() in text.casefold() for text in (self.name, self.question, *self.used))


def find_shipped(words: Sequence[str] = ()) -> list[ShippedConfig]:
    """Return the shipped configs in which all words occur, by name.

    Raises:
        ConfigError: There is none; the line begins with the words.
    """
    every = [_read_shipped(name) for name in shipped_names()]
    found = [config for config in every if all(map(config.has, words))]
    if found:
        return found
    unknown = [word for word in words if not any(config.has(word) for config in every)]
    known = dict.fromkeys(text for config in every for text in (config.name, *config.used))
    meant = "".join(did_you_mean(word, known) for word in unknown[:1])
    raise ConfigError([f"{' '.join(unknown or words)}: must occur in a shipped config, got none.{meant} {SEE_ALL}"])


def _read_shipped(name: str) -> ShippedConfig:
    path = shipped_folder() / f"{name}.yaml"
    text = read_text(path)
    said = {key: value for key, value in parse_yaml(text, name).data.items() if key not in WORDS_OF_OTHERS}
    return ShippedConfig(name, question_of(text), tuple(dict.fromkeys(_texts(said))))


def _texts(said: Any) -> Iterator[str]:
    """Yield every text among nested values."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list):
        for value in said.values() if isinstance(said, dict) else said:
            yield from _texts(value)
