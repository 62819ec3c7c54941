"""Finds the settings that do not go with a network of the user's own, and those that go with no other."""

from collections.abc import Iterator

from normbench.errors import SettingError
from normbench.study.config import RunConfig

NOT_WITH_OWN = {
    "dropout": "whose dropout is its own. Give its probability under model.settings.",
    "init": "whose initial weights are its own. Draw them where the network is made.",
    "init_scale": "whose initial weights are its own. Scale them where the network is made.",
    "weight_parametrization": "whose layers are its own. Use torch.nn.utils.parametrizations where it is made.",
    "checkpointing": "whose forward is its own. Use torch.utils.checkpoint in it.",
}
"""Settings that change normbench's own networks, with the reason and the way out."""


def own_network_contradictions(config: RunConfig) -> Iterator[SettingError]:
    """Yield an error for each setting that a network of the user's own cannot have, or that only such a one has."""
    if config.model.name == "own":
        for key, why in NOT_WITH_OWN.items():
            value, default = getattr(config, key), RunConfig.model_fields[key].default
            if value != default:
                reason, _, way_out = why.partition(". ")
                shown = f"{default:g}" if isinstance(default, float) else str(getattr(default, "name", default)).lower()
                rule = f"must be {shown} with model: own, {reason}"
                yield SettingError(key, rule, getattr(value, "name", value), way_out)
        return
    if config.norm.name == "kept":
        rule = f"must name a norm, or none, with model: {config.model.name}, which has none to keep"
        yield SettingError("norm", rule, config.norm.name, "Write norm: none, or model: {name: own, build: ...}.")
    if config.swap != RunConfig.model_fields["swap"].default:
        rule = f"must be left out with model: {config.model.name}, which is built with its norm"
        way_out = "It goes with model: {name: own, build: ...}."
        yield SettingError("swap", rule, config.swap.model_dump(mode="json", exclude_defaults=True), way_out)
