"""The form of end.yaml: what is in the simulated account, for people to read.

It is that of live.yaml (``reconciler/cli/scene.py``) without ``created``, ``deleted``, ``storage``,
``used``, ``restored`` and ``active``, and beside the organizations it has

    deleted, recoverable for 7 days: [...]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from reconciler.cli.scene import QUOTA_MEMBERS, short_name
from reconciler.model.annotations import (
    BRANCH,
    FLEET,
    MANAGED_BY,
    PRODUCT,
    PURPOSE,
    TENANT,
)
from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS, NEVER_SUSPEND
from reconciler.model.units import NEVER, format_seconds
from reconciler.simulator import shapes
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Document: TypeAlias = "dict[str, Any]"

NOW: Final = DEMO_EPOCH_SECONDS
"""When every scenario happens: 2026-11-23T09:00:00Z."""
FLEET_NAME: Final = "prod"


def write(organizations: Mapping[str, Document | list[str]]) -> str:
    """The text of an end.yaml."""
    found = {name: projects for name, projects in organizations.items() if projects}
    if not found:
        return "{}\n"
    return yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def project_document(project: Document, branches: Sequence[Document], snapshots: Sequence[Document]) -> Document:
    """A project as the API answers it, with the documents of its branches and snapshots."""
    version = project["pg_version"]
    return _stated(
        pg_version=None if version == shapes.DEFAULT_PG_VERSION else version,
        quota=_written_quota(project["settings"].get("quota", {})),
        compute=compute_document(project["default_endpoint_settings"]),
        restore_window=format_seconds(project["history_retention_seconds"]),
        branches={name: each for branch in branches for name, each in branch.items()},
        snapshots=list(snapshots),
    )


def branch_document(
    branch: Document,
    names: Mapping[str, str],
    annotations: Mapping[str, str],
    compute: Document | None,
    replicas: Sequence[Document] = (),
) -> Document:
    """A branch under its name; ``names`` are those of all branches by id."""
    return {
        branch["name"]: _stated(
            ours=_ours(annotations),
            parent=names.get(branch.get("parent_id", "")),
            at=_other_than(branch["created_at"], branch.get("parent_timestamp")),
            schema_only=branch.get("init_source") == "schema-only",
            protected=branch["protected"],
            expires_at=branch.get("expires_at"),
            compute=None if compute is None else compute_document(compute),
            replicas={each.get("name", ""): compute_document(each) for each in replicas},
        )
    }


def snapshot_document(snapshot: Document) -> Document:
    """A snapshot."""
    return _stated(
        name=snapshot["name"],
        at=_other_than(snapshot["created_at"], snapshot["timestamp"]),
        expires_at=snapshot.get("expires_at"),
        scheduled=not snapshot["manual"],
    )


def _other_than(created_at: str, moment: str | None) -> str | None:
    """The moment whose data a copy holds, where that is not the one of its creation."""
    return None if moment == created_at else moment


def compute_document(compute: Document) -> Document:
    """Sizes and suspension, in the words of a tenant file. Neon: a timeout of 0 is the default."""
    timeout = compute["suspend_timeout_seconds"] or DEFAULT_SUSPEND_TIMEOUT_SECONDS
    parameters = compute.get("pg_settings") or compute.get("settings", {}).get("pg_settings")
    return {
        "min_cu": _number(compute["autoscaling_limit_min_cu"]),
        "max_cu": _number(compute["autoscaling_limit_max_cu"]),
        "suspend_timeout": NEVER if timeout == NEVER_SUSPEND else format_seconds(timeout),
        **({"pg_settings": parameters} if parameters else {}),
    }


def _number(size: float) -> float:
    return int(size) if size == int(size) else size


def _written_quota(quota: Document) -> Document:
    return {
        short_name(member): form(quota[member]) for member, (_, form) in QUOTA_MEMBERS.items() if quota.get(member)
    }


def _ours(annotations: Mapping[str, str]) -> str | None:
    if not annotations:
        return None
    if annotations[MANAGED_BY] != PRODUCT or annotations[FLEET] != FLEET_NAME:
        raise ValueError(f"annotations that no scenario has: {annotations}")
    words = (annotations[TENANT], annotations.get(PURPOSE), annotations.get(BRANCH))
    return " ".join(word for word in words if word is not None)


def _stated(**members: Any) -> Document:
    """Those that say anything."""
    return {key: value for key, value in members.items() if value not in (None, False, {}, [])}
