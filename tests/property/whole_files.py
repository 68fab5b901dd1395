"""A price list and a tenant's file in which every key of the format stands, in two ways: made for the schema.

``LEAVES`` are the keys as the schema has them: a key that is added there has to be added here, and is then tried.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_origin

from msgspec.structs import asdict
from pydantic import BaseModel

from reconciler.files import build
from reconciler.files.tenant_rules import tenant_findings
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tier_rules import tiers_findings
from reconciler.files.tiers_schema import TiersDocument
from reconciler.model.problem import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState

Document: TypeAlias = "dict[str, Any]"
Path: TypeAlias = "tuple[str | int, ...]"

_SETTINGS: Final[Document] = {
    "allowed_ips": {"ips": ["10.0.0.0/8"], "protected_branches_only": "false"},
    "audit_log_level": "extended",
    "block_public_connections": "false",
    "block_vpc_connections": "true",
    "enable_logical_replication": "false",
    "hipaa": "true",
    "maintenance_window": {"weekdays": ["7"], "start_time": "02:00", "end_time": "03:00"},
    "preload_libraries": {"enabled_libraries": ["timescaledb"], "use_defaults": "true"},
    "unchecked": {"unchecked_by_us": "1"},
}
_OTHER_SETTINGS: Final[Document] = {
    "allowed_ips": {"ips": ["192.168.0.0/16"], "protected_branches_only": "true"},
    "audit_log_level": "full",
    "block_public_connections": "true",
    "block_vpc_connections": "false",
    "enable_logical_replication": "true",
    "hipaa": "false",
    "maintenance_window": {"weekdays": ["6"], "start_time": "01:00", "end_time": "02:30"},
    "preload_libraries": {"enabled_libraries": ["pg_cron"], "use_defaults": "false"},
    "unchecked": {"unchecked_by_us": "2"},
}

TENANT: Final[Document] = {
    "tenant": "acme",
    "tier": "pro",
    "labels": {"team": "eu"},
    "overrides": {
        "quota": {
            "active_time": "700h",
            "compute_time": "600h",
            "written_data": "9GiB",
            "data_transfer": "80GiB",
            "logical_size": "11GiB",
        },
        "compute": {
            "min_cu": "0.5",
            "max_cu": "4",
            "suspend_timeout": "6m",
            "pg_settings": {"work_mem": "1MB"},
            "replicas": {
                "reports": {
                    "min_cu": "1",
                    "max_cu": "2",
                    "suspend_timeout": "11m",
                    "pg_settings": {"work_mem": "8MB"},
                }
            },
        },
        "restore_window": "6d",
        "protected": "true",
        "settings": _SETTINGS,
        "snapshots": {"before": ["restore"]},
    },
    "snapshots": ["v1", {"name": "v2", "expires_at": "2030-06-01T00:00:00Z", "retake": "false"}],
    "dev_branches": [
        "plain",
        {
            "name": "dev",
            "parent": "plain",
            "schema_only": "false",
            "reset": "2",
            "disposable": "false",
            "expires_at": "2030-05-20T00:00:00Z",
            "protected": "false",
            "compute": {
                "min_cu": "1",
                "max_cu": "5",
                "suspend_timeout": "12m",
                "pg_settings": {"work_mem": "2MB"},
            },
            "roles": ["tester", "visitor"],
            "databases": [{"name": "scratch", "owner": "tester"}],
        },
    ],
    "roles": ["app_owner", "analyst", "auditor"],
    "databases": [{"name": "analytics", "owner": "analyst"}],
    "protect": "false",
    "accept": {
        "suspension": "true",
        "full_branches": "true",
        "history_loss": "true",
        "deletion": ["databases.legacy"],
    },
    "state": "present",
    "boosts": [
        {
            "quota": {
                "active_time": "800h",
                "compute_time": "700h",
                "written_data": "10GiB",
                "data_transfer": "91GiB",
                "logical_size": "13GiB",
            },
            "compute": {"min_cu": "1", "max_cu": "5", "suspend_timeout": "8m"},
            "until": "2030-05-01T00:00:00Z",
            "reason": "a launch",
        }
    ],
    "hold": {"until": "2030-05-01T00:00:00Z", "reason": "a migration"},
    "project_id": "p-acme",
    "previously": ["acme-old"],
    "recover": "p-acme",
    "revision": "3",
    "region": "aws-us-east-2",
    "pg_version": "17",
    "database": "app",
    "role": "app_owner",
    "branch": "prod",
}
"""What is live is as it says."""

OTHER_TENANT: Final[Document] = {
    "tier": "scale",
    "labels": {"team": "us"},
    "overrides": {
        "quota": {
            "active_time": "70h",
            "compute_time": "500h",
            "written_data": "8GiB",
            "data_transfer": "90GiB",
            "logical_size": "12GiB",
        },
        "compute": {
            "min_cu": "1",
            "max_cu": "3",
            "suspend_timeout": "7m",
            "pg_settings": {"work_mem": "3MB"},
            "replicas": {
                "reports": {
                    "min_cu": "2",
                    "max_cu": "4",
                    "suspend_timeout": "12m",
                    "pg_settings": {"work_mem": "9MB"},
                }
            },
        },
        "restore_window": "5d",
        "protected": "false",
        "settings": _OTHER_SETTINGS,
        "snapshots": {"before": ["downgrade", "delete"]},
    },
    "snapshots": [
        "v3",
        {"name": "v4", "at": "2030-05-04T11:00:00Z", "expires_at": "2030-07-01T00:00:00Z", "retake": "true"},
    ],
    "dev_branches": [
        "simple",
        {
            "name": "devel",
            "parent": "main",
            "at": "2030-05-04T11:00:00Z",
            "schema_only": "true",
            "reset": "7",
            "disposable": "true",
            "expires_at": "2030-05-10T00:00:00Z",
            "protected": "true",
            "compute": {
                "min_cu": "2",
                "max_cu": "6",
                "suspend_timeout": "10m",
                "pg_settings": {"work_mem": "4MB"},
            },
            "roles": ["tester"],
            "databases": [{"name": "sketch", "owner": "visitor"}],
        },
    ],
    "roles": ["analyst"],
    "databases": [{"name": "audit", "owner": "auditor"}],
    "protect": "true",
    "accept": {"suspension": "false", "full_branches": "false", "history_loss": "false", "deletion": "false"},
    "state": "absent",
    "boosts": [
        {
            "quota": {
                "active_time": "900h",
                "compute_time": "unlimited",
                "written_data": "11GiB",
                "data_transfer": "92GiB",
                "logical_size": "14GiB",
            },
            "compute": {"min_cu": "2", "max_cu": "6", "suspend_timeout": "9m"},
            "until": "2030-06-01T00:00:00Z",
            "reason": "a fair",
        }
    ],
    "hold": {"until": "2030-06-01T00:00:00Z", "reason": "a dispute"},
    "project_id": "p-other",
    "previously": ["acme-older"],
    "recover": "p-other",
    "revision": "4",
    "region": "aws-eu-central-1",
    "pg_version": "18",
    "database": "other",
    "role": "other_owner",
    "branch": "trunk",
}

_LIMITS: Final[Document] = {
    "projects": "900",
    "branches": "100",
    "snapshots": "10",
    "replicas": "4",
    "compute": {"min_cu": "0.25", "max_cu": "16"},
    "restore_window": "7d",
    "min_suspend_timeout": "1m",
}
_TIER: Final[Document] = {
    "organization": "paid",
    "naming": "pro-{tenant}",
    "quota": {
        "active_time": "750h",
        "compute_time": "unlimited",
        "written_data": "unlimited",
        "data_transfer": "50GiB",
        "logical_size": "10GiB",
    },
    "compute": {
        "min_cu": "0.25",
        "max_cu": "2",
        "suspend_timeout": "5m",
        "pg_settings": {"work_mem": "5MB"},
        "replicas": {
            "reports": {
                "min_cu": "0.5",
                "max_cu": "3",
                "suspend_timeout": "13m",
                "pg_settings": {"work_mem": "10MB"},
            }
        },
    },
    "restore_window": "7d",
    "protected": "false",
    "settings": _OTHER_SETTINGS,
    "snapshots": {
        "at_limit": "refuse",
        "method": "api",
        "rotate": {"name": "auto-{date}", "every": "1d", "keep": "1"},
        "before": ["downgrade"],
        "keep_before": "2",
    },
    "cleanup": {"old_branches": "8d", "dev_branches": {"idle": "14d", "at_limit": "refuse"}},
    "roles": ["support", "reader"],
    "databases": [{"name": "tickets", "owner": "support"}],
    "dev_branches": {
        "max": "20",
        "compute": {"min_cu": "3", "max_cu": "9", "suspend_timeout": "8m", "pg_settings": {"work_mem": "6MB"}},
    },
    "usage_thresholds": ["70", "85"],
}
_PRICES: Final[Document] = {
    "compute_hour": "0.1",
    "storage_gb_month": "0.3",
    "history_gb_month": "0.2",
    "snapshot_gb_month": "0.09",
    "branch_month": "1.5",
    "branches_included": "10",
    "data_transfer_gb": "0.11",
    "data_transfer_included_gb": "100",
    "private_transfer_gb": "0.01",
}
_OWN_PRICES: Final[Document] = {**_PRICES, "compute_hour": "0.05", "branches_included": "7"}
_OTHER_PRICES: Final[Document] = {
    "compute_hour": "0.6",
    "storage_gb_month": "0.7",
    "history_gb_month": "0.8",
    "snapshot_gb_month": "0.9",
    "branch_month": "1.6",
    "branches_included": "25",
    "data_transfer_gb": "0.12",
    "data_transfer_included_gb": "200",
    "private_transfer_gb": "0.02",
}
TIERS: Final[Document] = {
    "version": "1",
    "fleet": "prod",
    "naming": {"project": "myapp-{tenant}", "previous": ["old-{tenant}"]},
    "organizations": {
        "free": {"id": "${NEON_FREE_ORG_ID}", "api_key": "${FREE_ORG_API_KEY}", "limits": deepcopy(_LIMITS)},
        "paid": {"id": "${NEON_PAID_ORG_ID}", "api_key": "${PAID_ORG_API_KEY}", "limits": deepcopy(_LIMITS)},
    },
    "personal_api_key": "${PERSONAL_API_KEY}",
    "registry": {"url": "${REGISTRY_URL}", "connection_strings": "encrypted", "key": "${REGISTRY_KEY}"},
    "notify": {"urls": ["${SLACK_NOTIFY_URL}", "${MAIL_NOTIFY_URLS}"]},
    "api": {
        "host": "https://console.neon.tech/api/v2",
        "requests_per_minute": "600",
        "burst_per_second": "30",
        "batch_share": "0.5",
        "settle": "9s",
        "look_again_after": "20s",
        "account": "main",
    },
    "defaults": {
        "region": "aws-us-west-2",
        "pg_version": "16",
        "database": "first",
        "role": "first_owner",
        "branch": "main",
    },
    "tiers": {"pro": deepcopy(_TIER), "scale": deepcopy(_TIER) | {"restore_window": "4d"}},
    "tenants": [{"files": "tenants/*.yaml"}],
    "guards": {
        **{name: {"max": "100", "percent": "9"} for name in ("creates", "transfers", "disruptive", "deletes")},
        "prune": {"min_age": "8d"},
        "idle": "60d",
    },
    "prices": {"as_of": "2025-01-01", "currency": "USD", **_PRICES, "organizations": {"paid": _OWN_PRICES}},
    "policies": "policies/*.yaml",
    "drift_policy": {"quota": "report"},
}

OTHER_TIERS: Final[Document] = {
    "fleet": "test",
    "naming": {"project": "app-{tenant}", "previous": ["older-{tenant}"]},
    "organizations": {
        "paid": {
            "limits": {
                "projects": "800",
                "branches": "90",
                "snapshots": "9",
                "replicas": "8",
                "compute": {"min_cu": "0.5", "max_cu": "12"},
                "restore_window": "8d",
                "min_suspend_timeout": "2m",
            }
        }
    },
    "api": {
        "requests_per_minute": "500",
        "burst_per_second": "20",
        "batch_share": "0.4",
        "settle": "8s",
        "look_again_after": "15s",
        "account": "second",
    },
    "defaults": {
        "region": "aws-eu-central-1",
        "pg_version": "18",
        "database": "second",
        "role": "second_owner",
        "branch": "trunk",
    },
    "tiers": {
        "pro": {
            "organization": "free",
            "naming": "{tier}-{tenant}-{organization}",
            "quota": {
                "active_time": "75h",
                "compute_time": "9h",
                "written_data": "7GiB",
                "data_transfer": "60GiB",
                "logical_size": "20GiB",
            },
            "compute": {
                "min_cu": "2",
                "max_cu": "3",
                "suspend_timeout": "9m",
                "pg_settings": {"work_mem": "7MB"},
                "replicas": {
                    "reports": {
                        "min_cu": "3",
                        "max_cu": "5",
                        "suspend_timeout": "14m",
                        "pg_settings": {"work_mem": "11MB"},
                    }
                },
            },
            "restore_window": "3d",
            "protected": "true",
            "settings": _SETTINGS,
            "snapshots": {
                "at_limit": "replace_oldest",
                "method": "branch",
                "rotate": {"name": "turn-{date}", "every": "2d", "keep": "2"},
                "before": ["restore", "delete"],
                "keep_before": "3",
            },
            "cleanup": {"old_branches": "9d", "dev_branches": {"idle": "15d", "at_limit": "oldest_idle"}},
            "roles": ["support"],
            "databases": [{"name": "reports", "owner": "first_owner"}],
            "dev_branches": {
                "max": "9",
                "compute": {
                    "min_cu": "4",
                    "max_cu": "7",
                    "suspend_timeout": "11m",
                    "pg_settings": {"work_mem": "8MB"},
                },
            },
            "usage_thresholds": ["60", "90"],
        }
    },
    "guards": {
        **{name: {"max": "200", "percent": "8"} for name in ("creates", "transfers", "disruptive", "deletes")},
        "prune": {"min_age": "9d"},
        "idle": "61d",
    },
    "prices": {
        "as_of": "2025-01-02",
        "currency": "EUR",
        **_OTHER_PRICES,
        "organizations": {"paid": {**_OTHER_PRICES, "sponsored": "true"}},
    },
    "policies": "rules/*.yaml",
    "drift_policy": {"quota": "repair"},
}


def fleet(tiers: Document, tenant: Document | None) -> DesiredState | None:
    """The desired state that such files come to; None where they are not valid together."""
    try:
        prices, written = TiersDocument(**tiers), tenant and TenantDocument(**tenant)
    except ValueError:
        return None
    state = build.fleet(prices, lambda _: Location("tiers.yaml", 1))
    found = list(tiers_findings(prices, state))
    if isinstance(written, TenantDocument) and not found:
        found = list(tenant_findings(written, state))
        declared = build.tenant(written, Location("tenants/acme.yaml", 1))
        state = state.__class__(**{**_members(state), "tenants": {declared.name: declared}})
    return None if found else state


def _members(state: DesiredState) -> dict[str, Any]:
    return asdict(state)


def keys(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Every key of the schema, at any depth; ``*`` stands for the entries of a list or map."""
    for name, field in model.model_fields.items():
        yield from _below((name,), field.annotation)


def _below(path: tuple[str, ...], annotation: Any) -> Iterator[tuple[str, ...]]:
    inner = [one for one in get_args(annotation) if one is not type(None)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path
        for deeper in keys(annotation):
            yield (*path, *deeper)
    elif get_origin(annotation) in (dict, list, tuple):
        yield path
        yield from (
            one
            for one in _below((*path, "*"), inner[-1 if get_origin(annotation) is dict else 0])
            if one != (*path, "*")
        )
    elif inner and any(_holds_keys(one) for one in inner):
        for one in inner:
            if _holds_keys(one):
                yield from _below(path, one)
    else:
        yield path


def _holds_keys(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return get_origin(annotation) in (dict, list, tuple) or any(_holds_keys(one) for one in get_args(annotation))
