"""Patterns of project names: what they match, in how long, and which ones are refused."""

from __future__ import annotations

import pytest

from reconciler.adopt.patterns import Match, pattern
from reconciler.errors import InvalidInputError

TIERS = ("free", "pro", "pro-2")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("app-{tenant}", "app-acme", Match("acme")),
        ("app-{tenant}", "app-", None),
        ("app-{tenant}", "APP-acme", None),
        ("app-{tenant}", "xapp-acme", None),
        ("{tenant}-prod", "acme-corp-prod", Match("acme-corp")),
        ("app-{tenant}-{tier}-{any}", "app-acme-free-x7f3", Match("acme", "free")),
        ("app-{tenant}-{tier}-{any}", "app-acme-corp-pro-2-x7f3", Match("acme-corp", "pro-2")),
        ("app-{tenant}-{tier}-{any}", "app-acme-gold-x7f3", Match("acme", "gold")),
        ("app-{tenant}-{tier}-{any}", "app-acme-free", None),
        ("{any}.{tenant}", "eu1.user_2abCDefGhIJk", Match("user_2abCDefGhIJk")),
        ("{any}-{any}-{tenant}", "a-b-c-d", Match("c-d")),
        ("{organization}/{tenant}", "free/acme", Match("acme")),
        ("{organization}/{tenant}", "paid/acme", None),
        ("a+b.{tenant}", "a+b.acme", Match("acme")),
        ("a+b.{tenant}", "aab.acme", None),
        ("{tenant}", "two\nlines", Match("two\nlines")),
    ],
)
def test_a_pattern_matches_whole_names_in_one_way(text: str, name: str, expected: Match | None) -> None:
    assert pattern(text, TIERS).match(name, "free") == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("/app-(?P<tenant>[a-z0-9]+)-.*/", "app-acme-anything at all", Match("acme")),
        ("/(?P<tier>free|pro)_(?P<tenant>.+)/", "pro_acme", Match("acme", "pro")),
        ("/(?:u|user)(?P<tenant>[0-9]*)/", "user", None),
        ("/(?P<tenant>a{1,3})/", "aaaa", None),
    ],
)
def test_a_regular_expression_matches_whole_names(text: str, name: str, expected: Match | None) -> None:
    assert pattern(text).match(name, "free") == expected


@pytest.mark.parametrize(
    "text", ["/(?P<tenant>(a+)+)$/", "/(?P<tenant>(a|aa)+)b/", "/(?P<tenant>.*.*.*.*.*.*.*.*x)/"]
)
def test_an_expression_that_tries_everything_elsewhere_ends_at_once(text: str) -> None:
    assert pattern(text).match("a" * 256 + "!", "free") is None


@pytest.mark.parametrize("text", ["{any}-{any}-{any}-{any}-{tenant}-{any}-{any}-x", "{tenant}-a-{any}-a-{any}-b"])
@pytest.mark.parametrize("name", ["-" * 256, "a-" * 128, "a" * 256])
def test_placeholders_end_at_once_as_well(text: str, name: str) -> None:
    assert pattern(text).match(name, "free") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("app", "does not have {tenant} once"),
        ("{tenant}-{tenant}", "does not have {tenant} once"),
        ("{tenant}-{tier}-{tier}", "has {tier} twice"),
        ("{tenant}-{name}", "'{name}', which is no placeholder"),
        ("{tenant", "'{', which is no placeholder"),
        ("{tenant}{any}", "has nothing between {tenant} and {any}"),
        ("{tenant}-x{any}", "has no separator beside {any}"),
        ("{tier}x{tenant}", "has no separator beside {tier}"),
        ("a" * 300 + "{tenant}", "longer than 256"),
        ("/app/", "has no group"),
        ("/(?P<tenant>.*)", "does not end with it"),
        ("/(?P<tenant>(a)/", "missing )"),
        (r"/(?P<tenant>a)\1/", "invalid escape"),
        ("/(?=x)(?P<tenant>a)/", "invalid perl operator"),
        ("/(?P<tenant>(((a{100}){100}){100}))/", "pattern"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(text: str, why: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        pattern(text)
    assert why in str(refused.value)
    assert refused.value.hint is not None
