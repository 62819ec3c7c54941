"""A discussion beside a claim quotes the kept numbers: what a new run changes must be said anew."""

import json
import re

import pytest
from docs_blocks.markdown import ROOT
from docs_blocks.verdicts import VERDICTS

from normbench.storage.files.yaml_file import read_study_file

QUOTED = re.compile(r"(-?[\d,.]+\d)\S*(?: \w+)*? \[(-?[\d,.]+\d)(?: \w+)?, (-?[\d,.]+\d)(?: \w+)?\]")
"""An effect and its interval: 0.754 [0.676, 0.841], or 3.5 points lower [7.3 lower, 0.3 higher]."""
KEPT = json.loads(VERDICTS.read_text(encoding="utf-8"))


def discussions():
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        for claim in read_study_file(path).data.get("claims", ()):
            if "discussion" in claim:
                yield pytest.param(path.stem, claim["discussion"], id=f"{path.stem}-{claim['id']}")


def is_rounded(said, kept):
    """Return whether a number that is said is a kept one, or its percent points, rounded; its sign may be a word."""
    if kept is None:
        return False
    decimals = len(said.partition(".")[2])
    value = abs(float(said.replace(",", "")))
    return any(abs(value - abs(number)) <= 0.51 * 10**-decimals for number in (kept, 100 * kept))


def is_kept(quoted, part):
    """Return whether an effect with its interval is that of a part, each number rounded."""
    return all(map(is_rounded, quoted.groups(), (part["effect"], part["low"], part["high"])))


@pytest.mark.parametrize(("study", "discussion"), [*discussions()])
def test_a_quoted_interval_is_a_kept_one_of_the_study(study, discussion):
    parts = [part for one in KEPT if one["study"] == study for part in one["parts"]]
    for quoted in QUOTED.finditer(discussion):
        assert any(is_kept(quoted, part) for part in parts), f"{quoted.group()} is no effect of {study}"


def test_discussions_quote_intervals():
    """Else the pattern finds none of them any more, and the test above says nothing."""
    assert sum(len(QUOTED.findall(one.values[1])) for one in discussions()) > 20
