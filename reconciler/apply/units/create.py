"""Creating projects, one per tenant, although Neon's project names are not unique and answers get lost.

Neon has no idempotency key. Each project is therefore searched for by name, created with one POST, and searched
for again after the settle time, when every list shows it. If another run has created a project for the same
tenant, both runs sort the rivals by (created_at, id). A run whose project is not the first deletes its own
project. No run ever deletes the first one.

With a registry, a tenant is claimed before the POST (registry_writes/claims.py). There are no rivals then, and
neither the wait nor the second search is needed, except after a lost answer. A recovery follows the same rules.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.apply.address import Address
from reconciler.apply.calls.perform import Performed, create_project, first_compute
from reconciler.apply.calls.readback import shortfall
from reconciler.apply.journals.journal import Intent
from reconciler.apply.registry_writes.claims import (
    accepted,
    claim,
    deadline,
    in_time,
    of_run,
    register,
    register_move,
    release,
)
from reconciler.apply.registry_writes.kept_strings import keep_recovered, return_string
from reconciler.apply.steps.steps import carry_out, take_steps
from reconciler.apply.units.completion import complete
from reconciler.errors import (
    ClaimedError,
    LostRaceError,
    ReconcilerError,
    UncheckedCreateError,
    UnknownOutcomeError,
)
from reconciler.model.api_limits import CREATED_AT_PRECISION_SECONDS, MAX_NAME_LENGTH
from reconciler.model.values import replace
from reconciler.neon.observe import find_named
from reconciler.neon.pace import each
from reconciler.plan.actions.project import CreateProject, DeleteProject, PatchProject
from reconciler.plan.change import FieldChange
from reconciler.plan.late_turn import RUN_AGAIN
from reconciler.plan.live_values import project_fields
from reconciler.plan.rivals import marked

if TYPE_CHECKING:
    from collections.abc import Container, Coroutine, Sequence

    from reconciler.apply.run.run import Run
    from reconciler.apply.units.units import CreateCohort
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan


class SentCreate(Struct, frozen=True):
    """A POST that was sent: its answer, or the error that says that the answer was lost."""

    create: CreateProject
    later: tuple[Action, ...]
    """The tenant's actions after the creation."""
    answer: Performed | UnknownOutcomeError

    @property
    def name(self) -> str:
        """The name of the project."""
        return _name(self.create)

    @property
    def lost(self) -> bool:
        """Whether the answer was lost."""
        return isinstance(self.answer, UnknownOutcomeError)


async def create_cohort(run: Run, unit: CreateCohort) -> None:
    """Creates the tenants' projects, checks for rivals, and takes the tenants' later steps."""
    async with run.cohorts:
        await _create_cohort(run, unit)


async def _create_cohort(run: Run, unit: CreateCohort) -> None:
    async with run.large_units:
        sent = await _post_all(run, unit.tenants)
    unchecked = [one for one in sent if one.lost or run.checks_rivals]
    try:
        rivals = await _find_after_settle(run, unchecked)
    except ReconcilerError as error:
        _record_unchecked(run, unchecked, error)
        sent, rivals = [one for one in sent if one not in unchecked], {}

    async def finish(_place: int) -> None:
        one = sent.pop()  # so that its answer is not kept until the last one is finished
        await _finish(run, one, rivals.get(one.name, []))

    del unchecked
    sent.reverse()
    await each(range(len(sent)), finish)


async def recover(run: Run, tenant: TenantPlan) -> None:
    """Recovers a deleted project, unless a project of its name exists: the tenant would then have two."""
    address = Address.planned(tenant)
    if await _still_absent(run, tenant, address.name) and await accepted(run, [tenant]):
        await _recover(run, tenant.actions[0], address)


async def _recover(run: Run, action: Action, address: Address) -> None:
    try:
        recovered = await _claimed_recovery(run, action, address)
    except ClaimedError as claimed:
        run.outcomes.skipped(action, str(claimed), claimed.hint)
    except ReconcilerError as error:
        run.outcomes.failed(action, error)
    else:
        own = recovered.address
        note = await register_move(run, action.tenant, own.project_id, own.organization)
        await keep_recovered(run, action.tenant, own)
        run.outcomes.applied(action, note, request_id=recovered.request_id)


async def _claimed_recovery(run: Run, action: Action, address: Address) -> Performed:
    """Under a claim, so that a sign-up at the same time does not create a second project."""
    until = deadline()
    lost = False
    await claim(run, action.tenant, address.name, recovered=address.project_id)

    async def limited(call: Coroutine[Any, Any, Performed]) -> Performed:
        nonlocal lost
        try:
            return await in_time(run, call, until=until)
        except UnknownOutcomeError:
            lost = True
            raise

    try:
        return await carry_out(run, action, address, limit=limited)
    except ReconcilerError as error:
        if not lost:  # a call whose answer was lost may still be carried out, whatever the second call returned
            await release(run, action.tenant, error)
        raise


async def _find_projects(run: Run, names: Sequence[str], own: Container[str]) -> dict[str, list[LiveProject]]:
    """The live projects of each name that has any but those of the run's ``own`` ids.

    By search or by list, whichever takes fewer calls.
    """
    found: dict[str, list[LiveProject]] = {}
    listed = {name: count for name, count in run.organizations.items() if count is not None}
    for project in await find_named(run.neon, tuple(run.organizations), names, listed=listed, known=own):
        found.setdefault(project.name, []).append(project)
    return found


async def _still_absent(run: Run, tenant: TenantPlan, name: str) -> bool:
    """Whether no new project has one of the tenant's names. If one does, the tenant is skipped.

    Searches for ``name`` and the tenant's earlier names in every organization, because a list that omitted a
    project once may omit it again. Ignores projects that the plan was made from. False once the run is to end,
    because not every organization has been searched then.
    """
    names = tuple(dict.fromkeys((name, *run.desired.project_names(tenant.tenant))))
    try:
        named = await find_named(run.neon, tuple(run.organizations), names, ended=lambda: run.stop.requested)
        found = [project for project in named if (project.id, project.name) not in run.known_projects]
    except ReconcilerError as error:
        run.outcomes.failed(tenant.actions[0], error)
        return False
    if found:
        run.outcomes.skipped(tenant.actions[0], _appeared(found[0]), RUN_AGAIN)
    return not found and not run.stop.requested


def _appeared(project: LiveProject) -> str:
    return f"project {project.name} ({project.id}) has appeared in {project.organization} since the plan was made"


async def _is_absent(run: Run, tenant: TenantPlan) -> bool:
    """Whether the tenant still has no project. Not checked again right after an observation by name."""
    if run.stop.requested or run.just_observed:
        return True
    return await _still_absent(run, tenant, _name(_create(tenant)))


async def _post_all(run: Run, tenants: Sequence[TenantPlan]) -> list[SentCreate]:
    """Sends one POST for each tenant, and never a second one."""

    async def post(tenant: TenantPlan) -> SentCreate | None:
        if not await _is_absent(run, tenant) or not await accepted(run, [tenant]):
            return None
        create = _create(tenant)
        try:
            answer = await _claimed_post(run, create)
        except ClaimedError as claimed:
            run.outcomes.skipped(create, str(claimed), claimed.hint)
            return None
        except ReconcilerError as error:
            run.outcomes.failed(create, error)
            return None
        return SentCreate(create, tenant.actions[1:], answer)

    return [sent for sent in await each(tenants, post) if sent]


async def _claimed_post(run: Run, create: CreateProject) -> Performed | UnknownOutcomeError:
    """The answer, once the registry has the project; or the error that says that the answer was lost."""
    await claim(run, create.tenant, _name(create))
    try:
        created = await _post(run, create)
    except UnknownOutcomeError as lost:
        return lost
    except ReconcilerError as error:
        await release(run, create.tenant, error)
        raise
    run.outcomes.call_succeeded(create.tenant)
    run.outcomes.located(create.tenant, created.address.project_id)
    await register(run, create, created)
    kept = run.returns_strings or run.registry.keeps_strings
    return replace(created, made="", created=created.created if kept else None)  # many wait for one check


async def _post(run: Run, create: CreateProject) -> Performed:
    intent = Intent(
        kind=create.kind,
        tenants=(create.tenant,),
        organization=create.organization,
        reason=create.reason,
        changes=create.changes,
    )
    return await run.writes.send(
        intent,
        lambda request_id: in_time(run, create_project(run, create, request_id)),
        describe=lambda created: created.made,
    )


async def _find_after_settle(run: Run, sent: Sequence[SentCreate]) -> dict[str, list[LiveProject]]:
    """Waits until every list shows the new projects, and returns the other live projects of each name."""
    if not sent:
        return {}
    await asyncio.sleep(run.settle_seconds + CREATED_AT_PRECISION_SECONDS)
    own = {one.answer.address.project_id for one in sent if not isinstance(one.answer, UnknownOutcomeError)}
    return await _find_projects(run, [one.name for one in sent], own)


async def _finish(run: Run, sent: SentCreate, named: Sequence[LiveProject]) -> None:
    """Records the outcome of the creation and takes the tenant's later steps. ``named``: others of that name."""
    tenant = sent.create.tenant
    try:
        created = await _created(run, sent, named)
        run.outcomes.located(tenant, created.address.project_id)
        if not run.registry.keeps_rows:
            await _delete_unless_first(run, sent, created, named)
        run.writes.keep(tenant, created.address.project_id)
        await return_string(run, sent.create, created)
        if created.shortfall is not None:
            raise created.shortfall
        await complete(run, sent.create, sent.later, created)
    except ReconcilerError as error:
        run.outcomes.failed(sent.create, error)
        return
    run.outcomes.applied(sent.create)
    await take_steps(run, sent.later, created.address)


async def _created(run: Run, sent: SentCreate, named: Sequence[LiveProject]) -> Performed:
    """The answer. If it was lost: the project with the annotation of the tenant and of this run."""
    if not isinstance(sent.answer, UnknownOutcomeError):
        return sent.answer
    project = await of_run(run, sent.create.tenant, run.id, named)
    if project is not None:
        run.creations.keep_annotations = True
        run.writes.found(sent.answer, f"project {project.id}")
        wrong = shortfall(sent.create.changes, project_fields(project))
        project = replace(project, endpoints=await run.neon.endpoints(project.organization, project.id))
        branch = project.default_branch
        first = first_compute(branch.name, project.read_write(branch)) if branch else None
        created = Performed(Address.observed(project), shortfall=wrong, first_compute=first)
        await register(run, sent.create, created)
        return created
    raise UnknownOutcomeError(
        f"{sent.answer}; no project of this run was found within {run.settle_seconds:g} s",
        hint="run again: the next run searches before it creates",
    ) from sent.answer


async def _delete_unless_first(
    run: Run, sent: SentCreate, created: Performed, named: Sequence[LiveProject]
) -> None:
    """Deletes this run's project and raises LostRaceError if another project was created before it."""
    own = created.address
    earlier = [p for p in named if (p.created_at, p.id) < (own.created_at, own.project_id)]
    if not earlier:
        return
    first = min(earlier, key=lambda project: (project.created_at, project.id))
    run.outcomes.located(sent.create.tenant, first.id)
    await _delete_own(run, sent, created, first)
    raise LostRaceError(
        f"another run created project {first.id} in {first.organization} first; "
        f"this run has deleted its own project {own.project_id}",
        hint="run again: the tenant keeps the project that was created first",
    )


async def _delete_own(run: Run, sent: SentCreate, created: Performed, first: LiveProject) -> None:
    """Renames the project, so that no delayed list shows it under the tenant's name, and deletes it."""
    own, reason = created.address, f"project {first.id} was created first"
    create = sent.create
    new_name = marked(sent.name, run.id)[-MAX_NAME_LENGTH:]
    change = FieldChange("name", sent.name, new_name)
    rename = PatchProject(tenant=create.tenant, reason=reason, source=create.source, changes=(change,))
    delete = DeleteProject(tenant=create.tenant, reason=reason, source=create.source, project_id=own.project_id)
    run.neon.finish_with(own.project_id)
    with suppress(ReconcilerError):  # the rename is optional, the deletion is not
        await run.neon.wait(*own.project_key, created.operations)
        renamed = await carry_out(run, rename, own)
        await run.neon.wait(*own.project_key, renamed.operations)
    try:
        await carry_out(run, delete, own)
    except ReconcilerError as error:
        raise LostRaceError(
            f"{reason}, by another run, and this run could not delete its own project {own.project_id}: {error}",
            hint=f"delete project {own.project_id} by hand",
        ) from error


def _record_unchecked(run: Run, unchecked: Sequence[SentCreate], error: ReconcilerError) -> None:
    for sent in unchecked:
        if isinstance(sent.answer, UnknownOutcomeError):
            run.outcomes.failed(sent.create, sent.answer)
            continue
        run.outcomes.located(sent.create.tenant, sent.answer.address.project_id)
        failure = UncheckedCreateError(
            f"project {sent.answer.address.project_id} was created, but the search for another project named "
            f"{sent.name} failed: {error}",
            hint="run again: the next run reports a second project as a conflict",
        )
        run.outcomes.failed(sent.create, failure)


def _create(tenant: TenantPlan) -> CreateProject:
    """The first action of a tenant that is to be created (plan/stage.py)."""
    first = tenant.actions[0]
    if not isinstance(first, CreateProject):
        raise TypeError(f"the plan of the new tenant {tenant.tenant} starts with {first.kind}")
    return first


def _name(create: CreateProject) -> str:
    return _value(create, "name")


def _value(create: CreateProject, path: str) -> str:
    """A value that every creation states (plan/lifecycle.py)."""
    return next(str(change.after) for change in create.changes if change.path == path)
