"""The words for how a run stands are defined once."""

import ast
import json
from pathlib import Path

import pytest

import normbench
from normbench.storage.run_status import FOLDER_STATUSES, RESULTS, RunStatus

HOME = Path(normbench.__file__).parent


def status_strings(text):
    """Return the statuses that are written as strings where something called status is compared, set or handed over."""
    values = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and "status" in ast.unparse(node.left):
            values += node.comparators
        if isinstance(node, ast.keyword) and node.arg == "status":
            values.append(node.value)
        if isinstance(node, ast.Assign) and "status" in ast.unparse(node.targets[0]):
            values.append(node.value)
        if isinstance(node, ast.AnnAssign) and node.value and "status" in ast.unparse(node.target):
            values.append(node.value)
    leaves = [leaf for value in values for leaf in ast.walk(value)]
    return [leaf.value for leaf in leaves if isinstance(leaf, ast.Constant) and leaf.value in list(RunStatus)]


def test_no_module_spells_a_status_itself():
    files = {path.relative_to(HOME).as_posix(): path.read_text(encoding="utf-8") for path in HOME.rglob("*.py")}
    found = {path: status_strings(text) for path, text in files.items()}
    home = "storage/run_status.py"
    assert {path: words for path, words in found.items() if words and path != home} == {}


@pytest.mark.parametrize("wrong", ["run.status == 'failed'", "run.status in ('busy', x)", "f(status='failed')"])
def test_a_status_spelled_as_a_string_is_found(wrong):
    assert status_strings(wrong)


def test_a_status_is_written_and_printed_as_its_word():
    assert json.dumps(list(RunStatus)) == json.dumps([status.value for status in RunStatus])
    assert f"{RunStatus.FINISHED}" == "finished" == RunStatus.FINISHED
    assert f"{RunStatus.FINISHED!r}" == "'finished'"
    assert set(RESULTS) < set(FOLDER_STATUSES) < set(RunStatus)
