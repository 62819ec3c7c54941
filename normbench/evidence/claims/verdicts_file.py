"""Reads the JSON file of verdicts beside a page of results, and merges it with new verdicts."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from normbench.errors import ComparisonError
from normbench.evidence.claims.later_looks import OpenReason, SecondRun
from normbench.evidence.claims.margin_test import ExpectationResult
from normbench.evidence.claims.tasks_found import OtherTasksFound, TaskFound
from normbench.evidence.claims.verdict import ClaimVerdict
from normbench.storage.files.reading import read_bytes


def read_verdicts(path: Path) -> list[ClaimVerdict]:
    """Read the verdicts that ``normbench claims`` wrote to a file; empty where there is no file.

    Raises:
        ComparisonError: The file holds something else.
    """
    try:
        return [_read_verdict(raw) for raw in json.loads(read_bytes(path, follows_links=True).decode("utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        rule = "must hold verdicts as normbench claims writes them"
        raise ComparisonError(f"{path}: {rule}, got {type(error).__name__}: {error}. Delete it.") from None


def merge_by_study(kept: Sequence[ClaimVerdict], fresh: Sequence[ClaimVerdict]) -> list[ClaimVerdict]:
    """Return the fresh verdicts, and the kept ones of all other studies, sorted by study."""
    by_study = {study: list(found) for study, found in groupby(kept, key=lambda verdict: verdict.study)}
    by_study |= {study: list(found) for study, found in groupby(fresh, key=lambda verdict: verdict.study)}
    return [verdict for study in sorted(by_study) for verdict in by_study[study]]


def _read_verdict(raw: Mapping[str, Any]) -> ClaimVerdict:
    parts = [_read_part(part) for part in raw["parts"]]
    kinds = {"second": SecondRun, "reason": OpenReason}
    later = {key: kind(**_known_fields(kind, raw[key])) for key, kind in kinds.items() if raw.get(key)}
    return ClaimVerdict(**_known_fields(ClaimVerdict, raw) | {"parts": parts} | later)


def _read_part(raw: Mapping[str, Any]) -> ExpectationResult:
    """Read a tested expectation, with tuples restored, and with inf and nan, in place of which JSON has null."""
    by_seed = {int(seed): float(value) for seed, value in raw.get("by_seed", {}).items()}
    restored = {"margins": tuple(raw["margins"]), "by_seed": by_seed} | _read_tasks(raw)
    ends = {"effect": _not_finite(by_seed), "low": -math.inf, "high": math.inf}
    return ExpectationResult(**_with_floats(ExpectationResult, raw, ends) | restored)


def _read_tasks(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a part that is pooled over tasks found in each and says of others; empty where it is not pooled."""
    if not raw.get("by_task"):
        return {}
    each = tuple(TaskFound(**_with_floats(TaskFound, one, {})) for one in raw["by_task"])
    return {"by_task": each, "other_tasks": OtherTasksFound(**_with_floats(OtherTasksFound, raw["other_tasks"], {}))}


def _not_finite(by_seed: Mapping[int, float]) -> float:
    """Return inf or -inf where the typical seed diverged; else nan."""
    middle = median(by_seed.values()) if by_seed else math.nan
    return middle if math.isinf(middle) else math.nan


def _with_floats(kind: type, raw: Mapping[str, Any], not_finite: Mapping[str, float]) -> dict[str, Any]:
    """Return the known fields with a float in place of each null that stands for one: the named one, or nan."""
    known = _known_fields(kind, raw)
    nulls = [one.name for one in fields(kind) if one.type is float and known.get(one.name, 0) is None]
    return known | {name: not_finite.get(name, math.nan) for name in nulls}


def _known_fields(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in raw.items() if key in names}
