"""What no machine could build, hold or finish is refused when the config is read, with the limit."""

from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from annotated_types import MaxLen
from command_line import normbench
from contracts.variants import PARTS, all_variants

from normbench.errors import ConfigError
from normbench.study.config import RunConfig
from normbench.study.load import load_study
from normbench.study.setting_groups import InsertConfig, RecordingConfig, SwapConfig

LINE = "model: mlp\ndataset: linear_regression\nbatch_size: 2\n"
LARGE_SAMPLES = "dataset: {name: gaussian_noise, shape: [1000, 1000, 1000, 10, 10]}"


def complaints_of(text, **options):
    Path("a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_study(Path("a.yaml"), **options)
    return list(error.value.complaints)


def test_a_network_of_too_many_parameters_is_refused():
    rule = "must be a network of at most 1,073,741,824 parameters, it has 20,000,500,001"
    assert complaints_of(LINE.replace("mlp", "{name: mlp, width: 100000, depth: 3}")) == [
        f"a.yaml:1: model.name: {rule}, got 'mlp'. Use a smaller one."
    ]


def test_a_training_set_of_too_many_numbers_is_refused():
    rule = "must make a training set of at most 1,073,741,824 numbers, samples being 1000x1000x1000x10x..."
    text = LINE.replace("dataset: linear_regression", LARGE_SAMPLES) + "num_steps: 0\n"
    assert complaints_of(text) == [f"a.yaml:2: dataset.num_samples: {rule}, got 256. Use fewer or smaller samples."]


def test_a_size_beyond_its_limit_is_refused():
    text = LINE.replace("linear_regression", "{name: linear_regression, num_samples: 1000000000}")
    assert complaints_of(text) == ["a.yaml:2: dataset.num_samples: must be <= 1e+08, got 1000000000."]


def test_a_list_of_too_many_layers_is_refused():
    (complaint,) = complaints_of(LINE.replace("mlp", f"{{name: mlp, hidden_features: {[2] * 10_001}}}"))
    assert complaint.startswith("a.yaml:1: model.hidden_features: must have 10,000 entries or fewer, got [2, 2, ")


@pytest.mark.parametrize("seeds", [0, -1, 10_001, 10**9])
def test_seeds_of_the_command_line_are_a_count(seeds):
    rule = "must be a count from 1 to 10,000"
    assert complaints_of(LINE, seeds=seeds) == [f"--seeds {seeds}: {rule}, got {seeds}. Example: --seeds 8"]


def test_more_values_to_tune_than_arms_may_be_are_refused():
    values = [n / 100 for n in range(1, 31)]
    text = f"{LINE}tune: {{l1: {values}, dropout: {values}, init_scale: {values}}}\n"
    rule = "must stand for at most 10,000 combinations of arms and values, got 27,000"
    assert complaints_of(text) == [f"a.yaml:4: tune: {rule}. Try fewer values."]


def size_limit(annotation: Any, metadata: Any = ()) -> int | None:
    """Return the most entries of the list in a field's type; 0 where it holds no list, None where any number may be."""
    inner = get_args(annotation)
    if get_origin(annotation) in (tuple, list):
        fixed = len(inner) if get_origin(annotation) is tuple and ... not in inner else None
        return min((one.max_length for one in metadata if isinstance(one, MaxLen)), default=fixed)
    more = tuple(one for field in inner for one in getattr(field, "metadata", ()))
    found = [size_limit(one, (*metadata, *more)) for one in inner]
    return None if None in found else max(found, default=0)


SCHEMAS = [RunConfig, RecordingConfig, SwapConfig, InsertConfig, *(one for part in PARTS for one in all_variants(part))]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_no_list_of_settings_is_without_a_limit(schema):
    limits = {key: size_limit(field.annotation, field.metadata) for key, field in schema.model_fields.items()}
    assert [key for key, limit in limits.items() if limit is None] == []


def test_lists_without_a_limit_would_be_found():
    assert size_limit(tuple[int, ...]) is size_limit(list[str] | None) is None
    assert (size_limit(tuple[int, int]), size_limit(RecordingConfig.model_fields["histograms"].annotation)) == (2, None)


MANY = [n / 20_000 for n in range(1, 10_001)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"norm: {{name: batch_norm, extra_momenta: {MANY}}}", "norm.extra_momenta: must have 100 entries or fewer, g"),
        (f"schedule: {{name: step, milestones: {MANY}}}", "schedule.milestones: must have 100 entries or fewer, got ["),
        (f"seeds: {list(range(10_001))}", "seeds: must be a count from 1 to 10,000, a list of seeds from 0, 10,000 at"),
        (f"claims: {[{}] * 1_001}", "claims: must have 1,000 entries or fewer, got [{}, {}, "),
        (f"grid: {{{', '.join(f'k{n}: [1]' for n in range(101))}}}", "grid: must have 100 entries or fewer, got {"),
        ("num_steps: 9223372036854775807", "num_steps: must be <= 1e+09, got 9223372036854775807."),
        ("num_epochs: 1000000000", "num_epochs: must be at most 1,000,000,000 steps, an epoch being 5, got 1000000000"),
    ],
    ids=lambda text: text[:12],
)
def test_a_list_or_number_beyond_its_limit_is_told_with_its_place(text, told):
    (complaint,) = complaints_of(f"{LINE}{text}\n")
    assert complaint.startswith(f"a.yaml:4: {told}")


def test_more_arms_than_there_may_be_are_told_before_they_are_compared():
    rule = "must stand for at most 10,000 arms, got 10,001. Split the study."
    assert complaints_of(LINE, vary=[f"dropout={','.join(map(str, [0, *MANY]))}"]) == [f"--vary dropout: {rule}"]


def test_more_runs_than_can_be_planned_are_refused():
    values = ",".join(map(str, MANY[:11]))
    got = "must stand for at most 100,000 runs, got 110,000: 11 arms x 10,000 seeds"
    assert complaints_of(LINE, vary=[f"dropout={values}"], seeds=10_000) == [f"a.yaml: {got}. Split the study."]


def test_more_layers_than_can_be_checked_are_refused():
    rule = "must have at most 100,000 layers in the networks of all arms"
    deep = LINE.replace("mlp", "{name: mlp, width: 1, depth: 1000}")
    told = f"{rule}, got about 100,100 in 100 arms. Split the study, or use smaller networks."
    assert complaints_of(f"{deep}grid: {{dropout: {MANY[:100]}}}\n") == [f"a.yaml: {told}"]
    told = f"{rule}, got about 101,101 in 1 arm, each with 100 values to tune. Split the study, or use smaller"
    assert complaints_of(f"{deep}tune: {{dropout: {MANY[:100]}}}\n")[0].startswith(f"a.yaml:4: tune: {told}")


def test_of_thousands_of_mistakes_the_first_are_told_and_the_rest_counted():
    Path("a.yaml").write_text(LINE + "".join(f"k{n}: 1\n" for n in range(150)), encoding="utf-8")
    code, out, err = normbench("run", "a.yaml", "--dry-run")
    assert (code, out, len(err.splitlines())) == (2, "", 51)
    assert err.endswith("\nand 100 more mistakes\n")
