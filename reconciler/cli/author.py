"""``reconciler new`` and ``set``: write a tenant's file, and show what that asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.runtime import runtime
from reconciler.cli.trust import with_policies
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.additions import addition
from reconciler.files.assignments import changes_of
from reconciler.files.edited import edit
from reconciler.files.finding import did_you_mean_one_of
from reconciler.files.load import OnInvalid
from reconciler.fleet import Request
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.desired_change import desired_change
from reconciler.plan.history import History
from reconciler.views import file_changes
from reconciler.views.console import say, show, stdout_console
from reconciler.views.formats import TEXT
from reconciler.views.view import DiffView, PlanView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.files.edited import EditedTenant
    from reconciler.fleet import Fleet, Planned
    from reconciler.model.values import Json


_Make: TypeAlias = "Callable[[Path, DesiredState], EditedTenant]"
"""Makes the file from the folder and the files before the edit."""


class Authoring(Struct, frozen=True):
    """What both commands are given."""

    files: FilesFlags
    account: AccountFlags
    base: str | None
    dry_run: bool
    no_plan: bool
    output: OutputFlags


def set_values(tenant: str, assignments: tuple[str, ...], unset: tuple[str, ...], **given: Any) -> ExitCode:
    """Changes keys of a tenant's file. Raises InvalidInputError for what no file may state."""
    if not assignments and not unset:
        raise InvalidInputError("nothing to set", hint="KEY=VALUE, or --unset KEY")
    changes = changes_of(assignments, unset)
    return _carry_out(
        Authoring(**given), tenant, lambda folder, fleet: edit(folder, fleet.tenants[tenant], changes)
    )


def new(
    tenant: str, tier: str, labels: tuple[str, ...], sets: tuple[str, ...], to: str | None, **given: Any
) -> ExitCode:
    """Writes the file of a new tenant. Raises InvalidInputError for what no file may state."""
    document: dict[str, Json] = {"tenant": tenant, "tier": tier}
    words = (*(f"labels.{label}" for label in labels), *sets)
    changes = changes_of(words)
    for path, value in changes.values.items():
        _put(document, path if isinstance(path, tuple) else (path,), value)
    for path, item in changes.added.items():
        _put(document, path if isinstance(path, tuple) else (path,), [item])
    return _carry_out(Authoring(**given), tenant, lambda folder, _: addition(folder, document, to), is_new=True)


def _put(document: dict[str, Json], path: tuple[str, ...], value: Json) -> None:
    for key in path[:-1]:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            raise InvalidInputError(f"{key} is given twice", hint="keep one of the two")
        document = inner
    document[path[-1]] = value


def _carry_out(given: Authoring, tenant: str, make: _Make, *, is_new: bool = False) -> ExitCode:
    _check_outputs(given)
    files = FleetFiles(replace(given.files, on_invalid=OnInvalid.SKIP.value), only=frozenset({tenant}))
    before = files.desired()
    if is_new:
        _require_new(before, tenant)
    else:
        _require_declared(given.files.directory, before, tenant)
    edited = make(given.files.directory, before)
    _write(given, edited, is_new=is_new)
    if given.no_plan:
        return ExitCode.DONE
    after = replace(before, tenants=dict(sorted({**before.tenants, tenant: edited.tenant}.items())))
    return _show_plan(given, files, before, after, tenant)


def _check_outputs(given: Authoring) -> None:
    """A document is the plan of the tenant, which both of its views can be written as."""
    check_outputs(given.output, DiffView)
    if given.no_plan and (given.output.output or given.output.format != TEXT):
        raise InvalidInputError("--no-plan leaves nothing to write as a document", hint="leave it out")


def _require_new(fleet: DesiredState, tenant: str) -> None:
    declared = fleet.tenants.get(tenant)
    if declared is not None:
        hint = f"`reconciler set {tenant} KEY=VALUE` changes it"
        raise InvalidInputError(f"{declared.location} declares tenant {tenant!r}", hint=hint)


def _require_declared(directory: Path, fleet: DesiredState, tenant: str) -> None:
    if tenant in fleet.tenants:
        return
    if tenant in fleet.held_back:
        raise InvalidInputError(f"the file of tenant {tenant!r} cannot be used", hint="run `reconciler validate`")
    from reconciler.files.names_in_files import names_to_suggest  # noqa: PLC0415 - for a wrong name only

    hint = (
        did_you_mean_one_of(tenant, names_to_suggest(directory))
        or f"`reconciler new {tenant} --tier TIER` writes a file"
    )
    raise InvalidInputError(f"no file declares tenant {tenant!r}", hint=hint)


def _write(given: Authoring, edited: EditedTenant, *, is_new: bool) -> None:
    """Shows the change of the file, and writes it."""
    if not edited.changes:
        say(f"{edited.path} says so already")
        return
    if given.output.format == TEXT:
        before = (edited.file.before or b"").decode(errors="replace")
        show(file_changes.render(str(edited.path), before, edited.file.after.decode()), stdout_console())
    if given.dry_run:
        return
    edited.write()
    say(f"{'wrote' if is_new else 'edited'} {edited.path}")


def _show_plan(
    given: Authoring, files: FleetFiles, before: DesiredState, after: DesiredState, tenant: str
) -> ExitCode:
    """The plan of the tenant; without keys, what the files alone say about it."""
    if given.account.simulator is None and not _has_keys(after):
        say("no key is set: without the account, this is what the files ask for")
        now = runtime().now
        publish(given.output, DiffView(desired_change(before, after, now), PlanOrigin(now)))
        return ExitCode.DONE
    request = with_policies(Request(history=History(before, guessed=True)), files, before, given.base)

    async def look(fleet: Fleet) -> Planned:
        return await fleet.plan_few(tenant, request=request)

    planned = with_fleet(given.account, after, look, files=files, base=given.base)
    publish(given.output, PlanView(planned.plan, PlanOrigin(planned.at, commit=files.commit())))
    return exit_codes.of_plan(planned.plan, (), detailed=False)


def _has_keys(fleet: DesiredState) -> bool:
    """Whether any key of an organization is set; missing ones are reported where they are used."""
    keys = (organization.api_key for organization in fleet.organizations.values())
    return any(runtime().environ.find(key.name) is not None for key in keys)
