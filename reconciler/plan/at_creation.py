"""Fields that apply at creation only and that a commit changes: refused, because the change has no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.change import Origin
from reconciler.plan.concerns import branches, snapshots
from reconciler.plan.concerns.concern import OF_A_PROJECT, made_at_creation
from reconciler.plan.ownership import declared_name
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Refusal
    from reconciler.plan.tenant_history import TenantHistory

LIVE_PINS: Final = ("region", "pg_version")
"""Fields that Neon returns for a project: a different pin is a conflict if no commit changed it."""


def changed(desired: DesiredState, history: History, tenant: Tenant, project: LiveProject) -> Iterator[Refusal]:
    """Yield a refusal for each pin, live branch or snapshot whose creation-only field a commit changes."""
    past = _known_past(desired, history, tenant)
    if past is None:
        return
    now = declared_fields.fields(desired, tenant)
    for word in declared_fields.PINS:
        was = _made_with(desired, history, tenant, project, word)
        if now.get(word) not in (None, *was) and past.origin(word, now) is Origin.CONFIG:
            message = f"{word} is {now[word]} in the file, but the project was created with {was[0]}"
            yield made_at_creation(tenant.name, message, OF_A_PROJECT)
    for thing, path, members in _things(desired, project, now):  # it was made as the first files that have it say
        first = next((one for one in past.each() if path in one.base and path in one.fork), None)
        if first is None or path not in now:
            continue
        made = replace(first, attempts=())
        moved = [member for member in members if made.origin(f"{path}.{member}", now) is Origin.CONFIG]
        if moved:
            yield made_at_creation(tenant.name, f"{thing} exists, and the file changes its {', '.join(moved)}")


def pin_mismatches(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], identities: Identities
) -> dict[str, Conflict]:
    """Return conflicts of pins that differ from live. A pin that a commit changed is refused instead."""
    conflicts: dict[str, Conflict] = {}
    for tenant, project in identities.matched(tenants):
        if tenant.absent:
            continue
        differing = [pin for pin in LIVE_PINS if getattr(tenant.pins, pin) not in (None, getattr(project, pin))]
        by_commit = _pins_changed(desired, history, tenant) if differing else ()
        if word := next((pin for pin in differing if pin not in by_commit), None):
            conflicts[tenant.name] = _pin_mismatch(tenant, project, word)
    return conflicts


def _pin_mismatch(tenant: Tenant, project: LiveProject, word: str) -> Conflict:
    live = getattr(project, word)
    return Conflict.about(
        tenant,
        f"{word} is pinned to {getattr(tenant.pins, word)}, but project {project.id} has {live}",
        f"set {word} to {live}, or migrate the data by hand: a project is never deleted and created again to "
        "change a field",
    )


def _pins_changed(desired: DesiredState, history: History, tenant: Tenant) -> tuple[str, ...]:
    past = _known_past(desired, history, tenant)
    if past is None:
        return ()
    now = declared_fields.fields(desired, tenant)
    return tuple(word for word in LIVE_PINS if past.origin(word, now) is Origin.CONFIG)


def _known_past(desired: DesiredState, history: History, tenant: Tenant) -> TenantHistory | None:
    """Return what the earlier files declared for the tenant; None if unknown, or if nothing changed."""
    past = None if history.same(desired, tenant) else history.past(tenant.name)
    return past if past is not None and any(one.base and one.fork for one in past.each()) else None


def _made_with(
    desired: DesiredState, history: History, tenant: Tenant, project: LiveProject, word: str
) -> list[str | int]:
    """Return the values that the project may have been created with: the live one, or those in the files.

    A tried commit counts only if the base does not know the tenant: it changed nothing of an existing project.
    """
    if word in LIVE_PINS:
        return [getattr(project, word)]
    if word == "branch" and project.default_branch is not None:
        return [project.default_branch.name]
    tried = (attempt.base for attempt in history.tried.get(tenant.name, ()))
    known = [(files, files.tenants.get(tenant.name)) for files in history.earlier(tenant.name) or tried]
    pinned = [getattr(earlier.pins, word) or getattr(files.defaults, word) for files, earlier in known if earlier]
    return pinned or [getattr(desired.defaults, word)]


def _things(
    desired: DesiredState, project: LiveProject, now: Stated
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each live branch and snapshot: its label, its path, and its creation-only members."""
    for branch in project.branches or ():
        if not branch.default and declared_name(branch, desired.fleet, Purpose.SNAPSHOT) is None:
            name = _declared(desired, branch, now)
            yield f"branch {name!r}", branches.path(name), branches.MADE_AS
    for name in snapshots.names(project):
        yield f"snapshot {name!r}", snapshots.path(name), snapshots.MADE_AS


def _declared(desired: DesiredState, branch: LiveBranch, now: Stated) -> str:
    """Return its name in the files: its own if declared, else the name under which it was created."""
    if branches.path(branch.name) in now:
        return branch.name
    return declared_name(branch, desired.fleet, Purpose.DEV_BRANCH) or branch.name
