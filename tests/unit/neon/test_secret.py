"""Keys and passwords stay out of everything that is shown."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.secret import Secret, redact
from tests.harness.scripted_api import ACCESS

WRITTEN = st.characters(exclude_categories=["Cs"]).filter(lambda character: not character.isspace())
"""Characters that an address can be written with before somebody escapes them."""


def test_a_secret_shows_in_no_way_but_when_revealed() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_secret_cannot_be_written_to_a_file_by_accident() -> None:
    for write in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            write(Secret("hunter2"))


def test_equal_secrets_are_equal() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_the_repr_of_everything_that_holds_a_key_is_safe_to_log() -> None:
    assert "secret" not in repr(ACCESS).replace("Secret", "").replace("secret=", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://owner:p%40ss@ep-1.neon.tech/neondb", "postgresql://***@ep-1.neon.tech/neondb"),
        ("https://some-key@neon.test/api is no host", "https://***@neon.test/api is no host"),
        ("key napi_abc123 is unknown", "key *** is unknown"),
        ("the key my-long-key is unknown", "the key *** is unknown"),
        ("see https://neon.tech:443/docs and a@b.c", "see https://neon.tech:443/docs and a@b.c"),
        ("see https://npm.test/package/@neon/api", "see https://npm.test/package/@neon/api"),
        ("postgresql://o:npg_ab/cd@h/db", "postgresql://***@h/db"),
        ("postgresql://o:npg@b/c@d@h/db", "postgresql://***@h/db"),
        ("postgresql://o@b.c:npg/ab@h", "postgresql://***@h"),
    ],
)
def test_text_from_outside_is_shown_without_secrets(text: str, shown: str) -> None:
    assert redact(text, Secret("my-long-key")) == shown


@given(user=st.text(WRITTEN.filter(lambda character: character not in ":/")), password=st.text(WRITTEN))
def test_whatever_a_password_in_an_address_holds_nothing_of_it_is_shown(user: str, password: str) -> None:
    told = redact(f"cannot use postgresql://{user}:{password}@ep-1.neon.tech/neondb here")
    assert told == "cannot use postgresql://***@ep-1.neon.tech/neondb here"


def test_a_text_is_not_torn_apart_for_a_key_of_a_letter() -> None:
    assert redact("organization free", Secret("a")) == "organization free"
