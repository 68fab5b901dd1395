"""Unknown settings at an earlier commit, which another release accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.files.tenant_schema import SettingsDocument

if TYPE_CHECKING:
    from collections.abc import Callable

_UNCHECKED: Final = "unchecked"
_NEVER_ACCEPTED: Final = frozenset({"quota"})
"""Keys that no release accepts under ``settings``."""


def tolerant_tenant(value: object) -> object:
    """Return a tenant's document with its unknown settings under ``unchecked``."""
    return _changed(value, "overrides", _tolerant_section)


def tolerant_tiers(value: object) -> object:
    """Return the document of tiers.yaml with the unknown settings of each tier under ``unchecked``."""
    return _changed(value, "tiers", _tolerant_sections)


def _tolerant_sections(value: object) -> object:
    return {name: _tolerant_section(tier) for name, tier in value.items()} if isinstance(value, dict) else value


def _tolerant_section(value: object) -> object:
    return _changed(value, "settings", _unknown_moved)


def _changed(value: object, key: str, change: Callable[[object], object]) -> object:
    """Return the mapping with one of its members changed."""
    return {**value, key: change(value[key])} if isinstance(value, dict) and key in value else value


def _unknown_moved(settings: object) -> object:
    written = settings.get(_UNCHECKED, {}) if isinstance(settings, dict) else None
    if not isinstance(settings, dict) or not isinstance(written, dict):
        return settings
    known = _NEVER_ACCEPTED.union(SettingsDocument.model_fields)
    unknown = {key: value for key, value in settings.items() if key not in known}
    kept = {key: value for key, value in settings.items() if key not in unknown}
    return {**kept, _UNCHECKED: {**unknown, **written}} if unknown else settings
