"""Progress of long runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from reconciler.model.units import Estimate
from reconciler.views.progress import watching

if TYPE_CHECKING:
    import pytest


def test_a_log_gets_a_line_only_when_enough_time_has_gone_by(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with watching(None, clock=lambda: now[0]) as watch:
        for done, seconds in ((1, 1.0), (400, 10.0), (500, 15.0), (30_000, 20.0)):
            now[0] = seconds
            watch(done, 30_000, "tenants applied")
    assert capsys.readouterr().err == (
        "tenants applied: 400 of 30,000, about 11 min left\ntenants applied: 30,000 of 30,000\n"
    )


def test_a_line_says_how_long_the_rest_takes_once_anything_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with watching(None, clock=lambda: now[0]) as watch:
        for done, seconds in ((0, 5.0), (0, 15.0), (50, 25.0)):
            now[0] = seconds
            watch(done, 100, "tenants applied")
    assert capsys.readouterr().err == "tenants applied: 0 of 100\ntenants applied: 50 of 100, about 20 s left\n"


def test_a_rest_of_less_than_a_second_is_said_without_about(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with watching(None, clock=lambda: now[0]) as watch:
        for done, seconds in ((0, 5.0), (99, 25.0)):
            now[0] = seconds
            watch(done, 100, "tenants applied")
    assert "99 of 100, under a second left" in capsys.readouterr().err


def test_a_total_that_is_not_known_yet_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter((0.0, 11.0))
    with watching(None, clock=lambda: next(times)) as watch:
        watch(400, None, "projects read")
    assert capsys.readouterr().err == "projects read: 400\n"


def test_a_terminal_gets_one_bar_for_each_thing_that_is_done() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, legacy_windows=False)
    with watching(console) as watch:
        watch(1, 2, "reading projects")
        watch(5, 20, "applying [bold]\x1b[2J")
        watch(2, 2, "reading projects")
    assert "reading projects" in file.getvalue()
    assert "5/20" in file.getvalue()
    assert "[bold]\\x1b[2J" in file.getvalue()


def test_a_total_that_is_estimated_is_said_to_be_about_right(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with watching(None, clock=lambda: now[0]) as watch:
        for done, seconds in ((400, 1.0), (10_400, 11.0), (30_100, 31.0)):
            now[0] = seconds
            watch(done, Estimate(30_000) if done < 30_000 else None, "projects listed")
    assert capsys.readouterr().err == (
        "projects listed: 10,400 of about 30,000, about 20 s left\nprojects listed: 30,100\n"
    )


def test_a_bar_says_that_its_total_is_about_right() -> None:
    file = io.StringIO()
    console = Console(file=file, width=120, force_terminal=True, legacy_windows=False)
    with watching(console) as watch:
        watch(400, Estimate(30_000), "projects listed")
    assert "projects listed, of about" in file.getvalue()
    assert "400/30000" in file.getvalue()
