"""``reconciler suspend``, ``resume``, ``boost`` and ``hold``: edit a tenant's file, and converge the tenant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.converge import few_tenants
from reconciler.cli.documents import check_outputs, publish, publish_shown
from reconciler.cli.runtime import runtime
from reconciler.cli.signals import stop_on_signals
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.assignments import value_of
from reconciler.files.canonical import tenant_shape
from reconciler.files.edited import edit
from reconciler.files.editing import Changes
from reconciler.fleet import RunOptions
from reconciler.model.moments import rfc3339, utc
from reconciler.model.units import parse_length
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin
from reconciler.views.console import say, show, show_aside, stdout_console
from reconciler.views.formats import TEXT, text_of
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from reconciler.cli.converge import NamedTenants
    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags
    from reconciler.files.edited import EditedTenant
    from reconciler.fleet import Fleet, Planned
    from reconciler.model.values import Json
    from reconciler.plan.outcome import Report

_MEMBER: Final = re.compile(r"(quota|compute)\.([a-z_]+)=(\S+)")


class TenantEdit(Struct, frozen=True):
    """What each of these commands is given."""

    tenant: str
    files: FilesFlags
    account: AccountFlags
    base: str | None
    no_apply: bool
    command: CommandFlags
    output: OutputFlags


def moment_of(text: str, now: datetime) -> datetime:
    """Return the end that a flag names: a duration from now (``7d``), or a date and time with its zone.

    Raises InvalidInputError for anything else, and for an end that has passed.
    """
    try:
        until = now + timedelta(seconds=parse_length(text))
    except (ValueError, OverflowError):
        until = _date_and_time(text)
    until = until.replace(microsecond=0)
    if until <= now:
        raise InvalidInputError(f"--until {text} has passed", hint="name an end in the future, such as 7d")
    return until


def _date_and_time(text: str) -> datetime:
    hint = "a duration such as 7d, or a date and time such as 2030-01-31T12:00:00Z"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"--until {text!r} is no end", hint=hint) from None
    if found.tzinfo is None:
        raise InvalidInputError(f"--until {text!r} has no time zone", hint=hint)
    return utc(found)


def raised(words: tuple[str, ...]) -> dict[str, Json]:
    """Return the sections of a boost: ``quota.active_time=unlimited`` is ``{"quota": {"active_time": ...}}``."""
    sections: dict[str, dict[str, Json]] = {}
    boost = tenant_shape().at("boosts").at("")
    for word in words:
        match = _MEMBER.fullmatch(word)
        if match is None:
            raise InvalidInputError(
                f"{word!r} raises nothing", hint="write quota.MEMBER=VALUE or compute.MEMBER=VALUE"
            )
        section, member, text = match.groups()
        if member in sections.setdefault(section, {}):
            raise InvalidInputError(f"{section}.{member} is given twice", hint="keep one of them")
        sections[section][member] = value_of(f"{section}.{member}", text, boost.at(section).at(member))
    return {section: dict(members) for section, members in sections.items()}


def run_edit(
    given: TenantEdit, changes: Changes, *, keeps_going: bool = False, of_suspended: bool = False
) -> ExitCode:
    """Plans the tenant with its edited file, shows the plan, asks, writes the file, and converges the tenant.

    The edit is the cause of its own change and of no other.
    ``keeps_going`` edits the file whatever is refused; ``of_suspended`` is for a suspended tenant only.
    """
    if given.no_apply and (given.output.format != TEXT or given.command.dry_run):
        raise InvalidInputError("--no-apply only edits the file", hint="leave out --format and --dry-run")
    check_outputs(given.output, PlanView if given.command.dry_run else ReportView)
    few = few_tenants(given.files, (given.tenant,), given.base, documents=False)
    before = few.desired.tenants[given.tenant]
    if before.absent:
        raise InvalidInputError(f"{before.location}: state is absent: the tenant's project is to be deleted")
    if of_suspended and not before.suspended:
        raise InvalidInputError(
            f"{before.location}: tenant {given.tenant!r} is not suspended",
            hint=f"`reconciler usage --tenant {given.tenant}` says if Neon has suspended it for a quota",
        )
    edited = edit(given.files.directory, before, changes)
    if given.no_apply:
        edited.write()
        _tell_edit(edited)
        return ExitCode.DONE
    return _converged(given, few, edited, keeps_going=keeps_going)


def _converged(given: TenantEdit, few: NamedTenants, edited: EditedTenant, *, keeps_going: bool) -> ExitCode:
    tenants = {**few.desired.tenants, given.tenant: edited.tenant}
    desired = replace(few.desired, tenants=dict(sorted(tenants.items())))
    request = replace(few.request, history=few.request.past.before_edit(given.tenant, few.desired))
    options = RunOptions(journal=given.command.journal, commit=few.files.commit())

    async def carry_out(fleet: Fleet) -> tuple[Planned, Report | None]:
        planned = await fleet.plan_few(given.tenant, request=request)
        if given.command.dry_run:
            return planned, None
        _show(given, planned)
        if _refused(planned) and not keeps_going:
            return planned, None
        _confirm(given, edited)
        edited.write()
        _tell_edit(edited)
        if planned.plan.empty:
            return planned, None
        with stop_on_signals(options.stop):
            return planned, await fleet.carry_out(planned, options)

    planned, report = with_fleet(given.account, desired, carry_out, files=few.files, base=given.base)
    if report is not None:
        publish(given.output, ReportView(report, str(options.journal_path)))
        return exit_codes.of_apply(planned.plan, report, given.output.fail_on, named=True)
    view = PlanView(planned.plan, PlanOrigin(planned.at, commit=few.files.commit()))
    if given.command.dry_run:
        publish(given.output, view)
    else:
        publish_shown(given.output, view)
    return ExitCode.REFUSED if _refused(planned) and not keeps_going else ExitCode.DONE


def _refused(planned: Planned) -> bool:
    return bool(planned.plan.conflicts) or any(refusal.asked_for for refusal in planned.plan.refusals)


def _show(given: TenantEdit, planned: Planned) -> None:
    """The plan. Beside a report that other programs read, it goes to stderr."""
    shown = text_of(PlanView(planned.plan), full=given.output.full)
    if given.output.format == TEXT:
        show(shown, stdout_console())
    else:
        show_aside(shown)


def _confirm(given: TenantEdit, edited: EditedTenant) -> None:
    if given.command.yes:
        return
    if not runtime().interactive:
        raise InvalidInputError("the command needs confirmation, and stdin is not a terminal", hint="pass --yes")
    click.confirm(f"Edit {edited.path} and do this?", abort=True, err=True)


def _tell_edit(edited: EditedTenant) -> None:
    if edited.changes:
        say(f"edited {edited.path}: commit and push it, or a run on other files undoes the change")
    else:
        say(f"{edited.path} says so already")


def suspend(reason: str, **given: Any) -> ExitCode:
    """Suspends a tenant: ``state: suspended``."""
    return run_edit(TenantEdit(**given), Changes({"state": "suspended", "reason": reason}))


def resume(**given: Any) -> ExitCode:
    """Ends the suspension of a tenant."""
    return run_edit(TenantEdit(**given), Changes({"state": None, "reason": None}), of_suspended=True)


def boost(raises: tuple[str, ...], until: str, reason: str | None, **given: Any) -> ExitCode:
    """Adds a boost to a tenant's file."""
    end = rfc3339(moment_of(until, runtime().now))
    because: dict[str, Json] = {} if reason is None else {"reason": reason}
    entry: dict[str, Json] = {**raised(raises), "until": end, **because}
    return run_edit(TenantEdit(**given), Changes({}, {"boosts": entry}))


def hold(until: str | None, reason: str | None, end: bool, **given: Any) -> ExitCode:
    """Adds a hold to a tenant's file, or ends it."""
    if end and (until or reason):
        raise InvalidInputError("--end cannot be combined with --until or --reason", hint="keep one of them")
    if end:
        return run_edit(TenantEdit(**given), Changes({"hold": None}))
    if until is None or reason is None:
        raise InvalidInputError("a hold needs --until and --reason", hint="or --end, to end one")
    entry: Json = {"until": rfc3339(moment_of(until, runtime().now)), "reason": reason}
    return run_edit(TenantEdit(**given), Changes({"hold": entry}), keeps_going=True)
