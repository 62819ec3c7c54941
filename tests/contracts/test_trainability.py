"""Every model with every norm at batch sizes 1, 2 and 8 trains five steps, or is refused before with a way out.

Each model gets the smallest dataset it takes whose outputs are vectors, and the smallest whose outputs are images.
"""

from functools import cache
from itertools import product
from math import prod

import pytest
from contracts.variants import label, variants

from normbench.errors import SettingError
from normbench.norms.none import NoneSpec
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.build import build_training
from normbench.training.loop import train

BATCH_SIZES = (1, 2, 8)
NUM_STEPS = 5
NORMS = [norm() for norm in variants("norms")]
SMALL = {"num_samples": 16, "width": 8, "hidden_features": 8}


def small(variant):
    """Return the variant at its defaults, but small where it has such a setting."""
    sizes = {key: value for key, value in SMALL.items() if key in variant.setting_names()}
    return variant(**{key: value for key, value in sizes.items() if variant.model_fields[key].annotation is int})


DATASETS = sorted(
    (dataset for dataset in map(small, variants("datasets")) if dataset.task != "signal"),
    key=lambda dataset: prod(dataset.input_shape),
)


def takes(model, dataset):
    try:
        model.build(dataset.input_shape, dataset.output_shape, NoneSpec(), 0.0)
    except SettingError:
        return False
    return True


def datasets_of(model):
    """Return the smallest dataset the model takes for each number of output axes."""
    return {len(dataset.output_shape): dataset for dataset in reversed(DATASETS) if takes(model, dataset)}.values()


def config_of(model, dataset, norm, batch_size):
    return RunConfig(model=model, dataset=dataset, norm=norm, batch_size=batch_size, num_steps=NUM_STEPS)


@cache
def refusals_of(model, dataset, norm, batch_size):
    return contradictions(config_of(model, dataset, norm, batch_size))


MODELS_AND_DATA = [(model, dataset) for model in map(small, variants("models")) for dataset in datasets_of(model)]
EACH_MODEL = pytest.mark.parametrize(
    ("model", "dataset"), [pytest.param(*pair, id=f"{pair[0].name}-{pair[1].name}") for pair in MODELS_AND_DATA]
)
EVERYTHING = pytest.mark.parametrize(
    ("model", "dataset", "norm", "batch_size"),
    [
        pytest.param(model, dataset, norm, size, id=f"{model.name}-{dataset.name}-{label(norm)}-{size}")
        for (model, dataset), norm, size in product(MODELS_AND_DATA, NORMS, BATCH_SIZES)
    ],
)


@EVERYTHING
def test_it_trains_or_is_refused_before_training_with_reason_and_way_out(model, dataset, norm, batch_size):
    refusals = refusals_of(model, dataset, norm, batch_size)
    for refusal in refusals:
        assert refusal.rule.startswith("must ")
        assert refusal.way_out.endswith(".")
    if not refusals:
        training, _ = build_training(config_of(model, dataset, norm, batch_size), seed=0)
        outcome = train(training, NUM_STEPS, NUM_STEPS, recorder=None)
        assert (outcome.status, outcome.step) == ("finished", NUM_STEPS)
        assert all(tensor.isfinite().all() for tensor in training.model.state_dict().values())


@EVERYTHING
def test_a_batch_size_is_refused_only_if_the_norm_would_raise_at_it(model, dataset, norm, batch_size):
    if any(refusal.key == "batch_size" for refusal in refusals_of(model, dataset, norm, batch_size)):
        training, _ = build_training(config_of(model, dataset, norm, batch_size), seed=0)
        with pytest.raises(ValueError, match=r"more than 1 value per channel|2 values"):
            training.model(training.batches.next().x)


@EACH_MODEL
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_at_every_batch_size_each_model_trains_with_three_norms_or_more(model, dataset, batch_size):
    taken = [norm for norm in NORMS if not refusals_of(model, dataset, norm, batch_size)]
    assert len(taken) >= 3


def test_every_model_is_tried_and_a_network_that_puts_out_images_too():
    assert {model.name for model, _ in MODELS_AND_DATA} == {variant().name for variant in variants("models")}
    assert {len(dataset.output_shape) for _, dataset in MODELS_AND_DATA} == {1, 3}


def refusal_of(**settings):
    (refusal,) = contradictions(RunConfig.model_validate(settings))
    return str(refusal)


def test_one_sample_of_one_value_per_channel_is_refused_with_the_shape():
    assert refusal_of(model="mlp", norm="batch_norm", dataset="linear_regression", batch_size=1) == (
        "batch_size: must give batch_norm 2 values per channel or more (features of shape (200,)), got 1. "
        "Use a larger batch, or norm: layer_norm, which does not look at the batch."
    )


@pytest.mark.parametrize("model", ["rnn", "transformer"])
def test_one_sequence_gives_a_norm_as_many_values_as_it_has_steps(model):
    assert not contradictions(
        RunConfig.model_validate({"model": model, "norm": "batch_norm", "dataset": "sequences", "batch_size": 1})
    )


@pytest.mark.parametrize("model", ["rnn", "transformer"])
def test_a_dataset_without_a_mask_is_refused(model):
    noise = {"name": "gaussian_noise", "shape": [7, 4], "num_samples": 8}
    assert refusal_of(model=model, dataset=noise, num_steps=0, batch_size=8) == (
        f"model.name: must get sequences with a mask, which gaussian_noise has not, got {model!r}. "
        "Use dataset: sequences, or model: mlp."
    )
