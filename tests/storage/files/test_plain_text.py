"""Text shown as text, whatever it holds, and what rich writes itself left as it is."""

import io
import json
import sys

import pytest
from rich.table import Table

from normbench.report.terminal.console import VisibleConsole
from normbench.report.terminal.progress import StudyProgress
from normbench.storage.files.plain_text import one_line, print_visible_text, visible

CSI = "\x1b[31m"


@pytest.mark.parametrize("text", ["", "plain", "two\nlines\tand a tab", "± 95 % · “不成立” é", "a\u200db", "\\u001b"])
def test_what_steers_nothing_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize("number", [0, 7, 8, 11, 13, 27, 31, 0x7F, 0x80, 0x9B, 0x202E, 0x2066, 0x2028, 0xD800, 0xDCFF])
def test_what_steers_becomes_an_escape(number):
    assert visible(f"a{chr(number)}b") == f"a\\u{number:04x}b"


def test_made_visible_twice_is_made_visible_once():
    assert visible(visible(CSI)) == visible(CSI)


def test_json_stays_json_with_the_same_text_in_it():
    said = {"a\x7f": "\x9b\u202e\x1b"}
    assert json.loads(visible(json.dumps(said, ensure_ascii=False))) == said


def test_one_line_is_one_line():
    assert one_line("a\r\nb\tc\u2028d\x85e") == "a\\u000d\\u000ab\\u0009c\\u2028d\\u0085e"


def test_what_is_printed_in_the_block_is_visible_and_no_more_after_it(capsys):
    before = sys.stdout, sys.stderr
    with print_visible_text():
        sys.stdout.write(CSI)
        sys.stderr.write(CSI)
        sys.stdout.flush()
        assert sys.stdout.encoding == before[0].encoding
        assert not sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("\\u001b[31m", "\\u001b[31m")


def test_a_console_colours_and_its_text_does_not():
    out = io.StringIO()
    console = VisibleConsole(file=out, force_terminal=True, color_system="standard", highlight=False)
    table = Table(f"{CSI}head", header_style="bold")
    table.add_row(f"{CSI}cell")
    console.print(f"{CSI}text", style="green")
    console.print(table)
    console.out(f"{CSI}out", highlight=False)
    written = out.getvalue()
    assert CSI not in written
    assert "\x1b[32m\\u001b[31mtext\x1b[0m\n" in written
    assert written.count("\\u001b[31m") == 4
    assert "\x1b[1m" in written


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_moves_and_the_names_beside_it_do_not(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    for name, value in {"TERM": "xterm", "COLUMNS": "150"}.items():
        monkeypatch.setenv(name, value)
    with print_visible_text(), StudyProgress(f"{CSI}study", 2) as bar:
        bar.advance(1, f"[bold]{CSI}arm", "failed", f"{CSI}error")
        sys.stderr.write(f"{CSI}from elsewhere\n")
    written = terminal.getvalue()
    assert CSI not in written
    assert "\x1b[2K" in written
    for text in ("\\u001b[31mstudy [bold]", "\\u001b[31merror", "\\u001b[31mfrom elsewhere"):
        assert text in written
    assert "\\u001b[2K" not in written
