"""Where views are printed."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from reconciler.views import console
from reconciler.views.terminal import paragraph


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_no_terminal_gets_no_colour_and_a_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    stdout = console.stdout_console()
    assert isinstance(stdout, console.TextFile)
    console.show(paragraph("word " * 40, "red"), stdout)
    assert stdout.file.getvalue() == f"{' '.join(['word'] * 20)}\n" * 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("value", "coloured"), [("1", False), (None, True)])
def test_a_terminal_gets_colour_unless_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch, value: str | None, coloured: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    console.show(paragraph("x", "red"), console.stderr_console())
    assert ("\x1b[" in terminal.getvalue()) is coloured


def test_nothing_in_a_text_is_taken_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", file := io.StringIO())
    console.show(paragraph("[bold]:smile: 42"), console.stdout_console())
    assert file.getvalue() == "[bold]:smile: 42\n"


def test_a_letter_that_the_output_lacks_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    stdout = console.stdout_console()
    console.show(paragraph("café"), stdout)
    stdout.file.flush()
    assert raw.getvalue() == b"caf\\xe9\n"


@pytest.mark.parametrize(
    ("file", "environ", "found"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False),
        (Terminal(), {"FORCE_COLOR": ""}, False),
        (io.StringIO(), {"TTY_COMPATIBLE": "1"}, True),
        (Terminal(), {"TTY_COMPATIBLE": "0"}, False),
        (io.StringIO(), {"TTY_COMPATIBLE": "0", "FORCE_COLOR": "1"}, False),
    ],
)
def test_progress_goes_to_what_rich_takes_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, file: io.StringIO, environ: dict[str, str], found: bool
) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "stderr", file)
    shown = console.stderr_console()
    assert (isinstance(shown, Console) and shown.is_terminal) is found
    assert (console.stderr_terminal() is not None) is found
