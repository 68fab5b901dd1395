"""Events, a JSON log and metrics keep the texts of a stranger in place: one line, one member, nothing obeyed."""

from __future__ import annotations

import contextlib
import io
import json

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from reconciler.documents.events import line
from reconciler.plan.event import InConflict
from reconciler.views.console import message_log
from reconciler.views.figures import RunFigures
from reconciler.views.json_log import logging_as_json
from reconciler.views.openmetrics import render
from tests.harness.builders import NOON
from tests.unit.views import nasty
from tests.unit.views.runners import obeyed, steering

TEXTS = (*nasty.EVERYTHING, "two\nlines", '"} 1\n# EOF', "back\\slash")


def held(text: str) -> None:
    """The output is one line of printable ASCII that no runner obeys."""
    assert text.isascii()
    assert "\n" not in text
    assert obeyed(text) == steering(text) == []


def test_an_event_is_one_line() -> None:
    for text in TEXTS:
        written = line(InConflict(NOON, text, text, text), "run")
        held(written)
        assert json.loads(written)["tenant"] == text


def test_a_message_of_a_log_is_one_line() -> None:
    for text in TEXTS:
        file = io.StringIO()
        with contextlib.redirect_stderr(file), logging_as_json(lambda: 0.0):
            log = message_log()
            assert log is not None
            log.write(text, tenant=text)
        (written,) = file.getvalue().splitlines()
        held(written)
        assert json.loads(written)["message"] == json.loads(written)["tenant"] == text


def test_a_label_is_read_as_it_was() -> None:
    for text in TEXTS:
        written = "".join(render(RunFigures("plan", fleet=text), 0, NOON, NOON))
        assert written.endswith("\n# EOF\n")
        families = list(text_string_to_metric_families(written))  # type: ignore[no-untyped-call]
        (run,) = (sample for family in families for sample in family.samples if sample.name == "reconciler_run")
        assert run.labels == {"command": "plan", "fleet": text, "run": ""}
