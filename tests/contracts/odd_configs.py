"""Generated configs: valid ones changed, YAML of odd trees, broken text, and options as a command line gives them."""

from pathlib import Path

import yaml
from contracts.variants import with_defaults
from hypothesis import strategies as st
from odd_values import CHANGES, ODD_NUMBERS, ODD_TEXT, changed, nested, places

from normbench.study.config import RunConfig
from normbench.study.study_keys import StudyKeys

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = [path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml")) if path.stat().st_size < 800]
"""The shipped configs that are read in milliseconds, with their comments."""

RUN = {"model": {"name": "mlp", "hidden_features": [4]}, "dataset": "linear_regression", "batch_size": 5}
CLAIM = {"says": "it helps", "metric": "test_loss", "expect": {"less": "a", "than": "b", "by": 0.1}}
VALID = [
    RUN,
    RUN | {"seeds": 3, "arms": {"a": {}, "b": {"dropout": 0.5}}, "baseline": "a", "claims": [CLAIM]},
    RUN | {"grid": {"norm": ["none", "batch_norm"], "optimizer.lr": [0.01, 0.1]}, "baseline": {"norm": "none"}},
    RUN
    | {
        "zip": {"batch_size": [2, 5], "optimizer.lr": [0.02, 0.05]},
        "seeds": {"check_after": [6, 8]},
        "quotes": {"x": "flat"},
    },
    RUN | {"norm": {"name": "batch_norm", "momentum": 0.2}, "tune": {"optimizer.lr": [0.01, 0.1]}, "keep_given": False},
    RUN
    | {
        "optimizer": {"name": "adamw", "lr": 0.1},
        "weight_decay": 0.1,
        "study": "mine",
        "num_epochs": 2,
        "fix": ["data"],
    },
    {
        "model": "transformer",
        "dataset": {"name": "sequences", "num_samples": 32},
        "batch_size": 4,
        "norm": "layer_norm",
    },
    {
        "model": "rnn",
        "dataset": {"name": "sequences", "longer_by": 2},
        "recording": {"every_steps": 5, "histograms": []},
    },
    {
        "model": {"name": "resnet", "width": 4},
        "dataset": "gratings",
        "norm": "ibn",
        "sampling": "by_class",
        "batch_size": 2,
    },
]

PARTS = ("model", "norm", "dataset", "optimizer", "schedule", "weight_parametrization")
VARIANTS = {part: with_defaults(f"{part}s") for part in PARTS}
SETTINGS = sorted({key for specs in VARIANTS.values() for spec in specs.values() for key in spec.setting_names()})
KEYS = [
    *RunConfig.model_fields,
    *StudyKeys.model_fields,
    *SETTINGS,
    *(f"{part}.{key}" for part in PARTS for key in ("name", "lr")),
]
NAMES = sorted(name for specs in VARIANTS.values() for name in specs)

texts = st.sampled_from([*ODD_TEXT, *NAMES, *KEYS]) | st.text(max_size=12)
numbers = st.sampled_from(ODD_NUMBERS)
scalars = st.sampled_from([None, True, False]) | numbers | texts | st.integers() | st.floats(allow_subnormal=False)
keys = st.sampled_from(KEYS) | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
deep = st.builds(nested, st.sampled_from([3, 15, 25, 90]), scalars)
values = st.one_of(scalars, scalars, trees, deep, st.sampled_from([[], {}, [{}], {"name": None}, {"name": []}]))


@st.composite
def changed_configs(draw):
    """A valid config with up to three of its values changed."""
    tree = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(places(tree)))
        tree = changed(tree, place, draw(st.sampled_from(CHANGES)), draw(keys), draw(values))
    return as_yaml(tree)


@st.composite
def odd_settings(draw):
    """A valid config with one part replaced: any variant, with any value for one of its settings."""
    part = draw(st.sampled_from(PARTS))
    name = draw(st.sampled_from(sorted(VARIANTS[part])))
    known = VARIANTS[part][name].setting_names()
    odd = {draw(st.sampled_from(known)): draw(numbers | values)} if known else {}
    return as_yaml(draw(st.sampled_from(VALID)) | {part: {"name": name} | odd})


@st.composite
def broken_texts(draw):
    """A shipped config as bytes, with one stretch cut out, said twice or replaced by anything."""
    text = draw(st.sampled_from(SMALL))
    start = draw(st.integers(0, len(text)))
    end = start + draw(st.integers(0, 30))
    odd = draw(
        st.binary(max_size=6)
        | st.sampled_from(
            [b"", b"&a [*a]", b"{", b"- ", b": ", b"\t", b"\0", b"\xff", b"!!python/none", text[start:end] * 2]
        )
    )
    return text[:start] + odd + text[end:]


def as_yaml(tree):
    """A tree as YAML; what a dumper escapes or tags is what a user may write too."""
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10**9).encode("utf-8", "surrogatepass")


ORDINARY = ["norm=none", "norm=none,batch_norm", "optimizer.lr=0.1", "dropout=0.1,0.2", "l1=1e-3", "optimizer.lr"]


def _options(option_keys, option_values):
    said = st.builds("{}={}".format, option_keys, option_values)
    return st.lists(st.sampled_from(ORDINARY) | said | texts, max_size=2)


flow = st.builds(
    lambda tree: yaml.safe_dump(tree, default_flow_style=True, allow_unicode=True).replace("\n...\n", "").strip(),
    values,
)
plain = st.sampled_from(["none,batch_norm", "0.1,1", "] #", "a], b: [c", "\udcff", "{", "1," * 9, "2,2"]) | texts | flow
options = st.fixed_dictionaries(
    {"set_": _options(keys, plain), "vary": _options(keys, plain), "tune": _options(keys, plain)},
    optional={"seeds": st.sampled_from([1, 3, 0, -1, 10**9])},
)
anything = st.one_of(
    changed_configs(), odd_settings(), odd_settings(), broken_texts(), trees.map(as_yaml), st.binary(max_size=80)
)
