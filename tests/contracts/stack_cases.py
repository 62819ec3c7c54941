"""What is trained as one in the contract of stacks: whatever says that it stacks, in settings that meet in pairs."""

from itertools import combinations, count
from math import prod
from random import Random
from typing import get_origin

from contracts.variants import settings_of, variants

from normbench.parts import find_specs
from normbench.study.config import RunConfig
from normbench.study.contradictions import contradictions
from normbench.training.stack.stackable import obstacle

NUM_SLOTS, NUM_SAMPLES = 3, 24
IDLE_SLOT, DIVERGING_SLOT = 1, 1
WHOLE = 1000
"""A batch size that stands for the number of training samples."""
SIZES = {"hidden_features": 8, "width": 8, "num_samples": NUM_SAMPLES, "min_length": 4, "max_length": 6}
SMALLEST_MODEL = {"name": "mlp", "hidden_features": [6, 8]}
PLAIN = {"model": SMALLEST_MODEL, "dataset": {"name": "gaussian_clusters"}, "batch_size": 2}
BATCHES = {
    "batch 8": {"batch_size": 8},
    "batch 4": {"batch_size": 4},
    "batch 2": {"batch_size": 2},
    "whole set": {"batch_size": WHOLE},
    "by class": {"batch_size": 2, "sampling": "by_class"},
}
DROPOUTS = {"no dropout": (0.0,), "dropout": (0.3,), "dropouts": (0.3, 0.1)}
DECAYS = {
    "no decay": ({},),
    "decay": ({"weight_decay": 0.02, "l1": 0.003},),
    "decays of weights": ({"weight_decay": 0.02}, {"l1": 0.003}, {}),
}
SCHEDULES = {"constant": {}, "cosine": {"schedule": {"name": "cosine", "warmup": 3}}}
RATES = {"one lr": (1.0,), "lrs": (1.0, 1.0, 2.0)}
SLOTS = ("all slots", "idle slot", "diverging")
OTHERS = {
    "batch": list(BATCHES),
    "dropout": list(DROPOUTS),
    "decay": list(DECAYS),
    "schedule": list(SCHEDULES),
    "lr": list(RATES),
    "slots": list(SLOTS),
}


def stacks(settings):
    """Return whether settings can be used, and their runs be trained as one."""
    try:
        config = config_of(settings)
        return not contradictions(config) and not obstacle(config)
    except ValueError:
        return False


def config_of(settings):
    """Return the config of settings, each device the CPU's."""
    config = RunConfig.model_validate({"device": "cpu"} | PLAIN | settings)
    return config.model_copy(update={"batch_size": min(config.batch_size, config.dataset.num_train)})


def sizes_of(variant):
    """Return small values of the sizes that a variant has; two where it takes a list."""
    kinds = {name: get_origin(field.annotation) for name, field in variant.model_fields.items()}
    return {name: [size - 2, size] if kinds[name] is tuple else size for name, size in SIZES.items() if name in kinds}


def choices(part, key, *, floats=(), beside=None):
    """Return the settings of each variant that stack, by its name: its defaults and what has named choices."""
    found = {}
    for variant in variants(part):
        sizes = sizes_of(variant)
        specs = [spec for spec in settings_of(variant, floats) if not _is_sized(spec)]
        tried = [sizes | {"name": spec.name} | spec.changed() for spec in specs]
        fitting = [one for one in tried if stacks((beside or {}) | {key: one})]
        if fitting:
            found[variant().name] = fitting
    return found


def _is_sized(spec):
    return any(type(value) is int for value in spec.changed().values())


def datasets_for(model):
    """Return the smallest dataset of each kind of target with which a model stacks, of those that seeds draw."""
    found = {}
    drawn = [variant for variant in variants("datasets") if "num_samples" in variant.setting_names()]
    for variant in sorted(drawn, key=lambda variant: prod(variant().input_shape)):
        kind = variant.task, len(variant().output_shape)
        sizes = sizes_of(variant)
        if kind not in found and stacks({"model": model, "dataset": sizes | {"name": variant().name}}):
            found[kind] = sizes | {"name": variant().name}
    return list(found.values())


class Factors:
    """The norms, optimizers, models and datasets that stack, and how often each was used."""

    def __init__(self):
        self.norms = choices("norms", "norm")
        # Steps with the sign of a gradient, as at beta2 = 0, are those of its rounding where it is 0.
        self.optimizers = {
            name: [_with_large_eps(one) for one in known if one.get("beta2") != 0]
            for name, known in choices("optimizers", "optimizer", floats=(0.0,)).items()
        }
        self.networks = {}
        for variant in variants("models"):
            for dataset in datasets_for(variant().name):
                name = f"{variant().name} on {dataset['name']}"
                models = choices("models", "model", beside={"dataset": dataset}).get(variant().name, [])
                self.networks[name] = [{"model": model, "dataset": dataset} for model in models]
        self.values = {"norm": list(self.norms), "optimizer": list(self.optimizers), "network": list(self.networks)}
        self.values |= OTHERS
        self._uses = {value: count() for kind in ("norm", "optimizer", "network") for value in self.values[kind]}

    def settings(self, row):
        """Return the settings that all slots of a case share; each time the next ones of norm, optimizer, network."""
        norm, optimizer, network = (
            known[row[kind]][next(self._uses[row[kind]]) % len(known[row[kind]])]
            for kind, known in (("norm", self.norms), ("optimizer", self.optimizers), ("network", self.networks))
        )
        return network | {"norm": norm, "optimizer": optimizer} | BATCHES[row["batch"]] | SCHEDULES[row["schedule"]]


def cases(seed=0, tries=12):
    """Return rows of factors in which any two values meet that can, and the settings of each row."""
    factors, draws = Factors(), Random(seed)
    values = factors.values
    left = {frozenset([(a, x), (b, y)]) for a, b in combinations(values, 2) for x in values[a] for y in values[b]}
    found = []
    while left:
        pair = dict(min(left, key=sorted))
        drawn = [{kind: draws.choice(known) for kind, known in values.items()} | pair for _ in range(tries)]
        drawn.sort(key=lambda row: -len(_pairs(row) & left))
        row, settings = next(((row, it) for row in drawn if stacks(it := factors.settings(row))), (pair, None))
        if settings:
            found.append((row, settings))
        left -= _pairs(row)
    return found


def _with_large_eps(optimizer):
    """Return an optimizer that makes no step of a gradient which is 0 but for rounding, as of a bias before a norm."""
    has_eps = "eps" in find_specs("normbench.optimizers")[optimizer["name"]].setting_names()
    return ({"eps": 1e-4} if has_eps else {}) | optimizer


def _pairs(row):
    return {frozenset(pair) for pair in combinations(row.items(), 2)}


def configs_of(row, settings, num_steps):
    """Return the config of each slot."""
    return [_config(row, settings, num_steps, slot) for slot in range(NUM_SLOTS)]


def _config(row, settings, num_steps, slot):
    dropouts, decays, rates = DROPOUTS[row["dropout"]], DECAYS[row["decay"]], RATES[row["lr"]]
    shared = config_of(settings | {"num_steps": num_steps})
    own = {"dropout": dropouts[slot % len(dropouts)], **decays[slot % len(decays)]}
    own["optimizer"] = shared.optimizer.model_copy(update={"lr": shared.optimizer.lr * rates[slot % len(rates)]})
    own["decay_on"] = "weights" if "weights" in row["decay"] else "all"
    return shared.model_copy(update=own)
