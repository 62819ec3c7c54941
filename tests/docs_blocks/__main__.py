"""Write or check the generated parts: `python -m docs_blocks check`, `tables`, `refresh` or `write`.

Between [[[cog and [[[end]]] stands what takes no torch: `check` compares it with what the code says now. Between {{{cog
and {{{end}}} stands what takes torch: tables of parts and settings, which `tables` compares too, and outputs of
commands, which only `write` makes anew, by running the commands. `refresh` writes all but these.
"""

import os
import sys

from cogapp import Cog

from docs_blocks import outputs
from docs_blocks.markdown import ROOT, pages

LIGHT = (
    "[[[cog ]]] [[[end]]]",
    (
        "from docs_blocks import chinese, commands, configs, documents, json_documents, metrics, rooms, shared, tree, "
        "verdicts"
    ),
)
HEAVY = ("{{{cog }}} {{{end}}}", "from docs_blocks import outputs, parts, picture")


def main(wish: str) -> int | str:
    """Return 0 if all is as it should be, or what is wrong with the wish."""
    os.chdir(ROOT)
    if wish == "check":
        return process(*LIGHT, "--check", "--diff")
    if wish == "tables":
        return process(*HEAVY, "--check", "--diff")
    if wish == "refresh":
        return process(*HEAVY, "-r") or process(*LIGHT, "-r")
    if wish != "write":  # it runs every command that the pages show, for minutes
        return f"{wish}: must be check, tables, refresh or write"
    with outputs.made_anew():
        return process(*HEAVY, "-r") or process(*LIGHT, "-r")


def process(markers: str, prologue: str, *options: str) -> int:
    """Let cog go over all pages."""
    names = [str(page.relative_to(ROOT)) for page in pages()]
    return Cog().main(["cog", f"--markers={markers}", "-p", prologue, *options, *names])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
