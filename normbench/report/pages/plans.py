"""Makes what `normbench run --dry-run` shows in a format: the blocks, the content of the JSON, a CSV row per arm."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from normbench.findings import Finding
from normbench.report.blocks.block import Block
from normbench.report.pages.documents.plan import DOCUMENT
from normbench.report.pages.formats.base import Result


def plans_result(
    plans: Sequence[Mapping[str, Any]], findings: Sequence[Sequence[Finding]], blocks: Sequence[Block]
) -> Result:
    """Return the plans of studies, each with what may go wrong in its networks."""
    content = [{**plan, "findings": list(map(asdict, found))} for plan, found in zip(plans, findings, strict=True)]
    rows = [{"study": plan["study"], **arm} for plan in plans for arm in plan["arms"]]
    return Result(DOCUMENT, lambda: content, lambda: [[block] for block in blocks], lambda: rows)
