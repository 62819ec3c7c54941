"""Writes all settings of a study's arms: those that all share once, the others by arm."""

from collections.abc import Sequence

from normbench.evidence.comparison.rows import Row
from normbench.report.blocks.arm_names import setting_text
from normbench.report.blocks.block import Block, Table, keys, words

SHARED, DIFFERENT = "The same in all arms", "Not the same in all arms"


def settings_blocks(rows: Sequence[Row]) -> list[Block]:
    """Return a table of the settings that all arms share, and one of those in which they differ."""
    known = list(dict.fromkeys(key for row in rows for key in row.settings))
    values = {key: [setting_text(row.settings.get(key)) for row in rows] for key in known}
    shared = {key: of[0] for key, of in values.items() if len(set(of)) == 1}
    differing = {key: of for key, of in values.items() if key not in shared}
    tables = [(SHARED, Table([keys("setting", list(shared)), words("value", list(shared.values()))]))] * bool(shared)
    arms = keys("arm", [row.arm for row in rows])
    tables += [(DIFFERENT, Table([arms, *(words(key, of) for key, of in differing.items())]))] * bool(differing)
    return [Block(heading, table) for heading, table in tables]
