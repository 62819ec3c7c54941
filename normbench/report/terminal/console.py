"""Makes consoles that print text with its control characters escaped."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from normbench.storage.files.plain_text import stream_beneath, visible


class VisibleConsole(Console):
    """A console that escapes control characters in text; only rich itself controls the terminal."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, which rich would turn into exit code 1, so that the command can finish its work."""
        raise  # noqa: PLE0704 - rich calls this where it has caught it

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text for rich with control characters escaped."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return rich's segments with control characters escaped in all text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console without markup or highlighting; 80 columns wide if there is no terminal."""
    file = stream_beneath(sys.stderr if stderr else sys.stdout)
    return VisibleConsole(file=file, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)
