"""Properties of a recorded observation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.observation import parsed, written
from reconciler.errors import InvalidInputError
from reconciler.live.observation import Observation
from tests.harness.builders import NOON
from tests.property.fleets import views

if TYPE_CHECKING:
    from reconciler.live.state import LiveState


@given(views())
def test_what_is_read_is_what_was_recorded(live: LiveState) -> None:
    observation = Observation("prod", NOON, {"free": "org-1"}, None, live)
    assert parsed(written(observation), "live.json.gz") == observation


@given(views(), st.integers(0), st.binary(min_size=1, max_size=3))
def test_a_damaged_file_is_an_observation_or_an_error(live: LiveState, place: int, damage: bytes) -> None:
    data = written(Observation("prod", NOON, {"free": "org-1"}, None, live))
    at = place % len(data)
    try:
        parsed(data[:at] + damage + data[at + len(damage) :], "live.json.gz")
    except InvalidInputError as error:
        told = str(error)
    else:
        told = "live.json.gz is one"
    assert told.startswith("live.json.gz")
