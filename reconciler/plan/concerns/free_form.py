"""Free-form project settings (``settings:``): allowed IPs, maintenance window and whatever Neon adds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from reconciler.plan.change import FieldChange, JsonText, Risk
from reconciler.plan.concerns.concern import Concern, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import Json, LiveProject

DISRUPTIVE: Final = frozenset(
    {
        "allowed_ips",
        "block_public_connections",
        "block_vpc_connections",
        "enable_logical_replication",
        "hipaa",
        "preload_libraries",
    }
)
"""Settings that can cut connections or restart computes (Neon: ProjectSettingsData)."""


def wanted(settings: Settings) -> Fields:
    """One field for each top-level key that the files state."""
    return {_path(key): JsonText.of(value) for key, value in sorted(settings.settings.items())}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Keys of which a stated part differs; parts that the files leave out are kept as they are."""
    live = project.settings or {}
    for key, value in sorted(settings.settings.items()):
        before = live.get(key)
        after = merge(before, value)
        if differs(before, after):
            risk = Risk.DISRUPTIVE if key in DISRUPTIVE else Risk.SAFE
            yield FieldChange(
                _path(key), None if before is None else JsonText.of(before), JsonText.of(after), risk
            )


def merge(live: Json, stated: Json) -> Json:
    """The live value with the stated members in their place; anything but a mapping is replaced whole."""
    if not isinstance(live, dict) or not isinstance(stated, dict):
        return stated
    return {**live, **{key: merge(live.get(key), value) for key, value in stated.items()}}


def differs(before: Json, after: Json) -> bool:
    """Whether two values mean something else. The order of a list means nothing: Neon's lists are sets."""
    return before != after and _canonical(before) != _canonical(after)


def _canonical(value: Json) -> str:
    """The same text for all values that mean the same."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{_canonical(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(sorted({_canonical(member) for member in value}))}]"
    return json.dumps(value)


def _path(key: str) -> str:
    return f"settings.{key}"


FREE_FORM = Concern("settings", wanted, changes)
