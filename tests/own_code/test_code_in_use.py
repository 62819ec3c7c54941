"""Which code of the user's a run's identity holds: all modules that are loaded to make and to call its network."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from own_networks import NET, own_study, write_study

from normbench.own_code.loaded_modules import own_modules
from normbench.own_code.syntax_digest import syntax_digest
from normbench.study.load import load_study

PACKAGE = {
    "my_net.py": "from nets.blocks import build\nimport unused_by_name as other\n",
    "unused_by_name.py": "x = 1\n",
    "never.py": "raise SystemExit\n",
    "nets/__init__.py": "",
    "nets/blocks.py": "from . import parts\nfrom torch import nn\n\n\ndef build():\n"
    "    from nets.lazily import width\n    return parts.Net(width, 2)\n",
    "nets/parts.py": f"{NET.replace('return self.head', 'import called; return self.head')}\n",
    "nets/lazily.py": "width = 3\n",
    "called.py": "import nets.space.deep\n",
    "nets/space/deep.py": "deep = 1\n",
}


def code_of(study):
    (config,) = study.arms.values()
    return config.on("cpu").identity().code


def test_all_modules_below_the_files_folder_count_by_their_names_from_there():
    digests = code_of(own_study(modules=PACKAGE))
    expected = {name: text for name, text in PACKAGE.items() if name != "never.py"}
    assert digests == {f"code {name}": syntax_digest(text.encode()) for name, text in expected.items()}
    assert digests == code_of(own_study(Path("elsewhere"), modules=PACKAGE)), "wherever the folder lies"


def test_no_bytecode_and_no_search_path_is_left_behind():
    before = [entry for entry in sys.path if not Path(entry).is_relative_to(Path.cwd().parent)]
    code_of(own_study(modules=PACKAGE))
    assert not list(Path().rglob("__pycache__"))
    assert sys.path == [*before, str(Path.cwd())]


def test_installed_packages_count_by_their_versions_but_for_pythons_own_and_torch():
    text = "import os, sys, json.decoder\nimport numpy as np\nimport torch, normbench\n"
    text += "def later():\n    from sklearn import datasets\n"
    digests = code_of(own_study(modules={"my_net.py": text + NET, "numbers_of_mine.py": ""}))
    del digests["code my_net.py"]
    assert digests == {f"package {name}": version(name) for name in ("numpy", "scikit-learn")}


def test_a_callable_of_an_installed_package_counts_by_its_version():
    digests = code_of(own_study(model={"name": "own", "build": "sklearn_net:build"}, modules={"sklearn_net.py": NET}))
    assert list(digests) == ["code sklearn_net.py"]
    model = {"name": "own", "build": "torch.nn:Linear", "settings": {"in_features": 4, "out_features": 2}}
    assert code_of(own_study(model=model)) == {}


def test_a_package_that_lies_elsewhere_counts_by_its_files(monkeypatch):
    write_study(
        Path("lib"),
        modules={"their/__init__.py": "", "their/net.py": f"from . import more\n{NET}", "their/more.py": ""},
    )
    monkeypatch.syspath_prepend(str(Path("lib").resolve()))
    digests = code_of(own_study(Path("study"), model={"name": "own", "build": "their.net:build"}))
    assert sorted(digests) == ["code their/__init__.py", "code their/more.py", "code their/net.py"]


def test_arms_count_the_code_that_they_load_whatever_other_arms_have_loaded():
    nets = {f"net_{name}.py": f"import only_{name}\n{NET}" for name in "ab"}
    modules = nets | {f"only_{name}.py": "" for name in "ab"}
    dynamic = "from importlib import import_module\n    return import_module(f'net_{kind}').build()"
    modules |= {"my_net.py": f"def build(kind):\n    {dynamic}"}
    for kinds in ("ab", "ba", "aba"):
        for kind in kinds:
            study = own_study(
                modules=modules, model={"name": "own", "build": "my_net:build", "settings": {"kind": kind}}
            )
            assert sorted(code_of(study)) == ["code my_net.py", f"code net_{kind}.py", f"code only_{kind}.py"]


def test_code_that_was_changed_is_imported_anew_in_one_process():
    first = code_of(own_study(modules=PACKAGE))
    for name, changed in {"nets/parts.py": "ReLU", "nets/lazily.py": "3"}.items():
        text = Path(name).read_text().replace(changed, {"ReLU": "GELU", "3": "5"}[changed])  # of the same size
        Path(name).write_text(text)
        again = code_of(load_study(Path("own.yaml")))
        assert [key for key in first if again[key] != first[key]] == [f"code {name}"]
        first = again


def test_code_that_was_changed_counts_also_where_other_code_was_imported_anew_since():
    scores = {"my_net.py": NET, "scores.py": "def loss(output, target): return (output * 1.0).square().mean()\n"}
    first = code_of(own_study(modules=scores, loss="scores:loss"))
    assert "my_net" not in own_modules()  # else it would show nothing
    Path("my_net.py").write_text(NET.replace("ReLU", "GELU"))
    again = code_of(load_study(Path("own.yaml")))
    assert [key for key in first if again[key] != first[key]] == ["code my_net.py"]


def test_what_functions_import_when_they_are_called_counts():
    lazily = "def {0}(*given):\n    import of_{0}\n    return of_{0}.result(*given)\n"
    results = {
        "loss": "def result(output, target): return (output * 1.0).square().mean()\n",
        "metric": "def result(output, target): return 1.0\n",
        "augment": "def result(x, generator): return x\n",
    }
    augment = lazily.format("augment").replace("*given", "x, generator")
    scores = lazily.format("loss") + lazily.format("metric") + augment
    modules = {"my_net.py": NET, "scores.py": scores} | {f"of_{name}.py": text for name, text in results.items()}
    metric = {"name": "score", "function": "scores:metric", "better": "higher"}
    found = code_of(own_study(modules=modules, loss="scores:loss", metric=metric, augment="scores:augment"))
    assert sorted(found) == [f"code {name}" for name in sorted(modules)]


def test_modules_of_one_name_in_two_folders_are_kept_apart():
    studies = [
        own_study(Path(name), modules={"my_net.py": NET.replace("6", size)})
        for name, size in (("one", "3"), ("two", "5"))
    ]
    for study in (*studies, *studies):
        config = next(iter(study.arms.values()))
        network = config.model.build_with(0, (4,), (2,))
        assert network.first.out_features == {"one": 3, "two": 5}[config.folder.name]
    assert {own.folder.name for own in own_modules().values()} == {"two"}
    assert code_of(studies[0]) != code_of(studies[1])


def test_a_module_that_lay_beside_another_study_is_not_found_from_the_next():
    own_study(Path("one"), modules={"my_net.py": f"import helper\n{NET}", "helper.py": ""})
    with pytest.raises(ValueError, match=r"my_net.py line 1: there is no module 'helper', got .* Install it"):
        own_study(Path("two"), modules={"my_net.py": f"import helper\n{NET}"})


def test_code_that_can_be_imported_only_once_serves_all_arms():
    registers = "import sys\nassert not hasattr(sys, 'registered_by_a_test')\nsys.registered_by_a_test = True\n"
    modules = {"my_net.py": f"import once\n{NET}", "once.py": registers}
    try:
        for width in (3, 4):
            model = {"name": "own", "build": "my_net:build", "settings": {"width": width}}
            assert sorted(code_of(own_study(modules=modules, model=model))) == ["code my_net.py", "code once.py"]
    finally:
        del sys.registered_by_a_test


def test_a_file_that_python_hides_is_told():
    with pytest.raises(
        ValueError, match=r"queue.py is hidden by the module queue that is loaded, got .* Rename the file"
    ):
        own_study(modules={"queue.py": NET}, model={"name": "own", "build": "queue:build"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import not_installed_here", "must be importable, my_net.py line 1: there is no module 'not_installed_here'"),
        ("x = 1\nnowhere()", "importing it ended with my_net.py line 2: NameError: name 'nowhere' is not defined"),
        ("x = 1\ndef f(:\n", "importing it ended with my_net.py line 2: SyntaxError: invalid syntax"),
        ("import its_parts", "importing it ended with its_parts.py line 1: ZeroDivisionError: division by zero"),
        ("import json\njson.loads('')", "importing it ended with my_net.py line 2: JSONDecodeError: Expecting value"),
        ("import sys\nsys.exit(4)", "importing it ended with my_net.py line 2: SystemExit: 4"),
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            f"my_net.py line 1: torchvision does not match torch {version('torch')}: install both from one index",
        ),
    ],
)
def test_an_error_on_import_names_the_last_line_of_theirs(text, told):
    with pytest.raises(ValueError, match=r"model.build") as caught:
        own_study(modules={"my_net.py": text, "its_parts.py": "1 / 0"})
    assert told in str(caught.value)


def test_a_module_that_is_not_there_is_told_with_the_folder():
    with pytest.raises(ValueError, match=r"there is no module 'absent', got 'absent:build'. Put it into /"):
        own_study(model={"name": "own", "build": "absent:build"})


def test_moved_files_are_the_same_code():
    first = code_of(own_study(Path("here"), modules=PACKAGE))
    shutil.move("here", "there")
    assert code_of(load_study(Path("there/own.yaml"))) == first


NORM = """
from torch import nn
import helper


class Mine(nn.Identity):
    def __init__(self, channels):
        super().__init__()
"""
SCORES = (
    "import helper\nfrom torch.nn.functional import cross_entropy as ce\ndef loss(output, target):\n    import late\n"
)
SCORES += "    return ce(output, target)\n"


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        ({"norm": {"name": "own", "layer": "my_norm:Mine"}}, ["helper.py", "my_norm.py"]),
        ({"loss": "my_scores:loss"}, ["helper.py", "late.py", "my_scores.py"]),
        (
            {"norm": {"name": "own", "layer": "my_norm:Mine"}, "model": {"name": "own", "build": "my_net:build"}},
            ["helper.py", "my_net.py", "my_norm.py"],
        ),
        (
            {"norm": {"name": "own", "layer": "my_norm:Mine"}, "loss": "my_scores:loss"},
            ["helper.py", "late.py", "my_norm.py", "my_scores.py"],
        ),
    ],
)
def test_norms_and_functions_of_the_users_count_also_with_normbenchs_models(settings, files):
    modules = {"my_norm.py": NORM, "my_scores.py": SCORES, "helper.py": "", "late.py": "", "my_net.py": NET}
    digests = code_of(own_study(modules=modules, **{"model": {"name": "mlp", "hidden_features": [4]}} | settings))
    assert digests == {f"code {name}": syntax_digest(modules[name].encode()) for name in files}


def test_without_code_of_the_users_there_is_none():
    assert code_of(own_study(model={"name": "mlp", "hidden_features": [4]})) == {}


def test_the_settings_that_a_callable_is_given_stay_as_they_are_whatever_it_does_with_them():
    text = "from torch import nn\ndef build(sizes):\n"
    text += "    return nn.Sequential(nn.Linear(4, sizes.pop()), nn.Linear(2, 2))"
    model = {"name": "own", "build": "my_net:build", "settings": {"sizes": [2]}}
    (config,) = own_study(modules={"my_net.py": text}, model=model).arms.values()
    assert config.model.settings == {"sizes": [2]}
