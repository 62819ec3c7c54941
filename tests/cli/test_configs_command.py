"""Shipped configs by name: listed, copied, run, and repeated in what is printed."""

import json
import re
from pathlib import Path

import pytest
from command_line import normbench

from normbench.storage.shipped_configs import shipped_folder, shipped_names

TWO_STEPS = ("--set", "num_steps=2", "--set", "recording.figures=false", "--quiet")


def test_every_config_is_listed_with_its_whole_question_within_80_columns():
    code, out, err = normbench("configs")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    listed = " ".join(out.split())
    for name in shipped_names():
        first = (shipped_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        assert f"{name} {first.removeprefix('# ')}" in listed


def test_words_filter_and_what_follows_is_of_the_first_found():
    out = normbench("configs", "group_norm", "small").out
    assert re.findall(r"^(b\w+)  ", out, re.MULTILINE) == ["b10_batch_sizes"]
    assert "normbench run b10_batch_sizes\n" in out


def test_a_copy_is_what_init_writes_and_is_never_written_over_a_file():
    wrote = "wrote my_b10_batch_sizes.yaml\nnext  normbench run my_b10_batch_sizes.yaml\n"
    assert normbench("configs", "--copy", "b10_batch_sizes") == (0, wrote, "")
    copied = Path("my_b10_batch_sizes.yaml").read_bytes()
    assert copied == (shipped_folder() / "b10_batch_sizes.yaml").read_bytes()
    refused = "my_b10_batch_sizes.yaml: must not exist yet, got a file. Choose another with --path.\n"
    assert normbench("init", "b10_batch_sizes.yaml") == (2, "", refused)
    assert normbench("init", "b10_batch_sizes", "--path", "a.yaml").code == 0
    assert Path("a.yaml").read_bytes() == Path("my_b10_batch_sizes.yaml").read_bytes() == copied


@pytest.mark.parametrize("words", [("init",), ("configs", "--copy")])
def test_a_name_that_is_none_is_told_the_nearest(words):
    line = "must be the name of a shipped config, got none. Did you mean 'lenet_bn'? Shipped ones: normbench configs"
    assert normbench(*words, "lenet_b") == (2, "", f"lenet_b: {line}\n")


@pytest.mark.usefixtures("small_test_sets")
def test_what_is_printed_repeats_the_name_so_that_it_works_again():
    out = normbench("run", "lenet_bn", *TWO_STEPS).out
    assert "next     normbench run lenet_bn --set num_steps=2" in out
    study = json.loads(Path("runs/lenet_bn/study.json").read_text(encoding="utf-8"))
    assert study["source"] == "lenet_bn"
    assert (Path("runs/lenet_bn") / study["source_path"]).resolve() == shipped_folder() / "lenet_bn.yaml"
    assert "normbench run lenet_bn" in normbench("compare").out
    (again,) = json.loads(normbench("run", "lenet_bn", *TWO_STEPS, "--json").out)
    by_path = normbench("run", shipped_folder() / "lenet_bn.yaml", *TWO_STEPS, "--json").out
    assert [run["status"] for run in [*again["runs"], *json.loads(by_path)[0]["runs"]]] == ["skipped"] * 2


@pytest.mark.usefixtures("small_test_sets")
def test_another_file_of_the_name_does_not_mix_its_runs_with_the_shipped_ones():
    assert normbench("run", "lenet_bn", *TWO_STEPS).code == 0
    Path("lenet_bn.yaml").write_text("# Mine?\nmodel: lenet\ndataset: banknotes\nbatch_size: 8\n", encoding="utf-8")
    code, _, err = normbench("run", "lenet_bn", *TWO_STEPS)
    assert code == 2
    assert "runs/lenet_bn: must belong to lenet_bn, got the runs of" in err
