"""Chooses the norms to replace by what was said, and says which of them cannot be replaced, and why."""

from collections.abc import Collection, Sequence

from normbench.errors import SettingError, did_you_mean
from normbench.norm_swap.audit import LooseNorm
from normbench.norm_swap.inventory import not_touched
from normbench.norm_swap.sites import Found
from normbench.norm_swap.table import counted, listed, loose_text

ALL = ("*",)


def choose(
    found: Sequence[Found],
    where: Collection[str] | None,
    loose: Sequence[LooseNorm],
    norm: str,
    *,
    may_have_none: bool = False,
) -> list[Found]:
    """Return the norms that patterns match and a pass calls, and all places for one; without patterns, all norms.

    What is called a norm and computes none that is known is chosen where its class or its name is written out.

    Args:
        found: All that was found.
        where: Patterns of names and classes; None for all norms.
        loose: Norms outside of norm modules, for the error.
        norm: The norm that is to be put there, for the error.
        may_have_none: Whether it is right that there is nothing to replace.

    Raises:
        SettingError: A pattern matches nothing, no norm is found, or some cannot be replaced.
    """
    patterns = ALL if where is None else where
    norms = [one for one in found if not one.is_place]
    if not patterns and not may_have_none:
        rule = "must name norms, since none are inserted either"
        raise SettingError("swap.where", rule, list(patterns), "Leave it out to replace all.")
    for pattern in where or ():
        if not any(one.is_matched_by(pattern) for one in norms):
            raise _matches_nothing(pattern, norms)
    chosen = [one for one in found if one.site.is_called and (one.is_place or _is_chosen(one, patterns))]
    if not chosen and may_have_none:
        return []
    if not chosen:
        raise _nothing_to_replace(found, loose, norm)
    refused = {
        reason: [one for one in chosen if _refusal(one, patterns) == reason] for reason in _reasons(chosen, patterns)
    }
    if refused:
        raise _cannot_replace(refused, norm)
    return chosen


def _is_chosen(one: Found, patterns: Collection[str]) -> bool:
    return any(one.is_matched_by(pattern) for pattern in patterns) and (one.is_norm or one.is_named_in(patterns))


def _matches_nothing(pattern: str, found: Sequence[Found]) -> SettingError:
    known = [name for one in found for name in (one.site.path, one.site.class_name)]
    classes = ", ".join(sorted({one.site.class_name for one in found})) or "no norm"
    meant = f"{did_you_mean(pattern, known)} The network has {classes}.".strip()
    return SettingError("swap.where", "must match a norm of the network, by its name or its class", pattern, meant)


def _nothing_to_replace(found: Sequence[Found], loose: Sequence[LooseNorm], norm: str) -> SettingError:
    computed = [one for one in loose if not one.is_on_weights]
    unknown = [f"{path} ({class_name})" for path, class_name in not_touched(found, ()).items()]
    uncalled = [one.site.path for one in found if not one.site.is_called]
    on_weights = sum(len(one.names) for one in loose if one.is_on_weights)
    details = [
        *([loose_text(computed)] if computed else []),
        *([f"{counted(on_weights, 'norm operation')} on weights"] if on_weights else []),
        *([f"of no known kind, for all their names: {listed(unknown)}"] if unknown else []),
        *([f"never called: {listed(uncalled)}"] if uncalled else []),
    ]
    rule = "; ".join(["must have norms to replace, and 0 were found", *details])
    way_out = "Make them modules, such as nn.LayerNorm" if computed else "Name them in swap.where" if unknown else ""
    return SettingError("norm.name", rule, norm, f"{way_out or 'Give a network with norms'}, or use norm: kept.")


def _reasons(chosen: Sequence[Found], where: Collection[str]) -> list[str]:
    return [reason for reason in dict.fromkeys(_refusal(one, where) for one in chosen) if reason]


def _refusal(one: Found, where: Collection[str]) -> str:
    """Return why a norm cannot be replaced; "" where it can."""
    if not one.is_registered:
        return "is called, but no module holds it, as in a plain Python list"
    if not one.site.path:
        return "is the network itself"
    if not one.site.shapes:
        return "is called without a tensor, or inside torch.func, where its shape is not seen"
    if one.rows_axis == one.channel_axis:
        return "sees no axis of the batch"
    return "" if one.is_named_in(where) else one.unknown


def _cannot_replace(refused: dict[str, list[Found]], norm: str) -> SettingError:
    texts = [f"{', '.join(_name(one) for one in ones)} {reason}" for reason, ones in refused.items()]
    named = [one.site.path for ones in refused.values() for one in ones if one.unknown and one.is_registered]
    way_out = "Put norms into nn.ModuleList, and a single one into nn.Sequential."
    if named:
        quoted = ", ".join(f'"{path}"' for path in ("*", *named))
        way_out = f"To replace them as they are, name them: swap: {{where: [{quoted}]}}."
    return SettingError("norm.name", f"must find norms that can be replaced; {'; '.join(texts)}", norm, way_out)


def _name(one: Found) -> str:
    return f"{one.site.path or 'one'} ({one.site.class_name})"
