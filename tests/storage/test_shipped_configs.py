"""The names of shipped configs: the file that each means, and what is told where there is none."""

from pathlib import Path

import pytest

from normbench.errors import ConfigError
from normbench.storage import shipped_configs
from normbench.storage.files.yaml_file import read_text
from normbench.storage.shipped_configs import config_file, shipped_folder, shipped_names
from normbench.storage.shipped_list import find_shipped
from normbench.storage.source_path import folder_of_source

ROOT = Path(__file__).parents[2]


def write(path, text="model: mlp\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path):
    with pytest.raises(ConfigError) as refused:
        read_text(Path(path))
    return str(refused.value)


def test_in_a_clone_they_lie_beside_the_package():
    assert shipped_folder() == ROOT / "configs"
    assert shipped_names() == sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


def test_in_a_wheel_they_lie_in_the_package(monkeypatch, tmp_path):
    write(tmp_path / "site" / "normbench" / "configs" / "one.yaml", "# Why?\nmodel: mlp\n")
    write(tmp_path / "site" / "configs" / "of_another_package.yaml")
    monkeypatch.setattr(shipped_configs, "_PACKAGE", tmp_path / "site" / "normbench")
    assert shipped_names() == ["one"]
    assert [(one.name, one.question, one.used) for one in find_shipped()] == [("one", "Why?", ("mlp",))]


@pytest.mark.parametrize("typed", ["lenet_bn", "lenet_bn.yaml", "./lenet_bn"])
def test_a_bare_name_means_the_shipped_config(typed):
    assert config_file(Path(typed)) == ROOT / "configs" / "lenet_bn.yaml"
    assert folder_of_source(Path(typed)) == ROOT / "configs"
    assert read_text(Path(typed)) == (ROOT / "configs" / "lenet_bn.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("typed", ["lenet_bn", "lenet_bn.yaml"])
def test_a_file_here_wins_over_a_shipped_one_and_a_folder_does_not(typed):
    (Path.cwd() / typed).mkdir()
    assert config_file(Path(typed)) == ROOT / "configs" / "lenet_bn.yaml"
    (Path.cwd() / typed).rmdir()
    write(Path.cwd() / "lenet_bn.yaml")
    assert config_file(Path(typed)) == Path("lenet_bn.yaml")
    write(Path.cwd() / typed)
    assert config_file(Path(typed)) == Path(typed)


@pytest.mark.parametrize("typed", ["", ".", "..", "other/lenet_bn", "a\0b", "x" * 5_000, "configs"])
def test_nothing_else_is_taken_for_a_name(typed):
    assert config_file(Path(typed)) == Path(typed)
    assert ": must be a readable file, got: " in refusal(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("b10_batch_size", "b10_batch_sizes"),
        ("configs/lenet_bn.yaml", "lenet_bn"),
        ("old/lenet-bn", "lenet_bn"),
        ("mine.yml", "mine.yaml"),
        ("sub/mime.yaml", "sub/mine.yaml"),
    ],
)
def test_a_mistyped_name_is_told_the_nearest_one_here_or_shipped(typed, meant):
    write(Path.cwd() / "mine.yaml")
    write(Path.cwd() / "sub" / "mine.yaml")
    assert refusal(typed).endswith(f"Did you mean {meant!r}? Shipped ones: normbench configs")


def test_words_filter_by_name_question_and_what_is_used():
    def names(*words):
        return [config.name for config in find_shipped(words)]

    assert names("LENET_BN") == ["lenet_bn"]
    assert "b10_batch_sizes" in names("small batches")
    assert names("adain") == ["b15_adain_style_transfer", "b15_adain_unseen_styles"]
    assert set(names("group_norm", "lenet")) == set(names("group_norm")) & set(names("lenet"))
    assert "b10_batch_sizes" in names("group_norm")
    assert "lenet_bn" not in names("group_norm")


def test_sentences_of_claims_are_no_words_of_a_config():
    with pytest.raises(ConfigError, match=r"^MagicGeek2: must occur in a shipped config, got none\. Shipped ones"):
        find_shipped(["lenet", "MagicGeek2"])
    with pytest.raises(ConfigError, match="Did you mean 'group_norm'"):
        find_shipped(["gruop_norm"])
