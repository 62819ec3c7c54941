"""Makes the labels of arms for tables and folder names, such as norm=none,lr=0.1; no code parses them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from normbench.storage.arm_id import TUNED

MAX_LABEL = 120
TUNED_MARK = f",{TUNED}"


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Return a short name for each key: its last step, or the full key where two keys end in the same step.

    Example:
        >>> short_keys(["optimizer.lr", "norm.momentum", "optimizer.momentum"])
        {'optimizer.lr': 'lr', 'norm.momentum': 'norm.momentum', 'optimizer.momentum': 'optimizer.momentum'}
    """
    last = {key: key.rsplit(".", 1)[-1] for key in keys}
    counts = Counter(last.values())
    return {key: step if counts[step] == 1 else key for key, step in last.items()}


def label_words(name: str, sets: Mapping[str, Any], short: Mapping[str, str]) -> list[str]:
    """Return the words of a label: the name under ``arms:``, then key=value for each setting of a grid.

    Example:
        >>> label_words("", {"norm": "group_norm", "norm.num_groups": 4}, {"norm.num_groups": "num_groups"})
        ['norm=group_norm', 'num_groups=4']
    """
    return [name] * bool(name) + [
        f"{folder_safe(short.get(key, key))}={value_text(value)}" for key, value in sets.items()
    ]


def unique_labels(
    arms: Sequence[tuple[str, Mapping[str, Any]]], short: Mapping[str, str], default_label: str
) -> list[str]:
    """Return a label per arm, at most MAX_LABEL long; only arms with the same settings share a label.

    Args:
        arms: Each arm's name and the values that a grid sets.
        short: Short names of keys.
        default_label: The label of an arm that has neither name nor values.
    """
    labels = [",".join(label_words(name, sets, short)) or default_label for name, sets in arms]
    arms_of: dict[str, set[str]] = {}
    for text, arm in zip(labels, arms, strict=True):
        arms_of.setdefault(text, set()).add(repr(arm))
    return [
        _with_digest(text, repr(arm)) if len(arms_of[text]) > 1 else cut_label(text)
        for text, arm in zip(labels, arms, strict=True)
    ]


def tuned_label(label: str) -> str:
    """Return the label of the tuned version of an arm."""
    return f"{cut_label(label, MAX_LABEL - len(TUNED_MARK))}{TUNED_MARK}"


def cut_label(label: str, size: int = MAX_LABEL) -> str:
    """Return a label of at most ``size`` letters; one that is cut ends in a digest of the whole."""
    return label if len(label) <= size else _with_digest(label, label, size)


def value_text(value: object) -> str:
    """Return a value as text for a label, readable in a path and in TensorBoard.

    Example:
        >>> value_text([4, 8]), value_text(0.1), value_text("a/b")
        ('4x8', '0.1', 'a_b')
    """
    return folder_safe("x".join(str(item) for item in value) if isinstance(value, list) else str(value))


def folder_safe(text: str) -> str:
    """Replace every letter that may not be in a folder's name by _, so that no value can name another folder."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "._-+" else "_" for c in text)


def _with_digest(label: str, whole: str, size: int = MAX_LABEL) -> str:
    return f"{label[: size - 7]}.{sha256(whole.encode()).hexdigest()[:6]}"
