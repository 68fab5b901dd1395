"""What was applied last: a commit, and the tenants that an earlier commit still waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.baseline import Unusable
from reconciler.plan.change import Origin
from reconciler.plan.concerns.times import declared_moments, moment_key
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Hold, Tenant
    from reconciler.plan.history import History
    from reconciler.plan.outcome import Report, TenantOutcome
    from reconciler.plan.plan import Plan

NOBODY: Final[Mapping[str, str]] = {}
Precedes: TypeAlias = "Callable[[str, str], bool]"
"""Whether the first commit is an ancestor of the second and not equal to it; False if unknown."""


class Applied(Struct, frozen=True):
    """The base of every tenant, as commit ids."""

    commit: str
    """The base of all tenants that are not in ``owed``."""
    owed: Mapping[str, str | None] = {}
    """Tenants with another base; None if nothing was ever applied for the tenant."""
    tried: Mapping[str, tuple[str, ...]] = {}
    """By tenant, the commits tried since its base that may be partly applied, oldest first."""
    creating: Mapping[str, str] = {}
    """Tenants of an earlier project that has disappeared, whose new project is not finished: the id of the run
    that was to create it."""
    rejected: Mapping[str, tuple[str, ...]] = {}
    """By tenant, the declared moments of which Neon holds no data, as ``moment_key`` writes them."""

    def of(self, *names: str) -> str | None:
        """Return the base of a tenant with these current or earlier names; None if nothing was ever applied."""
        return next((self.owed[name] for name in names if name in self.owed), self.commit)

    def attempts(self, *names: str) -> tuple[str, ...]:
        """Return the commits tried for a tenant with these current or earlier names."""
        return tuple(dict.fromkeys(commit for name in names for commit in self.tried.get(name, ())))

    def about(self, names: Collection[str]) -> Applied:
        """Return the part of the record about these tenants."""
        owed = {name: commit for name, commit in self.owed.items() if name in names}
        tried = {name: commits for name, commits in self.tried.items() if name in names}
        creating = {name: run for name, run in self.creating.items() if name in names}
        rejected = {name: moments for name, moments in self.rejected.items() if name in names}
        return Applied(self.commit, owed, tried, creating, rejected)

    def trying(self, tenants: Iterable[str], commit: str, creating: Mapping[str, str] = NOBODY) -> Applied:
        """The record to write before a run tries a commit for these tenants, so that a run that dies leaves it.

        ``creating`` are the tenants whose projects it is to create, with its id.
        """
        added = {name: tuple(dict.fromkeys((*self.attempts(name), commit))) for name in tenants}
        return replace(
            self,
            tried=dict(sorted({**self.tried, **added}.items())),
            creating=dict(sorted({**self.creating, **creating}.items())),
        )


class FinishedRun(Struct, frozen=True, kw_only=True):
    """A finished run and its inputs."""

    desired: DesiredState
    history: History
    plan: Plan
    report: Report
    selection: Selection
    complete: bool
    """Whether the run was about every concern and read all details for their comparison."""
    stale: Collection[str] = ()
    """Tenants whose actions a saved plan did not permit."""


def advanced(before: Applied | None, head: str, ended: FinishedRun, precedes: Precedes) -> Applied:
    """Return the record after a run on the files of commit ``head``. No tenant's base moves back in history."""
    commit = head if before is None or not precedes(head, before.commit) else before.commit
    bases: dict[str, str | None] = {}
    tried: dict[str, tuple[str, ...]] = {}
    begun = _possibly_written(ended)
    for tenant, done in tenant_states(ended):
        names = ended.desired.names(tenant)
        at_base = ended.history.declares_at_common_base(tenant) and tenant not in ended.history.owed
        was = None if before is None else before.of(*(names[:1] if at_base else names))
        bases[tenant] = head if done and (was is None or not precedes(head, was)) else was
        earlier = () if before is None else before.attempts(*names)
        if done:
            tried[tenant] = tuple(commit for commit in earlier if precedes(head, commit))
        else:
            tried[tenant] = tuple(dict.fromkeys((*earlier, head))) if tenant in begun else earlier
            for name in names[1:]:  # the next files may not know it as an earlier one
                bases[name] = None if before is None else before.of(name)
                tried[name] = () if before is None else before.tried.get(name, ())
    return _applied(commit, bases, tried, _unfinished(before, ended), _rejected(before, ended))


def _rejected(before: Applied | None, ended: FinishedRun) -> dict[str, tuple[str, ...]]:
    """Return the moments that Neon has rejected, in this run or in an earlier one, and that the files declare.

    A raised restore window never reaches back to them.
    """
    found = {} if before is None else dict(ended.desired.by_current_name(before.rejected))
    for outcome in ended.report.outcomes:
        if moments := tuple(_rejected_now(outcome)):
            found[outcome.tenant] = tuple(dict.fromkeys((*found.get(outcome.tenant, ()), *moments)))
    known = {name: declared_fields.fields_in(ended.desired, name) for name in found}
    return {
        name: tuple(key for key in keys if key in declared_moments(known[name] or {}))
        for name, keys in found.items()
    }


def _rejected_now(outcome: TenantOutcome) -> Iterator[str]:
    """Yield the creations of a past moment that were sent and then left out."""
    for done in outcome.actions:
        action, sent = done.action, done.request_id is not None
        if (
            isinstance(action, CreateBranch | CreateSnapshot)
            and action.at
            and sent
            and done.result is Result.SKIPPED
        ):
            yield moment_key(action.changes[0].path, action.at)


def _unfinished(before: Applied | None, ended: FinishedRun) -> dict[str, str]:
    """Return the tenants whose new project was not finished, by this run or by an earlier one."""
    earlier = {} if before is None else ended.desired.by_current_name(before.creating)
    creating = {**earlier, **created_again(ended.history, ended.plan, ended.report.run)}
    not_applied = _not_applied(ended)
    kept = {name for name in creating if name in not_applied or not (ended.complete and _includes(ended, name))}
    return {name: run for name, run in creating.items() if name in kept}


def _includes(ended: FinishedRun, name: str) -> bool:
    tenant = ended.desired.tenants.get(name)
    return tenant is None or ended.selection.includes(tenant)


def created_again(history: History, plan: Plan, run: str) -> dict[str, str]:
    """Return the tenants with a past whose projects a plan creates, with the id of its run.

    Their earlier projects have disappeared. If the run ends before it is done with them, the next one knows by the
    annotation of the run that nothing of the past was ever in the new project.
    """
    creating = (planned.tenant for planned in plan.tenants if planned.includes(CreateProject))
    return {name: run for name in creating if history.knew(name)}


def merged(ours: Applied, theirs: Applied, precedes: Precedes) -> Applied:
    """Merge the records of overlapping runs: for each tenant the newer base; theirs if neither is older."""
    commit = _newer(ours.commit, theirs.commit, precedes) or theirs.commit
    names = sorted({*ours.owed, *theirs.owed, *ours.tried, *theirs.tried})
    bases = {name: _newer(ours.of(name), theirs.of(name), precedes) for name in names}
    tried = {
        name: tuple(
            one
            for one in dict.fromkeys((*theirs.attempts(name), *ours.attempts(name)))
            if (base := bases[name]) is None or (one != base and not precedes(one, base))
        )
        for name in names
    }
    rejected = {
        name: tuple(dict.fromkeys((*ours.rejected.get(name, ()), *theirs.rejected.get(name, ()))))
        for name in {**ours.rejected, **theirs.rejected}
    }
    return _applied(commit, bases, tried, {**ours.creating, **theirs.creating}, rejected)


def _applied(
    commit: str,
    bases: Mapping[str, str | None],
    tried: Mapping[str, tuple[str, ...]],
    creating: Mapping[str, str],
    rejected: Mapping[str, tuple[str, ...]],
) -> Applied:
    owed = {name: base for name, base in sorted(bases.items()) if base != commit}
    tried = {name: commits for name, commits in sorted(tried.items()) if commits}
    rejected = {name: keys for name, keys in sorted(rejected.items()) if keys}
    return Applied(commit, owed, tried, dict(sorted(creating.items())), rejected)


def _newer(ours: str | None, theirs: str | None, precedes: Precedes) -> str | None:
    if ours is None or theirs is None:
        return ours or theirs
    return ours if precedes(theirs, ours) else theirs


def tenant_states(ended: FinishedRun) -> Iterator[tuple[str, bool]]:
    """Yield every tenant with a base to record, and whether the current files are fully applied for it.

    That is the case if nothing is asked for, or if everything asked for was compared and applied. The end of a
    boost asks to remove the values that it granted, also once the files no longer declare the boost; and the end
    of a protection asks for a run that finds nothing else to refuse. A guarded tenant without a project keeps its
    base while it is unsettled who has the one that it had.
    """
    states = dict(_declared_states(ended))
    new = (ended.desired.tenants[name] for name, done in states.items() if not done)
    guarded = any(refusal.rule in (Rule.PROTECTED, Rule.HELD) for refusal in ended.plan.refusals)
    unsettled = guarded or bool(ended.plan.conflicts) or any(_may_take_over(ended, tenant) for tenant in new)
    lost = _without_project(ended) if unsettled else _without_project(ended) & _owners_of_orphans(ended)
    for name, done in states.items():
        yield name, done and not (name in lost and _is_guarded(ended, name))
    yield from ((name, False) for name in _kept_without_declaration(ended, unsettled=unsettled))


def _declared_states(ended: FinishedRun) -> Iterator[tuple[str, bool]]:
    not_applied = _not_applied(ended)
    in_conflict = {conflict.tenant for conflict in ended.plan.conflicts if conflict.asked_for}
    for name, tenant in ended.desired.tenants.items():
        looked_at = ended.complete and ended.selection.includes(tenant)
        origins = _origins(ended.desired, ended.history, name)
        if looked_at and name not in not_applied and Origin.BASE_AHEAD not in origins:
            yield name, True
        else:
            ends = _boost_end_is_owed(ended, name) or _ends_a_protection(ended, tenant)
            yield name, not (origins or ends or name in in_conflict)


def _without_project(ended: FinishedRun) -> frozenset[str]:
    """Return the declared tenants that are to end, or for which the plan found no project."""
    planned = (*ended.plan.actions, *(action for refusal in ended.plan.refusals for action in refusal.actions))
    creating = (action.tenant for action in planned if isinstance(action, CreateProject))
    return frozenset((*creating, *(name for name, one in ended.desired.tenants.items() if one.absent)))


def _owners_of_orphans(ended: FinishedRun) -> frozenset[str]:
    orphans = (orphan.project for orphan in ended.plan.orphans)
    return frozenset(name for project in orphans for name in ended.history.owners(project, ended.desired))


def _ends_a_protection(ended: FinishedRun, tenant: Tenant) -> bool:
    return not tenant.protect and any(known.protect for known in ended.history.each_known(tenant.name))


def _may_take_over(ended: FinishedRun, tenant: Tenant) -> bool:
    """Return whether the tenant is new or pins a project, which may be that of a tenant that is gone."""
    files = ended.history.files_at_base(tenant.name)
    before = None if files is None else files.tenants.get(tenant.name)
    return before is None or before.project_id is not None or tenant.project_id is not None


def _boost_end_is_owed(ended: FinishedRun, name: str) -> bool:
    """Return whether the files no longer declare a boost that has ended: only the base shows what it granted."""
    past = ended.history.past(name)
    granted = frozenset() if past is None else past.ended
    return not granted <= declared_fields.before_ends(ended.desired, name)


def to_record_as_tried(desired: DesiredState, history: History, plan: Plan) -> list[str]:
    """Return the tenants of a plan for which the files ask for something that may be partly applied."""
    planned = (each.tenant for each in plan.tenants if each.tenant in desired.tenants)
    asked = (name for name in planned if not {Origin.DRIFT}.issuperset(_origins(desired, history, name)))
    return [name for name in asked if not _is_recorded_as_tried(desired, history, name)]


def _is_recorded_as_tried(desired: DesiredState, history: History, name: str) -> bool:
    """Return whether a tried commit declares and guards the same for the tenant: one record of it is enough."""
    tenant = desired.tenants[name]
    now = declared_fields.fields(desired, tenant)
    alike = (one.base for one in history.tried.get(name, ()) if declared_fields.fields_in(one.base, name) == now)
    return any(_guards(files.tenants.get(name)) == _guards(tenant) for files in alike)


def _guards(tenant: Tenant | None) -> tuple[bool, Hold | None]:
    return (False, None) if tenant is None else (tenant.protect, tenant.hold)


def _possibly_written(ended: FinishedRun) -> frozenset[str]:
    """Return the tenants for which something was, or may have been, written.

    A tenant that its base does not know counts if the run covered it: what its files said then is all that a later
    commit can move away from. So does one that they protect or hold as no earlier commit did: that guards it.
    """
    tried = set(to_record_as_tried(ended.desired, ended.history, ended.plan))
    results = {each.tenant: {action.result for action in each.actions} for each in ended.report.outcomes}
    wrote = {name for name in tried if not results.get(name, set()) <= {Result.SKIPPED}}
    pasts = ((name, ended.history.past(name)) for name in ended.desired.tenants)
    strange = {name for name, past in pasts if past is not None and not (past.declared or past.document)}
    newly_guarded = {name for name, tenant in ended.desired.tenants.items() if _is_newly_guarded(ended, tenant)}
    counting = strange | newly_guarded
    looked_at = (name for name in counting if ended.selection.includes(ended.desired.tenants[name]))
    return frozenset(
        wrote.union(n for n in looked_at if not _is_recorded_as_tried(ended.desired, ended.history, n))
    )


def _is_newly_guarded(ended: FinishedRun, tenant: Tenant) -> bool:
    guards, known = _guards(tenant), ended.history.each_known(tenant.name)
    return guards != _guards(None) and all(_guards(one) != guards for one in known)


def _origins(desired: DesiredState, history: History, name: str) -> frozenset[Origin]:
    """Return why the tenant's files differ from its base; empty if they are the same."""
    past = history.past(name)
    if past is None:
        return frozenset({Origin.UNKNOWN})
    now = declared_fields.fields(desired, desired.tenants[name])
    return frozenset(past.origin(path, now) for path in past.differing(now))


def _not_applied(ended: FinishedRun) -> frozenset[str]:
    """Return the tenants for which something was asked for and not applied."""
    plan = ended.plan
    outcomes = {outcome.tenant: outcome.result for outcome in ended.report.outcomes}
    carried_out = {name for name, result in outcomes.items() if result in (Result.APPLIED, Result.UNCHANGED)}
    planned = {tenant.tenant for tenant in plan.tenants}
    not_returned = ended.desired.tenants.keys() if plan.coverage.unknown else ()
    return frozenset(
        {
            *(name for refusal in plan.refusals if refusal.asked_for for name in refusal.tenants),
            *(conflict.tenant for conflict in plan.conflicts),
            *ended.stale,
            *({*planned, *not_returned} - carried_out),
        }
    )


def _kept_without_declaration(ended: FinishedRun, *, unsettled: bool) -> Iterator[str]:
    """Tenants that are no longer declared, or whose files are broken, and that have a project or were not checked.

    They keep their base: it protects them, and decides what is new if the file returns. So do those with a
    protection or a hold while it is ``unsettled`` who has their project: a guard refuses something, a tenant is in
    conflict, or one that may take it over is not done.
    """
    base = ended.history.base
    recorded = {*ended.history.owed, *ended.history.tried, *ended.desired.held_back}
    known = {*(() if base is None else base.tenants), *recorded} - ended.desired.tenants.keys()
    looked = ended.selection.everything and ended.complete and not ended.desired.held_back
    deleted = {each.tenant for each in ended.report.outcomes if each.result is Result.APPLIED}
    live = {*(each.tenant for each in ended.plan.tenants), *_owners_of_orphans(ended)}
    for name in sorted(known):
        has_project = name in live and name not in deleted
        if not looked or ended.plan.coverage.unknown or has_project or (unsettled and _is_guarded(ended, name)):
            yield name


def _is_guarded(ended: FinishedRun, name: str) -> bool:
    return any(known.protect or known.hold is not None for known in ended.history.each_known(name))


BROKEN: Final = "the file is broken"
LOST: Final = Unusable("that commit cannot be read here", "fetch the whole history")
PERMIT: Final = "permit what the files ask for with --allow lowering"
LEFT_OUT: Final = "not included in this run"
CONFLICT: Final = "a conflict that a person has to resolve"
GOES_ON: Final = "apply continues"
AHEAD: Final = (
    "the base is ahead of these files, which ask for nothing: merge the base; or, if these files replace it, move "
    "its tag to their commit (git tag --force)"
)
NOTHING_LEFT: Final = "nothing is left to do: the next apply --advance moves the base forward"


def waiting(plan: Plan, desired: DesiredState, history: History, selection: Selection) -> tuple[Waiting, ...]:
    """Return the tenants that still wait in a guarded plan, grouped by commit and reason.

    A tenant that is no longer declared does not wait: it is an orphan.
    """
    alike: dict[tuple[str | None, str, bool], list[str]] = {}
    held = _reasons(plan)
    for name, commit in sorted(history.since.items()):
        if name in desired.tenants or name in desired.held_back:
            reason = _reason(name, commit, held, desired, history, selection)
            alike.setdefault((commit, reason, _changed(name, desired, history)), []).append(name)
    return tuple(
        Waiting(commit, reason, tuple(names), changed) for (commit, reason, changed), names in alike.items()
    )


def _reasons(plan: Plan) -> dict[str, str]:
    """Return the reason for each tenant with actions, refusals or conflicts; the most severe counts."""
    reported = {n: f"reported: {one.rule.value}" for one in plan.refusals for n in one.tenants}
    refused = {n: f"refused: {one.rule.value}" for one in plan.refusals if one.asked_for for n in one.tenants}
    return {
        **{planned.tenant: GOES_ON for planned in plan.tenants},
        **reported,
        **{conflict.tenant: CONFLICT for conflict in plan.conflicts},
        **refused,
    }


def _reason(
    name: str,
    commit: str | None,
    held: Mapping[str, str],
    desired: DesiredState,
    history: History,
    selection: Selection,
) -> str:
    if name in desired.held_back:
        return BROKEN
    if commit is not None and history.baseline(name) is None:
        lost = history.unusable_base(name) or LOST
        ways = " or ".join(filter(None, (lost.remedy, PERMIT)))
        return f"{lost.cause}, so nothing is reduced: {ways}"
    if not selection.includes(desired.tenants[name]):
        return LEFT_OUT
    if name in held:
        return held[name]
    return AHEAD if Origin.BASE_AHEAD in _origins(desired, history, name) else NOTHING_LEFT


def _changed(name: str, desired: DesiredState, history: History) -> bool:
    """Return whether the current files differ, for this tenant, from the files that all others are compared with.

    If the base has moved ahead, that is the commit where both parted.
    """
    files, tenant = history.fork or history.base, desired.tenants.get(name)
    if files is None or tenant is None:
        return False
    before = files.tenants.get(name)
    alike = before is not None and before.accept == tenant.accept and before.protect == tenant.protect
    return not alike or declared_fields.fields_in(files, name) != declared_fields.fields(desired, tenant)
