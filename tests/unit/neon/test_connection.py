"""Both forms of a connection string from either, and nothing else taken for one."""

from __future__ import annotations

import pytest

from reconciler.errors import UnexpectedAnswerError
from reconciler.neon.connection import Connection

DIRECT = "postgresql://neondb_owner:npg_a%40b@ep-cool-1.us-east-2.aws.neon.tech/neondb?sslmode=require"
POOLED = DIRECT.replace("ep-cool-1", "ep-cool-1-pooler")
BY_OPTION = "postgresql://o:p@127.0.0.1:5433/db?options=endpoint%3Dep-1"


@pytest.mark.parametrize(
    ("direct", "pooled"),
    [
        (DIRECT, POOLED),
        (DIRECT.replace(".tech/", ".tech:5432/"), POOLED.replace(".tech/", ".tech:5432/")),
        (DIRECT.replace("%40", "@"), POOLED.replace("%40", "@")),
        (BY_OPTION, BY_OPTION + "-pooler"),
    ],
    ids=["by host", "with a port", "a password with an @", "by an option"],
)
def test_either_form_gives_both(direct: str, pooled: str) -> None:
    for uri in (direct, pooled):
        found = Connection.read("free", "p1", uri)
        assert (found.direct.reveal(), found.pooled.reveal()) == (direct, pooled)


def test_it_says_where_it_leads_and_never_the_password() -> None:
    found = Connection.read("free", "p1", POOLED, branch="main")
    assert (found.host, found.role, found.database, found.branch) == (
        "ep-cool-1.us-east-2.aws.neon.tech",
        "neondb_owner",
        "neondb",
        "main",
    )
    assert "npg" not in repr(found)


@pytest.mark.parametrize(
    "uri", ["", "ep-1.neon.tech", "https://a:b@ep-1.neon.tech/db", "postgresql://[", "postgresql:///db"]
)
def test_anything_else_is_refused_without_repeating_it(uri: str) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"no valid connection string of project p1$"):
        Connection.read("free", "p1", uri)
