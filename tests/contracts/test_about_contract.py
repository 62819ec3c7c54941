"""What a part says of itself in `explain` is what it computes: its formula, evaluated in float64, gives its output.

The names a formula may use are those of ``names_in``; a norm with other statistics brings ``statistics_<name>``.
"""

import re

import pytest
import torch
from contracts.norm_references import FORMULA_FUNCTIONS, learned_by
from contracts.variants import all_settings, each, with_defaults
from torch import Tensor

from normbench.inspection.explain.weights import learned_tensors
from normbench.inspection.norm_contract.measured_norm import axis_letters

SPECS = {name: spec() for name, spec in with_defaults("norms").items()}
WEIGHTS = {name: spec() for name, spec in with_defaults("weight_parametrizations").items()}
EACH = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
SHAPE = (8, 6, 4, 5)
# What a fresh layer does not do in every pass.
IN_EFFECT = {"adain": {"probability": 1.0}, "batch_renorm": {"r_max_steps": (0, 0), "d_max_steps": (0, 0)}}


def names_in(spec, layer, x: Tensor) -> dict:
    """Return what a formula speaks of, each shaped to go with (N, C, H, W)."""
    own = globals().get(f"statistics_{spec.name}", plain_statistics)
    settings = {key: value for key, value in spec.model_dump().items() if isinstance(value, float | int)}
    affine = {key: per_channel(layer, key) for key in ("weight", "bias")}
    return {"x": x, **FORMULA_FUNCTIONS, **settings, **learned_by(layer, x.dim()), **affine, **own(spec, layer, x)}


def per_channel(layer, key):
    parts = [part for part in layer.modules() if getattr(part, key, None) is not None]
    return torch.cat([getattr(part, key) for part in parts]).view(-1, 1, 1) if parts else None


def plain_statistics(spec, _layer, x):
    """Mean, variance and mean square over the declared axes."""
    declared = spec.properties(SHAPE[1:], batch_size=len(x), training=True)
    averaged = declared.averaged_axes.split()
    if "C/G" in averaged:
        blocks = x.unflatten(1, (declared.num_statistics // len(x), -1))
        mean = blocks.mean((2, 3, 4), keepdim=True).expand_as(blocks).flatten(1, 2)
        var = blocks.var((2, 3, 4), correction=0, keepdim=True).expand_as(blocks).flatten(1, 2)
        return {"mean": mean, "var": var}
    return moments(x, [i for i, letter in enumerate(axis_letters(3)) if letter in averaged])


def moments(x, dims):
    if not dims:
        return {}
    mean, var = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    return {"mean": mean, "var": var, "mean_square": var + mean.square()}


def statistics_ghost_batch_norm(spec, _layer, x):
    chunks = [moments(chunk, (0, 2, 3)) for chunk in x.split(spec.ghost_size)]
    lengths = [len(chunk) for chunk in x.split(spec.ghost_size)]
    return {
        key: torch.cat([found[key].expand(n, -1, -1, -1) for found, n in zip(chunks, lengths, strict=True)])
        for key in ("mean", "var")
    }


def statistics_local_response_norm(spec, _layer, x):
    padded = torch.nn.functional.pad(x.square(), (0, 0, 0, 0, spec.size // 2, (spec.size - 1) // 2))
    return {"mean_square": padded.unfold(1, spec.size, 1).mean(-1)}


def statistics_switchable_norm(_spec, layer, x):
    dims = {"instance": (2, 3), "layer": (1, 2, 3), "batch": (0, 2, 3)}
    found = [moments(x, dims[kind]) for kind in layer.kinds]
    shares = {"mean": layer.mean_weight.softmax(0), "var": layer.var_weight.softmax(0)}
    return {key: sum(share[k] * found[k][key] for k in range(3)) for key, share in shares.items()}


def statistics_ibn(spec, _layer, x):
    num_instance = int(spec.ratio * x.shape[1])
    own, batch = moments(x[:, :num_instance], (2, 3)), moments(x[:, num_instance:], (0, 2, 3))
    return {key: torch.cat([own[key], batch[key].expand(len(x), -1, -1, -1)], dim=1) for key in ("mean", "var")}


def statistics_adain(_spec, _layer, x):
    torch.rand(())  # the layer draws whether styles are exchanged, then by which order
    order = torch.randperm(len(x))
    own = moments(x, (2, 3))
    style = {"style_mean": own["mean"][order], "style_var": own["var"][order]}
    plain = (x - own["mean"]) / (own["var"] + 1e-5).sqrt()
    exchanged = plain * (style["style_var"] + 1e-5).sqrt() + style["style_mean"]
    batch = moments(exchanged, (0, 2, 3))
    return {**own, **style, "batch_mean": batch["mean"], "batch_var": batch["var"]}


def statistics_noisy_batch_norm(_spec, layer, x):
    scale, shift = layer.draw_noise(x)
    return {**moments(x, (0, 2, 3)), "scale": scale, "shift": shift}


def statistics_batch_renorm(spec, _layer, x):
    """Of a fresh layer, whose running mean is 0 and running variance 1, with both limits open and wide enough."""
    found = moments(x, (0, 2, 3))
    std, running_std = (found["var"] + spec.eps).sqrt(), (1 + spec.eps) ** 0.5
    return {**found, "r": std / running_std, "d": found["mean"] / running_std}


@EACH
def test_the_printed_formula_gives_the_output_of_the_layer(spec):
    spec = spec.model_copy(update=IN_EFFECT.get(spec.name, {}))
    layer, x = spec.build(SHAPE[1:]).double(), 3 + 2 * torch.randn(SHAPE, dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    torch.default_generator.manual_seed(1)
    output = layer(x)
    torch.default_generator.manual_seed(1)
    expected = eval(spec.about.formula, {"__builtins__": {}}, names_in(spec, layer, x))
    torch.testing.assert_close(output, expected)


@pytest.mark.parametrize("spec", each(all_settings("weight_parametrizations", tried_floats=(0.3,))))
def test_the_printed_formula_gives_the_weight_of_the_layer(spec):
    layer = torch.nn.Conv2d(3, 6, 3).double().eval()
    spec.build(layer)
    learned = learned_tensors(layer)
    with torch.no_grad():
        for tensor in learned.values():
            tensor.add_(0.1 * torch.randn_like(tensor))
    v, settings = learned["v"], {key: value for key, value in spec.model_dump().items() if isinstance(value, float)}
    of_filters = {"mean": v.mean((1, 2, 3), keepdim=True), "var": v.var((1, 2, 3), correction=0, keepdim=True)}
    names = {"sqrt": lambda number: torch.as_tensor(number).double().sqrt(), **learned, **settings, **of_filters}
    names["n"], names["sum_of_squares"] = v[0].numel(), v.square().sum((1, 2, 3), keepdim=True)
    names |= {name: given.value for name, given in spec.formula_values(layer).items()}
    torch.testing.assert_close(layer.weight, eval(spec.formula(), {"__builtins__": {}}, names))


@pytest.mark.parametrize("spec", [*SPECS.values(), *WEIGHTS.values()], ids=lambda spec: type(spec).__module__)
def test_a_part_names_its_source_and_its_use(spec):
    about = spec.about
    assert bool(about.paper) == bool(about.url), "a paper has a url, and a url a paper"
    assert not about.url or re.match(r"https://", about.url), "the url begins with https://"
    assert all(text.endswith(".") for text in (about.good_for, about.bad_for, *about.disagreements, *about.documents))
