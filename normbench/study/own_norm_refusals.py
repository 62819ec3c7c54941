"""Refuses norms in the user's own network that cannot be trained, or that show a causal network what comes later."""

from normbench.errors import SettingError
from normbench.norm_swap.meaning.causality import Leak
from normbench.study.config import RunConfig
from normbench.study.own_norms import OwnNorms, own_norms

POSITIONWISE = "Use norm: {name: layer_norm, over: position}, or rms_norm with over: position"


def refused_norms(config: RunConfig) -> list[SettingError]:
    """Return an error for each norm that a batch gives too few values, and one where positions of a causal network mix.

    Raises:
        SettingError: The network cannot be made, or a norm does not fit.
    """
    found = own_norms(config)
    return [*_too_few_values(found, config), *_mixed_positions(found, config)]


def _too_few_values(found: OwnNorms, config: RunConfig) -> list[SettingError]:
    errors = []
    for one in found.placed:
        try:
            if one.spec is not None:
                one.spec.check_batch(one.site.feature_shape, int(config.batch_size * one.site.rows_per_sample))
        except SettingError as error:
            errors.append(SettingError(error.key, error.rule, config.batch_size, error.way_out, one.site.path))
    return errors


def _mixed_positions(found: OwnNorms, config: RunConfig) -> list[SettingError]:
    leak = found.leak
    if leak is None or config.swap.mix_positions:
        return []
    rule = f"must not mix positions of a causal network; {leak_text(leak)}"
    way_out = f"{POSITIONWISE}, or swap: {{mix_positions: true}} if that is meant."
    return [SettingError("norm.name", rule, config.norm.name, way_out, leak.name)]


def leak_text(leak: Leak) -> str:
    """Say behind which norm an earlier position moves with the last one.

    Example:
        >>> leak_text(Leak("layers.0.norm", training=True, position=0, change=0.0912))
        'behind layers.0.norm position 0 moves by 0.091 when the last one changes, with its own norms by 0'
    """
    where = f"behind {leak.name} " if leak.name else ""
    mode = "" if leak.training else " in evaluation"
    moves = f"position {leak.position} moves by {leak.change:.2g}{mode}"
    return f"{where}{moves} when the last one changes, with its own norms by 0"
