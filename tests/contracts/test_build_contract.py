"""Every model with every norm starts from the same bits, built at once or from the network it was checked with."""

import pytest
import torch
from contracts.variants import variants
from pydantic import ValidationError
from torch import nn

from normbench.errors import SettingError
from normbench.models.base import parametrize_weights
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_model
from normbench.training.initialization import check_all_drawn, initialize, materialize

DATASETS = [dataset.model_fields["name"].default for dataset in variants("datasets")]


def dataset_for(model):
    """Return the first dataset that a model takes."""
    for dataset in DATASETS:
        config = RunConfig.model_validate({"model": model, "dataset": dataset, "batch_size": 4})
        if not contradictions(config):
            return dataset
    raise AssertionError(model)


def configs():
    for model in variants("models"):
        name = model.model_fields["name"].default
        dataset = dataset_for(name)
        for norm in variants("norms"):
            said = {"model": name, "dataset": dataset, "norm": norm.model_fields["name"].default, "batch_size": 4}
            try:
                config = RunConfig.model_validate(said | {"dropout": 0.2})
            except ValidationError:
                continue
            if not contradictions(config):
                yield pytest.param(config, id=f"{name}-{said['norm']}")


def built_at_once(config, seed):
    data = config.dataset
    model = config.model.build(data.input_shape, data.output_shape, config.norm, config.dropout)
    initialize(model, config.init, config.init_scale, seed)
    parametrize_weights(model, config.weight_parametrization)
    return model


@pytest.mark.parametrize("config", list(configs()))
def test_a_network_starts_as_if_it_were_built_on_the_cpu(config):
    found = []
    for build in (built_at_once, build_model):
        torch.manual_seed(7)
        found.append((build(config, 3), torch.random.get_rng_state()))
    (mine, drawn), (other, also_drawn) = found
    assert torch.equal(drawn, also_drawn), "what training draws next must be the same"
    tensors = [dict([*model.named_parameters(), *model.named_buffers()]) for model in (mine, other)]
    assert tensors[0].keys() == tensors[1].keys()
    assert [name for name, tensor in tensors[0].items() if not torch.equal(tensor, tensors[1][name])] == []


class Forgetful(nn.Module):
    """A module whose parameter only its __init__ sets."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))


def test_a_parameter_that_nothing_draws_is_named():
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(2, 3), Forgetful())
    with pytest.raises(SettingError, match=r"must be set by the reset_parameters of its module, 1\.scale is not"):
        check_all_drawn(materialize(network))
