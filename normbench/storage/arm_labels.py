"""What an arm is called in tables and folders: made from its settings, never read back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from normbench.storage.arm_id import TUNED

MAX_LABEL = 120
TUNED_MARK = f",{TUNED}"


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return what each key is called in labels: its last step, where no other key ends in the same.

    Example:
        >>> short_keys(["optimizer.lr", "norm.momentum", "optimizer.momentum"])
        {'optimizer.lr': 'lr', 'norm.momentum': 'norm.momentum', 'optimizer.momentum': 'optimizer.momentum'}
    """
    last = {key: key.rsplit(".", 1)[-1] for key in keys}
    counts = Counter(last.values())
    return {key: step if counts[step] == 1 else key for key, step in last.items()}


def label_words(name: str, sets: Mapping[str, Any], short: Mapping[str, str]) -> list[str]:
    """Return the words of a label: the name under ``arms:``, then key=value of what a grid sets.

    Example:
        >>> label_words("", {"norm": "group_norm", "norm.num_groups": 4}, {"norm.num_groups": "num_groups"})
        ['norm=group_norm', 'num_groups=4']
    """
    return [name] * bool(name) + [f"{plain(short.get(key, key))}={value_text(value)}" for key, value in sets.items()]


def unique_labels(arms: Sequence[tuple[str, Mapping[str, Any]]], short: Mapping[str, str], otherwise: str) -> list[str]:
    """Return a label per arm, none too long for a folder, and two alike only of arms that are set alike.

    Args:
        arms: The name and what a grid sets, of each.
        short: What keys are called.
        otherwise: The label of an arm without a word.
    """
    labels = [",".join(label_words(name, sets, short)) or otherwise for name, sets in arms]
    meant: dict[str, set[str]] = {}
    for text, arm in zip(labels, arms, strict=True):
        meant.setdefault(text, set()).add(repr(arm))
    return [
        _with_digest(text, repr(arm)) if len(meant[text]) > 1 else fitting(text)
        for text, arm in zip(labels, arms, strict=True)
    ]


def tuned_label(label: str) -> str:
    """Return what the tuned arm beside a given one is called."""
    return f"{fitting(label, MAX_LABEL - len(TUNED_MARK))}{TUNED_MARK}"


def fitting(label: str, size: int = MAX_LABEL) -> str:
    """Return a label cut to a size, with a digest of all of it where it was cut."""
    return label if len(label) <= size else _with_digest(label, label, size)


def value_text(value: object) -> str:
    """Return a value as labels have it, readable in a path and in TensorBoard.

    Example:
        >>> value_text([4, 8]), value_text(0.1), value_text("a/b")
        ('4x8', '0.1', 'a_b')
    """
    return plain("x".join(str(item) for item in value) if isinstance(value, list) else str(value))


def plain(text: str) -> str:
    """Return text as part of a folder's name: a key and a value may say anything, and lead nowhere."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-+" else "_" for c in text)


def _with_digest(label: str, whole: str, size: int = MAX_LABEL) -> str:
    return f"{label[: size - 7]}.{sha256(whole.encode()).hexdigest()[:6]}"
