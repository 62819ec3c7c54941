"""What a page shows as another page does: outputs of commands, which are made once for all languages."""

import re

from docs_blocks.markdown import ROOT

OUTPUTS = re.compile(r"<!-- \{\{\{cog.*?\}\}\} -->\n(.*?)\n<!-- \{\{\{end\}\}\} -->", re.DOTALL)


def output(page: str, command: str) -> str:
    """Return the block of a page that begins with a command: the commands and what they print."""
    blocks = OUTPUTS.findall((ROOT / page).read_text(encoding="utf-8"))
    found = [block for block in blocks if block.partition("\n")[2].startswith(f"$ {command}\n")]
    assert len(found) == 1, f"{page} must show {command!r} once, got {len(found)} blocks"
    return found[0]
