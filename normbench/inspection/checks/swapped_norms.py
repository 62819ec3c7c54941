"""Tells what may not be expected of norms that were put into the user's own network, and of those left there."""

from collections.abc import Iterator

from normbench.findings import Finding
from normbench.inspection.checks.base import Setup
from normbench.norm_swap.table import loose_text
from normbench.study.own_norms import own_norms


def find(setup: Setup) -> Iterator[Finding]:
    """Warn of norms outside of modules, which stay; note what a replaced norm loses or adds, and what is left."""
    audit = own_norms(setup.config).audit if setup.is_own else None
    if audit is None or not audit.swapped:
        return
    loose = [one for one in audit.loose if not one.is_on_weights]
    if loose:
        yield Finding(
            "warning",
            (),
            f"norms are left that are no modules: {loose_text(loose)}",
            why="A swap replaces modules; what a forward computes itself stays, in all arms.",
            way_out="Make them modules, such as nn.LayerNorm.",
        )
    for site in audit.sites:
        for note in site.notes:
            yield Finding("note", (site.path,), note, way_out="normbench audit lists all norms.")
    for path, class_name in audit.not_touched.items():
        yield Finding(
            "note",
            (path,),
            f"({class_name}) has the name of a norm and computes none that is known: it is left as it is",
            way_out=f"To replace it, name it: swap: {{where: [{path}]}}.",
        )
