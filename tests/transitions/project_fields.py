"""The fields of a project and its computes, but for ``settings``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.shapes import REGIONS
from tests.transitions.fields import HOW_MANY, PINNED, PROJECT, Level, field, field_of
from tests.transitions.members import Member
from tests.transitions.values import BYTES, SECONDS, SIZES_CU, Value, amounts, not_amounts, wrong

if TYPE_CHECKING:
    from random import Random

    from tests.transitions.fields import Field, Told
    from tests.transitions.members import Schema


def quota_fields() -> list[Field]:
    """All five members of the quota."""
    times, sizes_ = ("active_time", "compute_time"), ("written_data", "data_transfer", "logical_size")
    return [
        *(_quota(f"{name}", f"{name}_seconds", SECONDS) for name in times),
        *(_quota(f"{name}", f"{name}_bytes", BYTES) for name in sizes_),
    ]


def _quota(name: str, member: str, units: dict[str, int]) -> Field:
    def good(schema: Schema, random: Random) -> list[Value]:
        return [Value("unlimited", 0), *amounts(schema, units, random, HOW_MANY, least=1)]

    return field(
        f"quota.{name}",
        PROJECT,
        f"project.settings.quota.{member}",
        lambda answers: answers.setting(f"quota.{member}") or 0,
        good,
        lambda schema, random: [0, *not_amounts(schema, random)],
    )


MIN: Final = "autoscaling_limit_min_cu"
MAX: Final = "autoscaling_limit_max_cu"
SUSPEND: Final = "suspend_timeout_seconds"


REPLICA: Final = "compute.replicas.reader"


def compute_fields() -> list[Field]:
    """Sizes and suspension of the project's computes, of a development branch's, and of a read replica."""
    branch = "dev_branches.dev.compute"
    return [
        _size("compute.min_cu", MIN, 0.25, 8, beside=((("compute", "max_cu"), 8),)),
        _size("compute.max_cu", MAX, 2, 10, beside=((("compute", "min_cu"), 2),)),
        _size("compute.min_cu", MIN, 0.25, 56, doubtful=True),
        _size("compute.max_cu", MAX, 0.25, 56, doubtful=True),
        _size(f"{branch}.min_cu", MIN, 0.25, 56, doubtful=True, level=Level.TENANT),
        _size(f"{branch}.max_cu", MAX, 0.25, 56, doubtful=True, level=Level.TENANT),
        _range("compute"),
        _range(branch, level=Level.TENANT),
        _suspension("compute.suspend_timeout"),
        _suspension(f"{branch}.suspend_timeout", level=Level.TENANT),
        _parameter("compute"),
        _parameter(branch, level=Level.TENANT),
        _size(f"{REPLICA}.max_cu", MAX, 0.25, 56, doubtful=True),
        _range(REPLICA),
        _suspension(f"{REPLICA}.suspend_timeout"),
        _parameter(REPLICA),
    ]


def _size(place: str, member: str, least: float, most: float, **more: Any) -> Field:
    members, told = _members_of_compute(place, member), _told_of_compute(place, member)
    return field_of(place, members, told, lambda _, random: sizes(random, least, most), no_sizes, **more)


def _range(place: str, **more: Any) -> Field:
    members = (*_members_of_compute(place, MIN), *_members_of_compute(place, MAX))
    smallest, largest = _told_of_compute(place, MIN), _told_of_compute(place, MAX)
    return field_of(
        place, members, lambda answers: [smallest(answers), largest(answers)], ranges, no_ranges, **more
    )


def _suspension(place: str, **more: Any) -> Field:
    members, told = _members_of_compute(place, SUSPEND), _told_of_compute(place, SUSPEND)
    return field_of(place, members, lambda answers: told(answers) or 300, suspensions, no_suspensions, **more)


def _parameter(place: str, **more: Any) -> Field:
    """One of the Postgres parameters: none that is not stated changes."""
    if place.startswith("dev_branches"):
        made = {"createProjectBranch": "endpoints.[].settings.pg_settings"}
    elif place == REPLICA:
        made = {"createProjectEndpoint": "endpoint.settings.pg_settings"}
    else:
        made = dict.fromkeys(PROJECT.split(), "project.default_endpoint_settings.pg_settings")
    members = made | {"updateProjectEndpoint": "endpoint.settings.pg_settings"}
    told = _told_of_compute(place, "pg_settings")
    return field_of(
        f"{place}.pg_settings.work_mem",
        tuple(Member(operation, path) for operation, path in members.items()),
        lambda answers: (told(answers) or {}).get("work_mem"),
        lambda _, random: [Value(f"{size}MB", f"{size}MB") for size in random.sample(range(1, 99), HOW_MANY)],
        lambda _, __: [[1], ["8MB"], {"a": 1}, [], {}],
        **more,
    )


def _told_of_compute(place: str, member: str) -> Told:
    """Of the project's defaults with its compute, or of a development branch's, or of a read replica."""
    if place.startswith("dev_branches"):
        return lambda answers: answers.branch_compute("dev", member)
    if place.startswith(REPLICA):
        return lambda answers: answers.replica_compute("reader", member)
    return lambda answers: answers.compute(member)


def _members_of_compute(place: str, name: str) -> tuple[Member, ...]:
    changed = Member("updateProjectEndpoint", f"endpoint.{name}")
    if place.startswith("dev_branches"):
        return (Member("createProjectBranch", f"endpoints.[].{name}"), changed)
    if place.startswith(REPLICA):
        return (Member("createProjectEndpoint", f"endpoint.{name}"), changed)
    path = f"project.default_endpoint_settings.{name}"
    return (*(Member(operation, path) for operation in PROJECT.split()), changed)


def sizes(random: Random, least: float, most: float) -> list[Value]:
    """Sizes of a compute between two of them."""
    found = [size for size in SIZES_CU if least <= size <= most]
    return [Value(random.choice([size, str(size)]), size) for size in found]


def ranges(_: Schema, random: Random) -> list[Value]:
    """Ranges in which a compute scales, and fixed sizes."""
    found = [(low, high) for low in SIZES_CU for high in SIZES_CU if scales(low, high)]
    return [Value({"min_cu": low, "max_cu": high}, [low, high]) for low, high in random.sample(found, HOW_MANY)]


def scales(low: float, high: float) -> bool:
    """Neon: manage/computes: up to 16 CU, over at most 8; every size can be fixed."""
    return low == high or (low < high <= 16 and high - low <= 8)


def no_sizes(schema: Schema, random: Random) -> list[Any]:
    return [0, 0.1, -0.25, 0.75, 1.5, 17, 10**9, f"{random.randrange(1, 16)} CU", *wrong(schema)]


def no_ranges(_: Schema, random: Random) -> list[Any]:
    found = [(low, high) for low in SIZES_CU for high in SIZES_CU if not scales(low, high)]
    pairs = [{"min_cu": low, "max_cu": high} for low, high in random.sample(found, HOW_MANY)]
    return [*pairs, {"min_cu": 1, "max_cu": 58}, {"min_cu": 1, "max_cu": 2, "cu": 1}, "2", ["1", "2"]]


def suspensions(schema: Schema, random: Random) -> list[Value]:
    """Neon: SuspendTimeoutSeconds: -1 is never; from a minute on (the Agent plan's paid organizations)."""
    return [Value("never", -1), Value("5m", 300), *amounts(schema, SECONDS, random, HOW_MANY, least=60)]


def no_suspensions(schema: Schema, random: Random) -> list[Any]:
    return [0, random.randrange(1, 60), "always", *not_amounts(schema, random)]


def window_fields() -> list[Field]:
    """How far back a project can be restored."""
    return [
        field(
            "restore_window",
            PROJECT,
            "project.history_retention_seconds",
            lambda answers: answers.project["history_retention_seconds"],
            lambda schema, random: amounts(schema, SECONDS, random, HOW_MANY, least=0),
            not_amounts,
        )
    ]


def pin_fields() -> list[Field]:
    """What counts at creation only."""
    regions = [Value(region, region) for region in REGIONS]
    create, first = "createProject", "project.branch"
    return [
        field(
            "region",
            create,
            "project.region_id",
            lambda answers: answers.project["region_id"],
            lambda _, __: regions,
            lambda schema, _: [value for value in ("US East", "aws/eu", *wrong(schema)) if value != 1],
            **PINNED,
        ),
        field(
            "pg_version",
            create,
            "project.pg_version",
            lambda answers: answers.project["pg_version"],
            lambda schema, _: [Value(n, n) for n in range(schema["minimum"], schema["maximum"] + 1)],
            lambda schema, _: [
                schema["minimum"] - 1,  # a newer version than the last may be there in some regions
                9,
                "17.2",
                "seventeen",
                *wrong(schema),
            ],
            **PINNED,
        ),
        field(
            "database",
            create,
            f"{first}.database_name",
            lambda answers: answers.database,
            lambda _, random: [Value(name, name) for name in names(random)],
            lambda _, __: ["postgres", "template1", "x" * 64, " ", "", [1], {"a": 1}],
            unread=True,
            **PINNED,
        ),
        field(
            "role",
            create,
            f"{first}.role_name",
            lambda answers: answers.role,
            lambda _, random: [Value(name, name) for name in names(random)],
            lambda _, __: ["pg_x", "neon_superuser", "none", "y" * 64, " ", "", [1], {"a": 1}],
            unread=True,
            **PINNED,
        ),
    ]


def move_fields() -> list[Field]:
    """The organization that a project lives in, which its tier says."""
    return [
        field(
            "organization",
            "createProject",
            "project.org_id",
            lambda answers: answers.organization,
            lambda _, __: [Value(name, name) for name in ("free", "paid")],
            lambda _, __: [],
            level=Level.TIER,
        )
    ]


def names(random: Random) -> list[str]:
    """Names of databases and roles: up to 63 bytes."""
    return ["n" * 63, "Mixed Case", "größer", *(f"app_{random.getrandbits(20)}" for _ in range(HOW_MANY))]
