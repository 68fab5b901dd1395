"""The fields of development branches and snapshots that have one value each; a test has the rest."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from tests.harness.builders import DAY, NOON
from tests.transitions.fields import HOW_MANY, PINNED, Level, field, neither, yes_or_no
from tests.transitions.values import Value

if TYPE_CHECKING:
    from random import Random

    from tests.transitions.fields import Field
    from tests.transitions.members import Schema


def branch_fields() -> list[Field]:
    """Until when a development branch lasts, whether it is protected, and whether it starts with data."""
    operations = "createProjectBranch updateProjectBranch"
    return [
        field(
            "protected",
            "updateProjectBranch",
            "branch.protected",
            lambda answers: answers.of_default_branch("protected"),
            yes_or_no,
            neither,
        ),
        field(
            "dev_branches.dev.protected",
            operations,
            "branch.protected",
            lambda answers: bool(answers.of_branch("dev", "protected")),
            yes_or_no,
            neither,
            level=Level.TENANT,
        ),
        field(
            "dev_branches.dev.expires_at",
            operations,
            "branch.expires_at",
            lambda answers: answers.of_branch("dev", "expires_at"),
            moments,
            no_moments,
            level=Level.TENANT,
            ends=True,
        ),
        field(
            "dev_branches.dev.schema_only",
            "createProjectBranch",
            "branch.init_source",
            lambda answers: answers.of_branch("dev", "init_source") == "schema-only",
            yes_or_no,
            neither,
            ends=True,
            absent=False,
            **PINNED,
        ),
    ]


def snapshot_fields() -> list[Field]:
    """Until when a snapshot lasts: no request changes that."""
    return [
        field(
            "snapshots.v1.expires_at",
            "createSnapshot",
            "expires_at",
            lambda answers: answers.of_snapshot("v1", "expires_at"),
            moments,
            no_moments,
            ends=True,
            **PINNED,
        )
    ]


def moments(_: Schema, random: Random) -> list[Value]:
    """Neon: guides/branch-expiration: with a zone, at most 30 days ahead."""
    found = [NOON + timedelta(seconds=random.randrange(2 * DAY, 29 * DAY)) for _ in range(HOW_MANY)]
    east = timezone(timedelta(hours=2))
    return [
        Value(random.choice([one, one.astimezone(east)]).isoformat(), one.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for one in found
    ]


def no_moments(_: Schema, random: Random) -> list[Any]:
    return [
        "tomorrow",
        "2030-05-10",
        "2030-05-10T12:00:00",
        "2030-13-01T00:00:00Z",
        random.getrandbits(30),
        [1],
        {"a": 1},
    ]
