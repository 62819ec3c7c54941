"""Every work that a methods paragraph may name has its BibTeX entry."""

import inspect
import re

from normbench.report.pages import methods
from normbench.report.pages.bibtex import WORKS, bibtex_of

NAMED = re.compile(r"\(([A-Z][a-z]+)(?: and [A-Z][a-z]+)?, ((?:19|20)\d\d)\)")


def test_every_work_that_the_paragraph_can_name_has_an_entry():
    named = NAMED.findall(inspect.getsource(methods))
    assert len(named) > 5
    for name, year in named:
        assert re.search(rf"@\w+{{{name.lower()}{year},", bibtex_of(f"({name}, {year})")), (name, year)


def test_entries_are_whole_and_only_of_what_is_named():
    every = bibtex_of(" ".join(name for work in WORKS for name in work.names))
    assert every.count("{") == every.count("}")
    assert len(set(re.findall(r"@\w+{(\w+),", every))) == len(WORKS) + 1
    assert re.findall(r"@\w+{(\w+),", bibtex_of("nothing")) == ["normbench"]
