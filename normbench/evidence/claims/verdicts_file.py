"""Verdicts kept as JSON beside a page of results: read back, and kept where a study was not looked at again."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.claims.margin_test import Part
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.storage.files.reading import read_bytes


def read_verdicts(path: Path) -> list[ClaimVerdict]:
    """Return the verdicts of a file that ``normbench claims`` has written; none where there is no file.

    Raises:
        ComparisonError: It is something else.
    """
    try:
        return [_verdict(said) for said in json.loads(read_bytes(path).decode("utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        rule = "must hold verdicts as normbench claims writes them"
        raise ComparisonError(f"{path}: {rule}, got {type(error).__name__}: {error}. Delete it.") from None


def with_kept(kept: Sequence[ClaimVerdict], fresh: Sequence[ClaimVerdict]) -> list[ClaimVerdict]:
    """Return the fresh verdicts with those of the studies they say nothing about, study by study."""
    by_study = {study: list(found) for study, found in groupby(kept, key=lambda verdict: verdict.study)}
    by_study |= {study: list(found) for study, found in groupby(fresh, key=lambda verdict: verdict.study)}
    return [verdict for study in sorted(by_study) for verdict in by_study[study]]


def _verdict(said: Mapping[str, Any]) -> ClaimVerdict:
    parts = [_part(part) for part in said["parts"]]
    return ClaimVerdict(**_known(ClaimVerdict, said) | {"parts": parts})


def _part(said: Mapping[str, Any]) -> Part:
    """Return a part as it was before it became JSON, which has no nan and no tuples."""
    values = _known(Part, said)
    missing = {one.name: math.nan for one in fields(Part) if one.type is float and values[one.name] is None}
    return Part(**values | missing | {"margins": tuple(said["margins"])})


def _known(kind: type, said: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in said.items() if key in names}
