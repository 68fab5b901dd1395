"""The fields of ``settings``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.shapes import PRELOAD_LIBRARIES
from tests.transitions.fields import HOW_MANY, PROJECT, Kept, field, neither, yes_or_no
from tests.transitions.values import Value, one_of, subsets, wrong

if TYPE_CHECKING:
    from random import Random

    from tests.transitions.answers import Answers
    from tests.transitions.fields import Bad, Field, Good
    from tests.transitions.members import Schema


def settings_fields() -> list[Field]:
    """Everything in ``settings`` but the quota."""
    window = {"weekdays": [1, 2], "start_time": "01:00", "end_time": "02:00"}
    return [
        *(_setting(name, yes_or_no, neither) for name in ("block_public_connections", "block_vpc_connections")),
        *(
            _setting(name, yes_or_no, neither, kept=Kept.ONE_WAY)
            for name in ("enable_logical_replication", "hipaa")
        ),
        _setting(
            "audit_log_level", lambda schema, _: one_of(schema), lambda schema, _: ["all", 5, *wrong(schema)]
        ),
        _setting("allowed_ips.ips", addresses, no_addresses, ordered=False),
        _setting("allowed_ips.protected_branches_only", yes_or_no, neither),
        _setting(
            "maintenance_window.weekdays", weekdays, no_weekdays, beside=_but(window, "weekdays"), ordered=False
        ),
        _setting("maintenance_window.start_time", times, no_times, beside=_but(window, "start_time")),
        _setting("maintenance_window.end_time", times, no_times, beside=_but(window, "end_time")),
        _setting("preload_libraries.use_defaults", yes_or_no, neither),
        _setting("preload_libraries.enabled_libraries", libraries, no_lists, ordered=False),
    ]


def _setting(path: str, good: Good, bad: Bad, *, ordered: bool = True, **more: Any) -> Field:
    def told(answers: Answers) -> Any:
        value = answers.setting(path)
        return sorted(value) if isinstance(value, list) and not ordered else value

    return field(f"settings.{path}", PROJECT, f"project.settings.{path}", told, good, bad, **more)


def _but(window: dict[str, Any], name: str) -> tuple[tuple[tuple[str, ...], Any], ...]:
    return tuple((("settings", "maintenance_window", key), value) for key, value in window.items() if key != name)


def addresses(_: Schema, random: Random) -> list[Value]:
    """IPv4 addresses and networks (Neon: manage/projects, IP Allow)."""
    known = [f"10.{random.randrange(256)}.{random.randrange(256)}.0/24" for _ in range(4)]
    known += [f"192.0.2.{random.randrange(1, 255)}" for _ in range(4)]
    return [Value([], []), *subsets(sorted(set(known)), random, HOW_MANY, least=1)]


def no_addresses(schema: Schema, _: Random) -> list[Any]:
    return ["10.0.0.1", {"10.0.0.1": True}, [["10.0.0.1"]], [None], *no_lists(schema, _)]


def no_lists(schema: Schema, _: Random) -> list[Any]:
    return [value for value in wrong(schema) if not isinstance(value, list)]


def weekdays(_: Schema, random: Random) -> list[Value]:
    """The description: 1 is Monday, 7 Sunday."""
    return subsets(range(1, 8), random, HOW_MANY, least=1)


def no_weekdays(schema: Schema, random: Random) -> list[Any]:
    return [[0], [8], [random.randrange(9, 99)], ["monday"], [1.5], [[1]], *no_lists(schema, random)]


def times(_: Schema, random: Random) -> list[Value]:
    """The description: "HH:MM", UTC."""
    found = [f"{random.randrange(24):02}:{random.randrange(60):02}" for _ in range(HOW_MANY)]
    return [Value(time, time) for time in ("00:00", "23:59", *found)]


def no_times(_: Schema, random: Random) -> list[Any]:
    hour = random.randrange(24, 99)
    return [
        f"{hour}:00",
        f"01:{random.randrange(60, 99)}",
        "7:00",
        "07:00Z",
        "07:00:00",
        "noon",
        7,
        None,
        [],
        {"hour": 7},
    ]


def libraries(_: Schema, random: Random) -> list[Value]:
    return subsets([name for name, *_rest in PRELOAD_LIBRARIES], random, HOW_MANY)
