"""Norms after named layers of a network that has none there: where they stand, what stays, and what is refused."""

import copy
import csv
import io
from pathlib import Path

import pytest
import torch
from command_line import normbench
from own_networks import own_study, write_study
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's idiom

from normbench.errors import SettingError
from normbench.norm_swap.swap import swap_norms
from normbench.study.network import network_without_numbers
from normbench.study.own_network import own_network

IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
STEPS = torch.randn(4, 5, 8, generator=torch.Generator().manual_seed(0))
CONVS = {"name": "group_norm", "num_groups": 2}
BARE = """\
from torch import nn


def build():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
"""
HIDDEN = {"insert": {"after": ["0", "2"]}}


def convolutions(*after):
    torch.manual_seed(0)
    convs = nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.ConvTranspose2d(8, 4, 3)
    return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3), *after)


class Tied(nn.Module):
    """A dense layer before scores by the very weights of an embedding; the dense layer is not the output's."""

    def __init__(self):
        super().__init__()
        self.embedding, self.dense, self.unused = nn.Embedding(7, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return F.linear(self.dense(self.embedding(x)), self.embedding.weight).softmax(-1)


class Attention(nn.Module):
    """Layers of which torch's modules read the weights by themselves, without calling them."""

    def __init__(self):
        super().__init__()
        self.attention, self.lstm = nn.MultiheadAttention(8, 2, batch_first=True), nn.LSTM(8, 8, batch_first=True)
        self.dense, self.head = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.lstm(self.dense(self.attention(x, x, x)[0]))[0])


def refusal(network, batch, *after, norm="layer_norm"):
    """Return the error's text; the network is then as it was."""
    before = {name: (module, dict(vars(module)["_forward_hooks"])) for name, module in network.named_modules()}
    with pytest.raises(SettingError) as caught:
        swap_norms(network, norm, batch, insert_after=after)
    assert before == {name: (module, vars(module)["_forward_hooks"]) for name, module in network.named_modules()}
    return str(caught.value)


def test_a_norm_acts_on_what_the_layer_puts_out_and_all_else_stays():
    plain, network = convolutions(), convolutions()
    audit = swap_norms(network, CONVS, IMAGES, insert_after=["Conv*"])
    assert "0 norms found, 0 swapped, 0 kept; 2 inserted after 0, 2; parameters 531 -> 555" in str(audit)
    assert [(site.path, site.groups) for site in audit.sites] == [
        ("0.inserted_norm", (2, 4)),
        ("2.inserted_norm", (2, 2)),
    ]
    assert plain.state_dict().keys() <= network.state_dict().keys()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in plain.state_dict().items())
    for made in (plain, network):
        made.eval()
    x = F.group_norm(plain[2](F.group_norm(plain[0](IMAGES), 2).relu()), 2)
    assert torch.allclose(network(IMAGES), plain[3:](x), atol=1e-6)


def test_copies_and_files_of_the_network_call_norms_of_their_own():
    network = convolutions()
    swap_norms(network, CONVS, IMAGES, insert_after=["0"])
    copied = copy.deepcopy(network)
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    read = torch.load(file, weights_only=False)
    assert torch.equal(read(IMAGES), network(IMAGES))
    nn.init.zeros_(copied[0].inserted_norm.weight)
    assert copied(IMAGES).std(0).max() == 0 < network(IMAGES).std(0).max()


def test_channels_of_dense_layers_lie_last_and_torchs_transformer_calls_the_norm_in_evaluation_too():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    network = nn.Sequential(nn.TransformerEncoder(layer, 1), nn.Linear(8, 3))
    audit = swap_norms(network, "rms_norm", STEPS, where=[], insert_after=["*.linear1"])
    (inserted,) = audit.swapped
    assert (inserted.num_features, inserted.channel_axis) == (16, 2)
    assert [site.becomes for site in audit.sites if not site.origin] == ["", ""]
    in_training = network.train()(STEPS)
    with torch.no_grad():
        assert torch.allclose(network.eval()(STEPS), in_training, atol=1e-5)


def test_without_patterns_for_them_the_networks_own_norms_are_replaced_too():
    audits = {}
    for where in (None, []):
        network = convolutions()
        network.insert(1, nn.BatchNorm2d(8))
        audits[where is None] = swap_norms(network, CONVS, IMAGES, where=where, insert_after=["3"])
    assert [site.path for site in audits[True].swapped] == ["1", "3.inserted_norm"]
    assert [site.path for site in audits[False].swapped] == ["3.inserted_norm"]
    with pytest.raises(SettingError, match="must name norms, since none are inserted either"):
        swap_norms(network, CONVS, IMAGES, where=[])


@pytest.mark.parametrize("norm", ["kept", "none"])
def test_the_control_arms_have_nothing_inserted(norm):
    network = convolutions()
    audit = swap_norms(network, norm, IMAGES, insert_after=["Conv2d"])
    assert audit.swapped == () == audit.sites
    assert [list(vars(module)["_forward_hooks"]) for module in network.modules()] == [[] for _ in network.modules()]
    assert list(network.state_dict()) == list(convolutions().state_dict())


def test_the_layer_that_makes_the_output_wants_its_exact_name():
    assert refusal(convolutions(nn.Softmax(-1)), IMAGES, "*") == (
        "swap.insert.after: must name layers after which a norm can stand; 5 (Linear) makes the output, got ['*']. "
        "Name the others: 0, 2 or write 5 to have one there."
    )
    pooled = nn.Sequential(*convolutions()[:5])  # the last convolution is the head
    assert "2 (ConvTranspose2d) makes the output" in refusal(pooled, IMAGES, "Conv*")
    assert len(swap_norms(convolutions(), "layer_norm", IMAGES, insert_after=["5"]).swapped) == 1
    tokens = torch.randint(0, 7, (4, 5), generator=torch.Generator().manual_seed(0))
    assert len(swap_norms(Tied(), "layer_norm", tokens, insert_after=["dense"]).swapped) == 1


def test_layers_that_no_pass_calls_or_that_put_out_no_tensor_are_refused_all_at_once():
    told = refusal(Attention(), STEPS, "*")
    assert "attention (MultiheadAttention), lstm (LSTM) puts out a tuple, and no single tensor" in told
    assert "attention.out_proj (NonDynamicallyQuantizableLinear) is never called: it is not used, or another" in told
    assert told.endswith("Name the others: dense or write head to have one there.")
    tokens = torch.randint(0, 7, (4, 5), generator=torch.Generator().manual_seed(0))
    assert "unused (Linear) is never called" in refusal(Tied(), tokens, "unused")
    assert refusal(convolutions(), IMAGES, "Conv2") == (
        "swap.insert.after: must match a layer with weights of the network, by its name or its class, got 'Conv2'. "
        "Did you mean 'Conv2d'? The network has Conv2d, ConvTranspose2d, Linear."
    )
    assert "must match a layer with weights" in refusal(convolutions(), IMAGES, "ReLU")
    assert "must divide the 4 features of 2.inserted_norm" in refusal(
        convolutions(), IMAGES, "0", "2", norm={"name": "group_norm", "num_groups": 8}
    )


def test_code_that_was_compiled_before_calls_the_norm():
    network = convolutions()
    network.compile(backend="eager")
    with torch.no_grad():
        before = network(IMAGES)
    swap_norms(network, CONVS, IMAGES, insert_after=["0"])
    with torch.no_grad():
        after = network(IMAGES)
        assert torch.equal(after, network.forward(IMAGES))
        assert not torch.allclose(after, before)


def test_a_study_trains_them_records_layer_and_norm_and_starts_from_the_same_weights():
    arms = {"bare": {"norm": "none"}, "kept": {"norm": "kept"}, "ln": {"norm": "layer_norm"}}
    study = own_study(modules={"my_net.py": BARE}, swap=HIDDEN, arms=arms)
    bare, kept, normed = (own_network(config, 3).state_dict() for config in study.arms.values())
    assert all(torch.equal(value, other[name]) for other in (bare, normed) for name, value in kept.items())
    assert "0.inserted_norm.weight" in network_without_numbers(study.arms["ln"]).state_dict()
    path = write_study(modules={"my_net.py": BARE}, swap=HIDDEN, norm="layer_norm")
    out = normbench("audit", path)
    assert (out.code, out.err) == (0, "")
    assert "2 inserted after 0, 2" in out.out
    assert normbench("run", path).code == 0
    (file,) = Path("runs").rglob("layer_stats.csv")
    layers = {row["layer"] for row in csv.DictReader(io.StringIO(file.read_text()))}
    assert {"0", "0.inserted_norm", "2", "2.inserted_norm", "4"} <= layers
