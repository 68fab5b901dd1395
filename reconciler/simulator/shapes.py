"""The JSON of each resource as it is first made, in the shapes that the API answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler.simulator.clock import timestamp
from reconciler.simulator.data import Place
from reconciler.simulator.restore_points import position

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.data import Data

Document = dict[str, Any]

DEFAULT_COMPUTE: Final = {
    "autoscaling_limit_min_cu": 0.25,
    "autoscaling_limit_max_cu": 0.25,
    "suspend_timeout_seconds": 0,
}
PLAN: Final = "agent"
"""The plan of every simulated organization."""
DEFAULT_RESTORE_WINDOW_SECONDS: Final = 86_400
DEFAULT_REGION: Final = "aws-us-east-2"
DEFAULT_PG_VERSION: Final = 17
REGIONS: Final = {
    "aws-us-east-1": ("AWS US East 1 (N. Virginia)", "39.0", "-77.5"),
    "aws-us-east-2": ("AWS US East 2 (Ohio)", "40.0", "-83.0"),
    "aws-us-west-2": ("AWS US West 2 (Oregon)", "45.8", "-119.7"),
    "aws-eu-central-1": ("AWS Europe Central 1 (Frankfurt)", "50.1", "8.7"),
    "aws-eu-west-2": ("AWS Europe West 2 (London)", "51.5", "-0.1"),
    "aws-ap-southeast-1": ("AWS Asia Pacific 1 (Singapore)", "1.4", "103.8"),
    "aws-ap-southeast-2": ("AWS Asia Pacific 2 (Sydney)", "-33.9", "151.2"),
    "aws-sa-east-1": ("AWS South America East 1 (São Paulo)", "-23.5", "-46.6"),
    "azure-eastus2": ("Azure East US 2 (Virginia)", "36.7", "-78.4"),
    "azure-westus3": ("Azure West US 3 (Arizona)", "33.4", "-112.1"),
    "azure-gwc": ("Azure Germany West Central (Frankfurt)", "50.1", "8.7"),
}
"""Name, latitude and longitude by region id."""

PRELOAD_LIBRARIES: Final = (
    ("timescaledb", "Time series in hypertables", True, False, "2.17.1"),
    ("pg_cron", "Jobs that run on a schedule", True, False, "1.6"),
    ("pg_partman_bgw", "Upkeep of partitioned tables", True, False, "5.1.0"),
    ("pg_hint_plan", "Hints for the query planner", False, False, "1.7.0"),
    ("rag_bge_small_en_v15", "Embeddings for retrieval", False, True, "0.0.1"),
)
"""Name, purpose, whether every compute loads it, whether it is experimental, version."""

_LOGICAL_SIZE_LIMIT_BYTES: Final = 16 * 2**40
_UNUSED: Final = {
    "active_time_seconds": 0,
    "compute_time_seconds": 0,
    "written_data_bytes": 0,
    "data_transfer_bytes": 0,
}


def project(
    *,
    project_id: str,
    org_id: str,
    name: str,
    region_id: str,
    pg_version: int,
    compute: Mapping[str, Any],
    settings: Mapping[str, Any],
    restore_window_seconds: int,
    store_passwords: bool,
    now: float,
) -> Document:
    """What lists and single answers have in common."""
    return {
        "id": project_id,
        "platform_id": region_id.partition("-")[0],
        "region_id": region_id,
        "name": name,
        "provisioner": "k8s-neonvm",
        "default_endpoint_settings": dict(compute),
        "settings": dict(settings),
        "pg_version": pg_version,
        "proxy_host": proxy_host(region_id),
        "branch_logical_size_limit": _LOGICAL_SIZE_LIMIT_BYTES // 2**20,
        "branch_logical_size_limit_bytes": _LOGICAL_SIZE_LIMIT_BYTES,
        "store_passwords": store_passwords,
        "cpu_used_sec": 0,
        "creation_source": "console",
        "history_retention_seconds": restore_window_seconds,
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
        "synthetic_storage_size": 0,
        "owner_id": org_id,
        "org_id": org_id,
    }


def project_settings() -> Document:
    """The settings of a project for which nothing was asked."""
    return {
        "allowed_ips": {"ips": [], "protected_branches_only": False},
        "enable_logical_replication": False,
        "maintenance_window": {"weekdays": [5], "start_time": "07:00", "end_time": "08:00"},
        "block_public_connections": False,
        "block_vpc_connections": False,
        "hipaa": False,
    }


def preload_libraries() -> list[Document]:
    """What ``settings.preload_libraries`` may name."""
    members = ("library_name", "description", "is_default", "is_experimental", "version")
    return [dict(zip(members, library, strict=True)) for library in PRELOAD_LIBRARIES]


def usage() -> Document:
    """The counters of a project that was never used."""
    return {**_UNUSED, "data_storage_bytes_hour": 0}


def branch(
    *,
    branch_id: str,
    project_id: str,
    name: str,
    default: bool,
    protected: bool,
    now: float,
    origin: Mapping[str, Any] | None = None,
) -> Document:
    """A branch; ``origin`` holds the members that say what it was made of."""
    return {
        "id": branch_id,
        "project_id": project_id,
        **(origin or {}),
        "name": name,
        "state_changed_at": timestamp(now),
        "logical_size": 0,
        "creation_source": "console",
        "primary": default,
        "default": default,
        "protected": protected,
        "cpu_used_sec": 0,
        **_UNUSED,
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
    }


def annotation(branch_id: str, value: Mapping[str, str], now: float | None = None) -> Document:
    """The annotation of a branch; one without a time stands for none."""
    times = {} if now is None else {"created_at": timestamp(now), "updated_at": timestamp(now)}
    return {"object": {"type": "console/branch", "id": branch_id}, "value": dict(value), **times}


def snapshot(
    *,
    snapshot_id: str,
    name: str | None,
    branch: Mapping[str, Any],
    point: float,
    expires_at: float | None,
    manual: bool,
    now: float,
) -> Document:
    """A snapshot whose size is not known yet; one without a name is called by its branch and moment."""
    body = {
        "id": snapshot_id,
        "name": name or f"{branch['name']} at {timestamp(point)}",
        "lsn": position(point),
        "timestamp": timestamp(point),
        "source_branch_id": branch["id"],
        "created_at": timestamp(now),
        "manual": manual,
    }
    return body if expires_at is None else {**body, "expires_at": timestamp(expires_at)}


def endpoint(
    *,
    endpoint_id: str,
    project_id: str,
    branch_id: str,
    region_id: str,
    kind: str,
    compute: Mapping[str, Any],
    settings: Mapping[str, Any],
    now: float,
) -> Document:
    """A compute, without its state."""
    return {
        "host": f"{endpoint_id}.{proxy_host(region_id)}",
        "id": endpoint_id,
        "project_id": project_id,
        "branch_id": branch_id,
        "region_id": region_id,
        **{member: compute[member] for member in DEFAULT_COMPUTE},
        "type": kind,
        "settings": dict(settings),
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": True,
        "creation_source": "console",
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
        "proxy_host": proxy_host(region_id),
        "provisioner": "k8s-neonvm",
    }


def role(branch_id: str, name: str, now: float, *, login: bool = True) -> Document:
    """A role, without its password."""
    times = {"created_at": timestamp(now), "updated_at": timestamp(now)}
    method = "password" if login else "no_login"
    return {"branch_id": branch_id, "name": name, "protected": False, "authentication_method": method, **times}


def database(number: int, branch_id: str, name: str, owner: str, now: float) -> Document:
    """A database."""
    times = {"created_at": timestamp(now), "updated_at": timestamp(now)}
    return {"id": number, "branch_id": branch_id, "name": name, "owner_name": owner, **times}


def proxy_host(region_id: str) -> str:
    """The host that connections of a region go through; a name that no resolver knows (RFC 6761)."""
    platform, _, region = region_id.partition("-")
    return f"{region}.{platform}.neon.test"


ENCRYPTED: Final = "sslmode=require&channel_binding=require"


def connection_uri(
    data: Data[Any], *, role_name: str, password: str, host: str, database_name: str, pooled: bool
) -> str:
    """What an application connects with."""
    place = data.place(host, pooled=pooled) or Place(pooler_host(host) if pooled else host, ENCRYPTED)
    role, database = quote(role_name, safe=""), quote(database_name, safe="")
    return f"postgresql://{role}:{password}@{place.address}/{database}?{place.query}"


def pooler_host(host: str) -> str:
    """The same compute, through its connection pooler."""
    endpoint_id, _, rest = host.partition(".")
    return f"{endpoint_id}-pooler.{rest}"
