"""What an organization's plan refuses: sizes, timeouts, restore windows, numbers of things."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.refusal import Refusal
from reconciler.simulator.types import SHORTEST_SUSPEND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.store import Reading
    from reconciler.simulator.types import Limits

SIZES_CU: Final = (0.25, 0.5, *range(1, 17), *range(18, 57, 2))
"""Neon: manage/computes."""
AUTOSCALING_RANGE_CU: Final = 8
LARGEST_AUTOSCALING_CU: Final = 16
LONGEST_SUSPEND_SECONDS: Final = 604_800
DEFAULT_SUSPEND_SECONDS: Final = 300
MAX_BRANCH_TTL_SECONDS: Final = 30 * 86_400
ROLES_PER_BRANCH: Final = 500
DATABASES_PER_BRANCH: Final = 500
"""Neon: manage/roles and manage/databases; the same on every plan."""


def check_compute(compute: Mapping[str, Any], limits: Limits) -> None:
    """Refuse a size or suspend timeout that does not exist or that the plan does not hold."""
    smallest, largest = compute["autoscaling_limit_min_cu"], compute["autoscaling_limit_max_cu"]
    _check_sizes(smallest, largest)
    if limits.max_cu is not None and largest > limits.max_cu:
        raise Refusal(400, f"autoscaling limit {largest:g} exceeds the maximum of {limits.max_cu:g} compute units")
    if limits.min_cu is not None and smallest < limits.min_cu:
        raise Refusal(
            400, f"autoscaling limit {smallest:g} is below the minimum of {limits.min_cu:g} compute units"
        )
    _check_suspend_timeout(compute["suspend_timeout_seconds"], limits)


def _check_sizes(smallest: float, largest: float) -> None:
    for size in (smallest, largest):
        if size not in SIZES_CU:
            raise Refusal(400, f"unsupported compute size: {size:g}")
    if smallest > largest:
        raise Refusal(400, "autoscaling_limit_min_cu must not exceed autoscaling_limit_max_cu")
    if smallest == largest:
        return
    if largest > LARGEST_AUTOSCALING_CU or largest - smallest > AUTOSCALING_RANGE_CU:
        raise Refusal(400, f"autoscaling between {smallest:g} and {largest:g} compute units is not supported")


def _check_suspend_timeout(seconds: int, limits: Limits) -> None:
    if 0 < seconds < SHORTEST_SUSPEND_SECONDS:
        raise Refusal(400, f"suspend_timeout_seconds must be at least {SHORTEST_SUSPEND_SECONDS}")
    if seconds > LONGEST_SUSPEND_SECONDS:
        raise Refusal(400, f"suspend_timeout_seconds must be at most {LONGEST_SUSPEND_SECONDS}")
    if seconds < 0 and not limits.always_on:
        raise Refusal(412, "a compute that is never suspended is not allowed for your account")
    shortest = limits.min_suspend_timeout_seconds
    if shortest is not None and 0 < seconds < shortest and seconds != DEFAULT_SUSPEND_SECONDS:
        raise Refusal(412, f"suspend interval below {shortest} seconds is not allowed for your account")


def check_allowed_ips(settings: Mapping[str, Any]) -> None:
    """Refuse an entry that is no address, network or range of addresses (Neon: manage/projects, IP Allow)."""
    for entry in settings.get("allowed_ips", {}).get("ips", ()):
        if not _is_addresses(entry):
            raise Refusal(400, f"allowed_ips: {entry!r} is not a valid IP address, range or CIDR block")


def _is_addresses(entry: str) -> bool:
    first, dash, last = entry.partition("-")
    try:
        if not dash:
            return bool(ip_network(entry, strict=False))
        return ip_address(first.strip()).version == ip_address(last.strip()).version
    except ValueError:
        return False


def check_restore_window(seconds: int, limits: Limits) -> None:
    """Refuse a restore window that the plan does not hold (Neon: 400, naming the maximum)."""
    longest = limits.restore_window_seconds
    if longest is not None and seconds > longest:
        raise Refusal(
            400,
            f'requested history retention seconds exceeds allowed maximum; requested:"{seconds}", max:"{longest}"',
        )


def check_room_for_project(store: Reading, org_id: str, limits: Limits, still_counted: int) -> None:
    """Refuse one project more than the organization holds; ``still_counted`` ones are deleted."""
    if limits.projects is not None and count_projects(store, org_id) + still_counted >= limits.projects:
        message = f"projects limit exceeded, limit:{limits.projects}"
        raise Refusal(422, message, code="PROJECTS_LIMIT_EXCEEDED")


def check_room_for_branch(count: int, limits: Limits) -> None:
    """Refuse one branch more than a project of the organization holds."""
    if limits.branches is not None and count >= limits.branches:
        raise Refusal(422, f"branches limit exceeded, limit:{limits.branches}", code="BRANCHES_LIMIT_EXCEEDED")


def check_room_for_root_branch(count: int, limit: int | None) -> None:
    """Refuse one branch without a parent more than a project holds (Neon: manage/branches)."""
    if limit is not None and count >= limit:
        raise Refusal(422, f"root branches limit exceeded, limit:{limit}", code="ROOT_BRANCHES_LIMIT_EXCEEDED")


def check_room_for_protected_branch(count: int, limit: int | None) -> None:
    """Refuse one protected branch more than a project holds (Neon: manage/branches)."""
    if limit is not None and count >= limit:
        message = f"protected branches limit exceeded, limit:{limit}"
        raise Refusal(422, message, code="BRANCHES_PROTECTED_LIMIT_EXCEEDED")


def check_room_for_snapshot(count: int, limits: Limits, *, with_code: bool) -> None:
    """Refuse one manual snapshot more than a project of the organization holds. The code is a guess by analogy."""
    if limits.snapshots is not None and count >= limits.snapshots:
        message = f"snapshots limit exceeded, limit:{limits.snapshots}"
        raise Refusal(422, message, code="SNAPSHOTS_LIMIT_EXCEEDED" if with_code else "")


def check_room_for_replica(count: int, limits: Limits) -> None:
    """Refuse one read-only compute more than a project of the organization holds."""
    if limits.replicas is not None and count >= limits.replicas:
        message = f"endpoints limit exceeded, limit:{limits.replicas}"
        raise Refusal(422, message, code="ENDPOINTS_LIMIT_EXCEEDED")


def check_room_for_role(count: int) -> None:
    """Refuse one role more than a branch holds."""
    if count >= ROLES_PER_BRANCH:
        raise Refusal(422, f"roles limit exceeded, limit:{ROLES_PER_BRANCH}", code="ROLES_LIMIT_EXCEEDED")


def check_room_for_database(count: int) -> None:
    """Refuse one database more than a branch holds."""
    if count >= DATABASES_PER_BRANCH:
        message = f"databases limit exceeded, limit:{DATABASES_PER_BRANCH}"
        raise Refusal(422, message, code="DATABASES_LIMIT_EXCEEDED")


def count_projects(store: Reading, org_id: str) -> int:
    """Live projects of an organization."""
    count: int = store.value("SELECT live_projects FROM organizations WHERE id = ?", org_id)
    return count
