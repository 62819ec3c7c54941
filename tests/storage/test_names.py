"""What a config, a file's name or a folder on disk calls a study or an arm never leads out of the runs folder."""

from pathlib import Path

import pytest
from made_up_runs import ARMS, TINY

from normbench.errors import ConfigError
from normbench.evidence.claims.study_verdicts import file_verdicts
from normbench.scheduling.plan import make_plan
from normbench.storage.arm_labels import label_words
from normbench.storage.choices import TuningSearch
from normbench.storage.identity import NUM_DIGITS_SHOWN
from normbench.storage.names import is_name
from normbench.study.axes import flat_change
from normbench.study.load import load_study

RUNS = Path("runs")
LONGEST_FILE_NAME = 255
"""Bytes, on the file systems there are."""


def digits(study):
    """Return the hex digits that the folder of the arm "none" shows."""
    return study.arms["none"].on("cpu").identity().short


def load(text, name="a.yaml", **options):
    Path(name).write_text(TINY + text, encoding="utf-8")
    return load_study(Path(name), **options)


def refusal(action):
    with pytest.raises(ConfigError) as error:
        action()
    (complaint,) = error.value.complaints
    return complaint


def folders(study):
    """The folders of a study's arms, each one step below the study's, itself one below the runs folder."""
    found = {run.folder.parent for run in make_plan(study, RUNS).runs}
    inside = (RUNS / study.name).resolve()
    assert inside.parent == RUNS.resolve()
    assert {folder.resolve().parent for folder in found} == {inside}
    assert max(len(folder.name.encode()) for folder in found) < LONGEST_FILE_NAME
    return [folder.name for folder in found]


HOSTILE_KEYS = ["/x", "../../x", "a/../../b", "\\0", "\\n", "\\e[31m", "..", " ", "é", "x" * 190, "-", "\\\\"]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_that_another_axis_overrules_names_no_folder_outside(key):
    study = load(f'grid: {{"norm.{key}": [1], norm: [none, batch_norm]}}\n')
    assert len(folders(study)) == 2


@pytest.mark.parametrize("value", ["/x", "../../x", "\\0", "\\n", "é" * 100, "x" * 190, "."])
def test_a_value_that_another_axis_overrules_names_no_folder_outside(value):
    for said in (f'"{value}"', f'{{name: "{value}"}}', f'{{a: {{"{value}": "{value}"}}}}', f'["{value}", "{value}"]'):
        study = load(f"grid: {{optimizer.lr: [{said}], optimizer: [{{name: adam}}, {{name: sgd}}]}}\n")
        assert len(folders(study)) == 2


@pytest.mark.parametrize("text", ["norm=../x", "norm./../x=1", "/x=/y", "norm=[a, /b]"])
def test_a_label_is_one_step_of_a_path(text):
    key, _, value = text.partition("=")
    for said in (value, {"name": value}, {key: value}, [value], {"name": "none", key: {"name": value}}):
        (label,) = {",".join(label_words("", flat_change({key: said}), {}))}
        assert "/" not in label
        assert len(Path(label).parts) == 1


NO_NAMES = [
    "..",
    ".",
    "../x",
    "/x",
    "a/b",
    "a\\\\b",
    "",
    " ",
    "a b",
    "a\\n",
    "\\0",
    "é",
    "-a",
    ".lock",
    "x" * 121,
    "a\\e",
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_study_or_an_arm_may_not_be_called_so(name):
    rule = "must be letters, digits, '_', '-' and '.', starting with a letter or digit"
    assert f"a.yaml:7: study: {rule}" in refusal(lambda: load(f'study: "{name}"\n'))
    assert f"a.yaml: study: {rule}" in refusal(lambda: file_verdicts(Path("a.yaml"), RUNS))
    assert rule in refusal(lambda: load(f'arms: {{"{name}": {{}}}}\n'))
    assert not RUNS.exists()


@pytest.mark.parametrize("said", ["5", "true", "[a]", "{a: b}"])
def test_a_name_is_text(said):
    assert "study: must be " in refusal(lambda: load(f"study: {said}\n"))
    assert "study: must be " in refusal(lambda: file_verdicts(Path("a.yaml"), RUNS))


@pytest.mark.parametrize(
    "stem", ["...", "-x", "é" * 60, "x" * 240, "a\nb", "\x1b[31m", "tuning", "a b", "=", "..x", "CON", "*", "[a]", "'"]
)
def test_every_file_has_a_study_of_a_safe_name(stem):
    study = load("", f"{stem}.yaml")
    assert is_name(study.name)
    assert folders(study) == [f"none-{digits(study)}"]


def test_names_that_normbench_uses_itself_stay_apart_from_arms():
    own = ["tuning", "curves", "summary", "study.json", "seed-0", "Tuning", "curves-seed-0.png"]
    study = load("arms: {" + ", ".join(f"{name}: {{l1: {i}}}" for i, name in enumerate(own)) + "}\n")
    found = [name.lower() for name in folders(study)]
    assert len(set(found)) == len(own)
    assert {*own, "tuning.json"}.isdisjoint(found)


def test_an_arm_called_like_another_arms_folder_has_its_own():
    (first,) = folders(load("arms: {a: {}}\n"))
    assert len(set(folders(load(f"arms: {{a: {{}}, {first}: {{l1: 1}}, A: {{l1: 2}}}}\n")))) == 3


def test_the_longest_names_are_names_of_files():
    longest = "x" * 120
    study = load(f"study: {longest}\narms: {{{longest}: {{}}}}\ntune: {{optimizer.lr: [0.1, 0.2]}}\n")
    assert all(len(name) == 120 + 1 + NUM_DIGITS_SHOWN for name in folders(study))
    choice = TuningSearch(f"{longest},tuned", "aaaaaa", study.tune, (1000,)).path(RUNS / study.name)
    assert len(choice.name) < LONGEST_FILE_NAME - len(".part-1234567890")


@pytest.mark.parametrize("planted", ["\x1b[31m", "a\nb", " ", "é", "x" * 121, "-"])
def test_a_planted_folder_names_no_arm(planted):
    study = load("")
    (mine,) = folders(study)
    identity = digits(study)
    (RUNS / study.name / f"{planted}-{identity}").mkdir(parents=True)
    assert folders(study) == [mine]
    (RUNS / study.name / f"zz-{identity}").mkdir()
    assert folders(study) == [f"zz-{identity}"]


def test_two_values_that_make_no_difference_are_a_mistake():
    complaint = refusal(lambda: load("grid: {norm.x: [/, é], norm: [none]}\n"))
    assert complaint.endswith("must name each arm once, got 'norm=none' twice. Remove one of them.")


def test_ordinary_names_are_what_they_were():
    study = load("grid: {norm: [none, {name: group_norm, num_groups: 2}], optimizer.lr: [1e-3, 1e16]}\n" + "#" + ARMS)
    assert list(study.arms) == [
        "norm=none,lr=0.001",
        "norm=none,lr=1e+16",
        "norm=group_norm,num_groups=2,lr=0.001",
        "norm=group_norm,num_groups=2,lr=1e+16",
    ]
