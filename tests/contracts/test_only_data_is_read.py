"""The sources run nothing they read: no pickle but weights-only tensors, no eval, no shell; servers bind loopback."""

import ast
from pathlib import Path

import pytest

import normbench
from normbench.cli.tensorboard import tensorboard_options

SOURCES = sorted(Path(normbench.__file__).parent.rglob("*.py"))
EXECUTING_MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle", "code"}
SERVING_MODULES = {"http", "socket", "socketserver", "wsgiref", "xmlrpc", "asyncio"}
CALLING_OUT = "from socket import create_connection"
"""Reaches another machine as a client; nothing is served."""
EXECUTING_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path"}
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all", "Loader", "CLoader"}
UNSAFE_YAML |= {"FullLoader", "CFullLoader", "UnsafeLoader", "CUnsafeLoader"}
EVERY_ADDRESS = {"0.0.0.0", "::", "--bind_all"}


def violations(source):
    """Return every place of a source that could run what it reads, or serve beyond this machine."""
    return [found for node in ast.walk(ast.parse(source)) for found in _violations(node)]


def _violations(node):
    if isinstance(node, ast.Import | ast.ImportFrom) and ast.unparse(node) != CALLING_OUT:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        return [name for name in names if name.partition(".")[0] in EXECUTING_MODULES | SERVING_MODULES]
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and node.value in EVERY_ADDRESS else []
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        return [name] if name.partition("yaml.")[2] in UNSAFE_YAML and name.startswith("yaml.") else []
    return _call_violations(node) if isinstance(node, ast.Call) else []


def _call_violations(call):
    name = ast.unparse(call.func)
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    is_unsafe = (
        name in EXECUTING_CALLS
        or said.get("shell", "False") != "False"
        or said.get("allow_pickle", "False") != "False"
        or (name in ("torch.load", "load") and said.get("weights_only") != "True")
    )
    return [name] if is_unsafe else []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_source_runs_nothing_that_it_reads(path):
    assert violations(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import socket",
        "from socket import create_connection, create_server",
        "from pickle import loads",
        "import os, shelve",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=is_safe)",
        "from torch import load\nload(path)",
        "numpy.load(path, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "yaml.load(text)",
        "yaml.load(text, Loader=yaml.UnsafeLoader)",
        "class L(yaml.FullLoader): pass",
        "import http.server",
        "options = ['--host', '0.0.0.0']",
        "options = ['--bind_all']",
    ],
)
def test_what_is_looked_for_is_found(source):
    assert violations(source)


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, weights_only=True)",
        "yaml.compose(text, Loader=yaml.CSafeLoader)",
        "yaml.safe_load(text)",
        "json.loads(text)",
        "subprocess.run(['git', 'status'])",
        "model.eval()",
    ],
)
def test_what_only_reads_is_not(source):
    assert violations(source) == []


def test_tensorboard_answers_on_this_machine_only():
    words = tensorboard_options(Path("runs"), 6006)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words.count("--host") == 1
