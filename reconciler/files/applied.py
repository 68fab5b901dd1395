"""The record of what was applied last: an annotated tag, whose message lists tenants with an older base.

People and git see a tag on a commit. A tag without such a message is the base of every tenant.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError, NotAdvancedError
from reconciler.files.refs import named
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import fetching, found
from reconciler.plan.applied import Applied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.files.repository import Repository

FORMAT_VERSION: Final = 1
TAGS: Final = "refs/tags/"
_ID: Final = re.compile(r"[0-9a-f]{40}")
_MOST_BYTES: Final = 2**23
"""Enough for 40,000 owed tenants with the longest names."""
_BY_HAND: Final = "set it to the last applied commit: git tag --force NAME COMMIT"


class StoredRecord(Struct, frozen=True):
    """A record as it is stored."""

    applied: Applied
    ref: str
    id: str
    """The object id of the ref: the tag object, or the commit of a lightweight tag."""


def read_record(root: Path, ref: str, fleet: str) -> StoredRecord | None:
    """Return the record in a named tag; None if the name is not a tag. Raises InvalidInputError."""
    repository = found(root)
    full = named(repository, ref).ref
    return None if full is None or not full.startswith(TAGS) else read_record_in(repository, full, fleet)


def read_record_in(repository: Repository, full: str, fleet: str) -> StoredRecord | None:
    """Return the record in a tag by its full name; None if there is no such tag. Raises InvalidInputError."""
    target = repository.follow(full)[1]
    if target is None:
        return None
    try:
        annotated = repository.objects.annotation(target)
        commit = repository.objects.peeled(target)
        applied = Applied(commit) if annotated is None else _read(annotated[1], commit, full, fleet)
        return StoredRecord(applied, full, target)
    except UnreadableError as error:
        hint = f"{fetching(error)}; or {_BY_HAND}"
        raise InvalidInputError(f"the tag {full} cannot be read: an object {error}", hint=hint) from error


def record_tag(applied: Applied, full: str, fleet: str, seconds: int) -> bytes:
    """Return the tag object that holds a record. ``seconds`` since 1970 is its time. Raises NotAdvancedError."""
    record: dict[str, object] = {"format_version": FORMAT_VERSION, "fleet": fleet, "owed": _grouped(applied.owed)}
    if applied.tried:
        record["tried"] = _tried_groups(applied.tried)
    if applied.creating:
        record["creating"] = _by_run(applied.creating)
    if applied.rejected:
        record["rejected"] = {name: list(moments) for name, moments in applied.rejected.items()}
    message = json.dumps(record, ensure_ascii=False)
    if len(message.encode()) > _MOST_BYTES:
        count = len({*applied.owed, *applied.tried})
        raise NotAdvancedError(
            f"{count:,} tenants wait or are partly applied, too many for a tag message",
            hint="find out why they are refused or fail, and run again: nothing was recorded",
        )
    head = f"object {applied.commit}\ntype commit\ntag {full.removeprefix(TAGS)}\n"
    return f"{head}tagger reconciler <reconciler@localhost> {seconds} +0000\n\n{message}\n".encode()


def _grouped(commits: Mapping[str, str | None]) -> list[dict[str, object]]:
    by_commit: dict[str | None, list[str]] = {}
    for name, commit in commits.items():
        by_commit.setdefault(commit, []).append(name)
    return [{"commit": commit, "tenants": sorted(by_commit[commit])} for commit in sorted(by_commit, key=str)]


def _tried_groups(tried: Mapping[str, tuple[str, ...]]) -> list[dict[str, object]]:
    """Group the first tried commits of all tenants, then the second ones: each list keeps its order."""
    places = range(max(map(len, tried.values())))
    nth = ({name: all_of[place] for name, all_of in tried.items() if place < len(all_of)} for place in places)
    return [group for commits in nth for group in _grouped(commits)]


def _by_run(creating: Mapping[str, str]) -> list[dict[str, object]]:
    runs = dict.fromkeys(creating.values())
    return [{"run": run, "tenants": sorted(n for n, of in creating.items() if of == run)} for run in sorted(runs)]


def _read(message: bytes, target: str, full: str, fleet: str) -> Applied:
    """Return the record in the message of a tag on this commit. Another message means that no tenant is owed."""
    try:
        record = json.loads(message)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or "format_version" not in record:
        if message.lstrip().startswith(b'{"format_version"'):
            raise InvalidInputError(f"the record in {full} is damaged", hint=_BY_HAND)
        return Applied(target)
    _check_format(record["format_version"], full)
    if record.get("fleet") != fleet:
        raise InvalidInputError(
            f"the record in {full} belongs to another fleet",
            hint="if tiers.yaml renames the fleet, take that back: its projects keep the annotation; otherwise "
            f"use a different tag for each fleet; or {_BY_HAND}",
        )
    try:
        tried: dict[str, tuple[str, ...]] = {}
        for name, commit in _owed(record.get("tried", [])):
            if commit is not None:
                tried[name] = (*tried.get(name, ()), commit)
        creating, rejected = _creating(record.get("creating", [])), _rejected(record.get("rejected", {}))
        return Applied(target, dict(_owed(record["owed"])), tried, dict(creating), dict(rejected))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InvalidInputError(f"the record in {full} is damaged", hint=_BY_HAND) from None


def _check_format(version: object, full: str) -> None:
    if type(version) is int and version == FORMAT_VERSION:
        return
    from reconciler.model.format_version import OtherFormatError, require_format  # noqa: PLC0415 - hardly ever needed

    try:
        require_format(version, FORMAT_VERSION)
    except OtherFormatError as error:
        message = f"the record in {full} cannot be used: {error}"
        raise InvalidInputError(message, hint=error.hint(_BY_HAND)) from None


def _creating(groups: list[dict[str, object]]) -> Iterator[tuple[str, str]]:
    for group in groups:
        run, tenants = group["run"], group["tenants"]
        if not (isinstance(run, str) and isinstance(tenants, list)):
            raise TypeError(group)
        yield from ((str(tenant), run) for tenant in tenants)


def _rejected(moments: dict[str, list[str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for tenant, keys in moments.items():
        yield tenant, tuple(str(key) for key in keys)


def _owed(groups: list[dict[str, object]]) -> Iterator[tuple[str, str | None]]:
    for group in groups:
        commit, tenants = group["commit"], group["tenants"]
        known = isinstance(commit, str) and _ID.fullmatch(commit)
        if not isinstance(tenants, list) or not (commit is None or known):
            raise ValueError(group)
        for tenant in tenants:
            yield str(tenant), None if commit is None else str(commit)
