"""Audits the user's own networks in a study: which norms each arm's network has, and what became of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from normbench.norm_swap.audit import Audit
from normbench.norm_swap.same_kind import SameKind
from normbench.norm_swap.table import row_of, totals
from normbench.study.own_kept import same_kind_of
from normbench.study.own_norms import own_norms
from normbench.study.study import Study


@dataclass(frozen=True)
class ArmsAudit:
    """What arms share of which the network has the same norms.

    Attributes:
        arms: Their names.
        audit: What was found and replaced.
        same_kind: How the network's outputs compare with those under normbench's norms of the same kinds.
    """

    arms: tuple[str, ...]
    audit: Audit
    same_kind: SameKind

    def as_mapping(self) -> Mapping[str, Any]:
        """Return all of it as nested mappings, and as texts: a row of cells for each norm, and the totals."""
        audit = replace(self.audit, same_kind=str(self.same_kind))
        texts = {"rows": [row_of(site) for site in audit.sites], "totals": list(totals(audit))}
        return asdict(replace(self, audit=audit)) | texts


def study_audits(study: Study) -> list[ArmsAudit]:
    """Return an audit for each set of norms; none for normbench's own models.

    Arms that keep their norms are left out, unless all do.

    Raises:
        SettingError: A network cannot be made, or a norm does not fit.
    """
    own = {arm: config for arm, config in study.arms.items() if config.model.name == "own"}
    swapped = {arm: config for arm, config in own.items() if config.norm.name != "kept"}
    found: list[tuple[list[str], Audit, SameKind]] = []
    for arm, config in (swapped or own).items():
        audit = own_norms(config).audit
        alike = next((arms for arms, known, _ in found if known == audit), None)
        if alike is None:
            found.append(([arm], audit, same_kind_of(config)))
        else:
            alike.append(arm)
    return [ArmsAudit(tuple(arms), audit, same_kind) for arms, audit, same_kind in found]
