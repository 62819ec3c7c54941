"""normbench probe --input: shapes and files, several arguments of forward, tuples and dicts, the batch of training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import normbench
from probing import answer, of_model, own_models, refusal, write

MORE = """
import sys


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 3))

    def forward(self, left, right):
        return (self.encoder(left) - 2 * self.encoder(right)).abs()


class TakesADict(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 2)

    def forward(self, batch):
        return self.dense(batch["left"] + batch["right"])


def wrapped():
    return nn.DataParallel(TakesADict())


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.dense = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, 2)

    def forward(self, x, mask=None):
        return self.dense(x + self.attention(x, x, x, key_padding_mask=mask)[0])


class TakesAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 2)

    def forward(self, images):
        return torch.stack([self.dense(image).mean(0) for image in images])


class EndsItself(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(6, 2)

    def forward(self, x):
        sys.exit("goodbye")


def ends_itself():
    sys.exit()


def pooled():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2))
"""
SAVE = "Write it with torch.save(tensor, path); a tuple of tensors or a dict by argument's name serves, too."


@pytest.fixture(autouse=True)
def models(monkeypatch):
    with own_models(monkeypatch, MORE):
        yield


def lines_of(*words):
    return json.loads(answer(*words, "--seeds", 1, "--json"))["probes"][0]["lines"]


def test_inputs_from_files():
    np.save("x.npy", np.random.default_rng(0).normal(size=(5, 6)))
    torch.save(torch.randn(5, 6), "x.pt")
    for name in ("x.npy", "x.pt"):
        assert f"  {name}, 5x6, training mode" in answer(*of_model("good", name), "--seeds", 1)
    np.save("ids.npy", np.arange(12).reshape(3, 4))
    assert "Embedding" in answer(*of_model("words", "ids.npy"), "--seeds", 1)


def test_whole_numbers_for_a_model_of_others_are_refused_with_the_way_out():
    np.save("x.npy", np.ones((4, 6), dtype=np.uint8))
    message = refusal(*of_model("good", "x.npy"))
    assert message.endswith("A model of floating-point numbers takes a .npy or .pt file of them.")


@pytest.mark.parametrize("name", ["x.npy", "x.pt"])
def test_a_file_of_something_else_is_one_line(name):
    write(name, "not a tensor")
    message = refusal(*of_model("good", name))
    assert message.startswith(f"--input {name}: must hold tensors and no objects, got ")
    assert message.endswith("Write it with numpy.save(path, array) or torch.save(tensor, path).")


def test_a_file_with_objects_is_never_executed():
    class Evil:
        def __reduce__(self):
            return (Path.touch, (Path("executed"),))

    torch.save({"x": Evil()}, "x.pt")
    np.save("x.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    for name in ("x.pt", "x.npy"):
        assert refusal(*of_model("good", name)).startswith(f"--input {name}: must hold tensors and no objects, got ")
    assert not Path("executed").exists()


def test_a_file_of_no_numbers_that_count_is_refused():
    torch.save("words", "x.pt")
    assert refusal(*of_model("good", "x.pt")) == f"--input x.pt: must hold tensors, got a str. {SAVE}"
    torch.save({"x": None}, "x.pt")
    rule = "must be numbers, a batch of one sample or more, got no tensor"
    assert refusal(*of_model("good", "x.pt")) == f"--input x.pt: {rule}. Its first axis counts the samples."
    torch.save((torch.ones(2, 6), torch.ones(0, 6)), "x.pt")
    rule = "must be numbers, a batch of one sample or more, got torch.float32 (2, 6), torch.float32 (0, 6)"
    assert refusal(*of_model("good", "x.pt")) == f"--input x.pt: {rule}. Its first axis counts the samples."


def test_each_input_is_an_argument_of_forward_in_order():
    left, right = torch.randn(4, 6), torch.randn(4, 6)
    torch.save(left, "left.pt")
    torch.save(right, "right.pt")
    torch.save((left, right), "both.pt")
    torch.save({"right": right, "left": left}, "named.pt")
    siamese = ("--model", "my_models:Siamese")
    found = lines_of(*siamese, "--input", "left.pt", "--input", "right.pt")
    assert found == lines_of(*siamese, "--input", "both.pt") == lines_of(*siamese, "--input", "named.pt")
    other_way = lines_of(*siamese, "--input", "right.pt", "--input", "left.pt")
    assert found[0]["figures"]["std"] == pytest.approx(other_way[0]["figures"]["std"])
    assert found[0]["figures"]["grad_std"] != pytest.approx(other_way[0]["figures"]["grad_std"], rel=1e-3)
    said = answer(*siamese, "--input", "4,6", "--input", "1,6", "--seeds", 1)
    assert "  N(0, 1) of 4x6 and 1x6, training mode, back from" in said


def test_an_argument_that_is_missing_is_told_with_the_way_to_give_it():
    message = refusal("--model", "my_models:Siamese", "--input", "4,6")
    assert "missing 1 required positional argument: 'right'. Give --input once more for each further arg" in message


def test_drawn_inputs_are_not_the_same_numbers_twice():
    siamese = ("--model", "my_models:Siamese", "--input", "4,6", "--input", "4,6")
    (first, *_) = lines_of(*siamese)
    assert first["figures"]["std"] > 0
    one = torch.randn(4, 6)
    torch.save((one, one), "same.pt")
    (same, *_) = lines_of(*siamese[:2], "--input", "same.pt")
    assert first["figures"]["max_abs"] != same["figures"]["max_abs"]


def test_a_dict_that_forward_takes_whole_is_given_whole():
    torch.save({"left": torch.randn(4, 6), "right": torch.randn(4, 6)}, "x.pt")
    assert lines_of(*of_model("TakesADict", "x.pt"))[0]["layer"] == "dense"
    assert lines_of(*of_model("wrapped", "x.pt"))[0]["layer"] == "module.dense"


def test_a_list_of_images_is_given_whole_to_a_forward_that_takes_one_list():
    torch.save([torch.randn(3, 6), torch.randn(5, 6)], "x.pt")
    (line,) = lines_of(*of_model("TakesAList", "x.pt"))
    assert (line["layer"], line["figures"]["calls"]) == ("dense", 2)


@pytest.mark.parametrize(("name", "got"), [("ends_itself", "SystemExit"), ("EndsItself", "SystemExit: goodbye")])
def test_a_model_that_ends_the_program_is_one_line(name, got):
    told = refusal(*of_model(name))
    assert "got my_models.py line " in told
    assert f": {got}. " in told


def test_masks_and_none_may_stand_beside_tensors():
    mask = torch.tensor([[False, False, True]] * 4)
    torch.save({"x": torch.randn(4, 3, 6), "mask": mask}, "x.pt")
    assert [line["layer"] for line in lines_of(*of_model("Masked", "x.pt"))] == ["attention", "dense"]
    torch.save((torch.randn(4, 3, 6), None), "x.pt")
    assert [line["layer"] for line in lines_of(*of_model("Masked", "x.pt"))] == ["attention", "dense"]


def test_a_tuple_beside_another_input_and_names_that_do_not_fit_are_refused():
    torch.save((torch.ones(2, 6), torch.ones(2, 6)), "x.pt")
    message = refusal("--model", "my_models:Siamese", "--input", "x.pt", "--input", "4,6")
    rule = "must hold one tensor beside another --input, got a tuple"
    assert message == f"--input x.pt: {rule}. Give it alone, or one file for each argument."
    torch.save({"no_such_name": torch.ones(2, 6)}, "x.pt")
    way_out = (
        "A dict goes to forward by its arguments' names, or whole where they are others: write it with those names."
    )
    assert refusal(*of_model("good", "x.pt")).endswith(way_out)


def test_norms_are_counted_at_the_batch_of_training():
    assert "too few values" not in answer(*of_model("pooled", "16,3,8,8"), "--seeds", 1)
    assert "too few values" not in answer(*of_model("pooled", "4,3,8,8"), "--seeds", 1)
    found = answer(*of_model("pooled", "4,3,8,8"), "--seeds", 1, "--batch-size", 8)
    assert "2: the norm averages over too few values, BatchNorm2d: 8 values per statistic at batch 8 x 1 pos" in found
    assert "Use a batch of 16 or more" in found
    assert "2: the norm averages over too few values" in answer(*of_model("pooled", "2,3,8,8"), "--seeds", 1)
    assert "1 value per statistic at batch 1" in answer(*of_model("pooled", "4,3,8,8"), "--batch-size", 1, "--seeds", 1)


def test_a_batch_that_torchs_norm_refuses_is_named_with_the_norm():
    rule = "2: must get 2 values or more per channel (BatchNorm2d), got (1, 8, 1, 1)"
    way_out = "Give a larger batch or larger maps, or use a norm that does not look at the batch (layer or group norm)."
    assert refusal(*of_model("pooled", "1,3,8,8")) == f"--model my_models:pooled: {rule}. {way_out}"


def test_a_batch_size_that_is_none_or_beside_a_config_is_refused():
    found = refusal(*of_model("good"), "--batch-size", 0)
    assert found == "--batch-size 0: must be 1 or more, got 0. Example: --batch-size 32"
    write("x.yaml", "model: mlp")
    code, _, err = normbench("probe", "x.yaml", "--batch-size", 4)
    assert (code, err) == (2, "--batch-size 4: must go with --model, got CONFIG x.yaml. Use --set batch_size=4.\n")
