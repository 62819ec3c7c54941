"""A console that shows text as text, whatever steers a terminal in it."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from normbench.storage.files.plain_text import stream_beneath, visible


class VisibleConsole(Console):
    """A console that shows the text it is given; only rich itself may steer the terminal."""

    def on_broken_pipe(self) -> None:
        """Let the failure pass that rich is about to turn into exit code 1: what is left to do is done first."""
        raise  # noqa: PLE0704 - rich calls this where it has caught it

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as rich measures and writes it, made visible."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what rich writes, with text that never was a string made visible too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints text as it is; where no terminal is, 80 columns wide."""
    file = stream_beneath(sys.stderr if stderr else sys.stdout)
    return VisibleConsole(file=file, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)
