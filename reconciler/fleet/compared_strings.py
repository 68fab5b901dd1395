"""Compares connection strings of the registry with its rows and with Neon, and repairs them in a rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.apply.registry_writes.claims import LAPSES_AFTER
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.fleet.kept_strings import read_and_keep
from reconciler.neon.pace import each
from reconciler.plan.registered_strings import Remedy, StringFinding, expected, string_findings
from reconciler.plan.registration import RowChange, as_rebuilt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.fleet.context import Context
    from reconciler.live.registered import KeptConnection, Registered
    from reconciler.plan.registered_strings import ExpectedStrings
    from reconciler.plan.registration import Registration


class ComparedStrings(Struct, frozen=True):
    """What is wrong with the kept strings of a registry, or what a rebuild has done about it."""

    changes: tuple[RowChange, ...] = ()
    waiting: tuple[RowChange, ...] = ()
    """What stays as it is: a run is about to write it, or it could not be read."""


async def compare_strings(
    context: Context, found: Registration, *, passwords: bool, writes: bool
) -> ComparedStrings:
    """Compares the strings of rows, and with ``writes`` makes them right.

    ``passwords`` reads each connection from Neon, one call for each row. Raises RegistryError.
    """
    registry = context.registry
    if not registry.keeps_strings:
        return await _compared_with_none(context, writes=writes)
    registry.require_key()
    rows = _rows(context, as_rebuilt(await registry.read(registry.rows), found, context.time()))
    kept = await registry.read(registry.kept_connections)
    findings = list(string_findings(rows, kept, lapsed_before=context.time() - LAPSES_AFTER))
    if passwords:
        wrong = {finding.expected.tenant for finding in findings}
        findings += await _outdated(
            context, [asked for name, (asked, _) in rows.items() if name not in wrong], kept
        )

    async def repair(finding: StringFinding) -> str:
        return await _mend(context, finding, kept) if writes else ""

    failures = await each(findings, repair)
    done = list(zip(findings, failures, strict=True))
    return ComparedStrings(
        _row_changes((one, "") for one, failure in done if one.remedy is not Remedy.WAIT and not failure),
        _row_changes((one, failure) for one, failure in done if one.remedy is Remedy.WAIT or failure),
    )


def _rows(context: Context, rows: Mapping[str, Registered]) -> dict[str, tuple[ExpectedStrings, Registered]]:
    """The rows with a project, each with the connection whose strings it keeps."""
    return {
        name: (expected(context.desired, name, row.project_id, row.organization, row), row)
        for name, row in sorted(rows.items())
        if row.project_id is not None and row.organization is not None
    }


async def _outdated(
    context: Context, right: Sequence[ExpectedStrings], kept: Mapping[str, KeptConnection]
) -> list[StringFinding]:
    """The strings whose password, or anything else in them, differs from what Neon returns."""

    async def compare(asked: ExpectedStrings) -> StringFinding | None:
        try:
            live = await context.neon.connection(asked.organization, asked.project_id, asked.database, asked.role)
        except ReconcilerError as error:
            return StringFinding(asked, f"could not be compared: {error}", Remedy.WAIT)
        strings = kept[asked.tenant].strings
        same = strings is not None and (strings.pooled, strings.direct) == (live.pooled, live.direct)
        return None if same else StringFinding(asked, "no longer works: Neon returns another one", Remedy.READ)

    return [finding for finding in await each(right, compare) if finding is not None]


async def _mend(context: Context, finding: StringFinding, kept: Mapping[str, KeptConnection]) -> str:
    """Returns why the strings could not be made right, or an empty text. Raises RegistryError."""
    asked, registry = finding.expected, context.registry
    try:
        match finding.remedy:
            case Remedy.READ:
                await read_and_keep(context, asked)
            case Remedy.ENCRYPT:
                strings = kept[asked.tenant].strings
                if strings is not None:
                    await registry.write(
                        registry.keep_strings, asked.tenant, asked.project_id, strings, context.time()
                    )
            case Remedy.WAIT:
                pass
    except RegistryError:
        raise
    except ReconcilerError as error:
        return f"; it could not be read: {error}"
    return ""


async def _compared_with_none(context: Context, *, writes: bool) -> ComparedStrings:
    """The strings that are left from a time when tiers.yaml asked for them. Needs no key."""
    registry = context.registry
    left = await registry.read(registry.tenants_with_strings)
    for tenant, project_id in left.items() if writes else ():
        await registry.write(registry.remove_strings, tenant, project_id, context.time())
    changes = (RowChange(tenant, "connection string: removed: tiers.yaml asks for none") for tenant in left)
    return ComparedStrings(tuple(changes))


def _row_changes(findings: Iterable[tuple[StringFinding, str]]) -> tuple[RowChange, ...]:
    changes = [RowChange(one.expected.tenant, f"connection string: {one.message}{more}") for one, more in findings]
    return tuple(sorted(changes, key=lambda change: change.tenant))
