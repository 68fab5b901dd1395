"""What the files of the fleet said before: at the base, at the fork, and at commits that were tried."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.plan import declared_fields
from reconciler.plan.change import Origin
from reconciler.plan.past import Past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Accepted, Tenant
    from reconciler.plan.concerns.concern import Stated


@dataclass(frozen=True, slots=True)
class Before:
    """The files at a base, and at its fork: None if that is the base itself."""

    base: DesiredState
    fork: DesiredState | None = None

    def under(self, now: DesiredState) -> Before:
        """Return the same under the current names, without what could not be read."""
        base, fork = _seen_from(now, self.base), self.fork and _seen_from(now, self.fork)
        return self if base is self.base and fork is self.fork else Before(base, fork)


@dataclass(frozen=True)
class History:
    """What the files of the fleet said before."""

    base: DesiredState | None = None
    """At the commit applied last; None if there is none."""
    fork: DesiredState | None = None
    """At the common ancestor of the base and of HEAD; None if that is the base itself."""
    owed: Mapping[str, Before | None] = field(default_factory=dict)
    """Tenants with another base, because the last commit is not fully applied for them; None if it is lost."""
    tried: Mapping[str, tuple[Before, ...]] = field(default_factory=dict)
    """The files at commits that were tried for a tenant and not fully applied, oldest first."""
    declared_since: Mapping[str, tuple[Before, ...]] = field(default_factory=dict)
    """The files at commits after the base that declare a tenant which the base does not know, oldest first: a
    later reduction has a commit as its cause, whoever created the project.
    """
    since: Mapping[str, str | None] = field(default_factory=dict)
    """Tenants that wait, according to the record of the base, each with the id of its own base; None if nothing
    was ever applied.
    """
    unheld: frozenset[str] = field(default_factory=frozenset)
    """Tenants declared by a file, or an edit, that git does not hold: what the files asked for is unknown."""
    ignored: frozenset[str] = field(default_factory=frozenset)
    """Those of them whose files git ignores: no commit shows when they were new."""
    files: DesiredState | None = None
    """What the files say now, if documents declare some tenants instead."""
    documents: frozenset[str] = field(default_factory=frozenset)
    """Tenants that a document declares."""
    committed: frozenset[str] = field(default_factory=frozenset)
    """Those of them that the current commit declares."""
    lost: bool = False
    """Whether the history of the files cannot be read here: a shallow clone, or files that a branch has left
    behind. Then the files cause no reductions.
    """
    guessed: bool = False
    """Whether the base was not named by anybody: it is the parent of the current files and may never have been
    applied.
    """
    named: frozenset[str] = field(default_factory=frozenset)
    """Tenants that a person or a program named one by one."""

    removed: frozenset[str] = field(default_factory=frozenset)
    """Undeclared tenants that an earlier commit declared, as far as this was searched."""
    gone: frozenset[str] = field(default_factory=frozenset)
    """Tenants that are no longer declared, as far as this was searched."""
    names_in_files: Mapping[str, str] = field(default_factory=dict)
    """Tenant names in files that no run reads, such as ``acme.yaml.disabled``, each with its file."""

    def under(self, now: DesiredState) -> History:
        """Return the same under the current names of tenants and organizations: what is known of an earlier name
        applies to them.
        """
        base, fork = (one and _seen_from(now, one) for one in (self.base, self.fork))
        files = self.files and self.files.as_called_in(now)
        several = (*self.tried.values(), *self.declared_since.values())
        known = {id(before): before for before in (*self.owed.values(), *chain.from_iterable(several))}
        moved = {each: before and before.under(now) for each, before in known.items()}
        pairs = ((base, self.base), (fork, self.fork), (files, self.files))
        if all(one is other for one, other in pairs) and all(moved[each] is known[each] for each in known):
            return self
        return replace(
            self,
            base=base,
            fork=fork,
            owed=now.by_present_name({name: moved[id(before)] for name, before in self.owed.items()}),
            tried=now.by_present_name(_under(self.tried, moved)),
            since=now.by_present_name(self.since),
            declared_since=now.by_present_name(_under(self.declared_since, moved)),
            files=files,
        )

    def untold(self, tenant: str) -> bool:
        """Return whether the history of the tenant's files cannot be read: then they cause no reductions."""
        return self.lost or (tenant in self.unheld and tenant not in self.documents)

    def before(self, tenant: str) -> Before | None:
        """Return the files at the tenant's own base; None if unknown."""
        return self.owed.get(tenant, self._before)

    @cached_property
    def _before(self) -> Before | None:
        return None if self.base is None else Before(self.base, self.fork)

    def past(self, tenant: str) -> Past | None:
        """Return what the files said of the tenant; None if unknown."""
        if tenant in self.documents and self.files is not None:
            said = declared_fields.said(self.files, tenant)
            return None if said is None else Past(said, said, tenant in self.files.tenants, document=True)
        before = None if tenant in self.unheld else self.before(tenant)
        if before is None:
            return None
        own = _past(before, tenant)
        later = (*self.declared_since.get(tenant, ()), *self.tried.get(tenant, ()))
        attempts = (_past(attempt, tenant) for attempt in later)
        return own and replace(own, attempts=tuple(attempt for attempt in attempts if attempt is not None))

    def at_base(self, tenant: str) -> Stated | None:
        """Return what the files said of the tenant at its base; empty if nothing, None if the base is lost."""
        past = self.past(tenant)
        if past is not None:
            return past.base
        lost = self.lost or (tenant in self.owed and self.owed[tenant] is None)
        return None if lost else {}

    def same(self, desired: DesiredState, tenant: Tenant) -> bool:
        """Return whether the files say the same as before: the quick answer for nearly every tenant."""
        before = self.before(tenant.name)
        if before is None or tenant.name in self.unheld or tenant.name in self.documents:
            return False
        known = (before, *self.tried.get(tenant.name, ()))
        states = [files for one in known for files in (one.base, one.fork) if files is not None]
        return all(files.speaks_alike(desired, tenant) for files in states)

    def earlier(self, tenant: str) -> list[DesiredState]:
        """Return the files at the tenant's own base and at the fork, or those that a document replaces, that
        declare it.
        """
        before = self.before(tenant)
        states = (before.base, before.fork) if before else ()
        said = (self.files,) if tenant in self.documents else states
        return [files for files in said if files is not None and tenant in files.tenants]

    def known(self, tenant: str) -> Tenant | None:
        """Return the tenant as the base, or the fork, declared it."""
        before = self.before(tenant)
        states = () if before is None else (before.base, before.fork)
        said = (files.tenants.get(tenant) for files in states if files is not None)
        return next((found for found in said if found is not None), None)

    def is_older_than_the_base(self, tenant: str) -> bool:
        """Return whether the base declares a tenant that the fork did not declare."""
        before = self.before(tenant)
        if before is None or before.fork is None:
            return False
        return _declared(before.base, tenant) and not _declared(before.fork, tenant)

    def protects(self, tenants: Iterable[str], project_id: str | None) -> bool:
        """Return whether the files at the base or the fork protect one of these tenants, or one that pins the
        project.

        Ending a protection needs a commit of its own that is applied first.
        """
        return project_id in self._protected_pins or not self._protected.isdisjoint(tenants)

    @cached_property
    def _protected(self) -> frozenset[str]:
        return frozenset(name for present, tenant in self._protecting() for name in (present, tenant.name))

    @cached_property
    def _protected_pins(self) -> frozenset[str]:
        return frozenset(tenant.project_id for _, tenant in self._protecting() if tenant.project_id is not None)

    def _protecting(self) -> Iterator[tuple[str, Tenant]]:
        """Yield each tenant, by current name, that its own base or fork, or the files behind a document,
        protect.
        """
        others = [before for before in self.owed.values() if before]
        others += [before for attempts in self.tried.values() for before in attempts]
        owed = [state for before in others for state in (before.base, before.fork)]
        known = (files for files in (self.base, self.fork, self.files, *owed) if files is not None)
        for files in known:
            for name, tenant in files.tenants.items():
                if tenant.protect and (files is self.files or self._is_its_own(files, name)):
                    yield name, tenant

    def _is_its_own(self, files: DesiredState, tenant: str) -> bool:
        before = self.before(tenant)
        known = (before, *self.tried.get(tenant, ()))
        return before is None or any(files in (one.base, one.fork) for one in known if one is not None)

    def moved(self, tenant: str, now: Stated) -> bool:
        """Return whether the files ask for a change of the tenant, or that is unknown."""
        past = self.past(tenant)
        if past is None or tenant in self.named:
            return True
        return any(past.origin(path, now) is Origin.CONFIG for path in past.differing(now))

    def knew(self, tenant: str) -> bool:
        """Return whether the earlier files declared the tenant, not as absent."""
        before = self.before(tenant)
        return tenant in self.committed or (before is not None and _declared(before.base, tenant))

    def handled(self, tenant: str) -> bool:
        """Return whether a run has handled the tenant before: a named base declares it.

        For a tenant of a document, the current commit counts as such.
        """
        before = self.before(tenant)
        at_base = not self.guessed and before is not None and _declared(before.base, tenant)
        return at_base or (tenant in self.documents and tenant in self.committed)

    def new(self, tenant: str) -> bool:
        """Return whether the known earlier files do not mention the tenant, not even as absent."""
        if self.knew(tenant) or tenant in self.unheld:
            return False
        before = self.before(tenant)
        at_base = None if before is None else before.base
        earlier = [at_base, self.files if tenant in self.documents else None]
        known = [files for files in earlier if files is not None]
        return bool(known) and not any(tenant in files.tenants or tenant in files.held_back for files in known)

    def may_be_renamed(self, tenant: str) -> bool:
        """Return whether no earlier file declares the tenant, whether or not git has its file yet."""
        return self.new(tenant) or (tenant in self.unheld and not self.knew(tenant))

    def accepted(self, tenant: str) -> tuple[Accepted, ...] | None:
        """Return what the tenant's file accepted at its base and at the fork; None if unknown.

        A document is written for what it asks for: nothing was accepted before it.
        """
        if tenant in self.documents:
            return ()
        before = None if tenant in self.unheld else self.before(tenant)
        if before is None:
            return None
        states = [files for files in (before.base, before.fork) if files is not None]
        if any(tenant in files.held_back for files in states):
            return None
        return tuple(files.tenants[tenant].accept for files in states if tenant in files.tenants)

    def tiers(self, tenant: str) -> frozenset[str]:
        """Return the tiers that the tenant had, or may have got partly: at its base, and at commits that were
        tried.
        """
        tried = (attempt.base.tenants.get(tenant) for attempt in self.tried.get(tenant, ()))
        since = (known.tier for known in tried if known is not None and not known.absent)
        return frozenset(tier for tier in (self.tier(tenant), *since) if tier is not None)

    def tier(self, tenant: str) -> str | None:
        """Return the tier that the tenant had; None if none, or if it was absent."""
        before = self.before(tenant)
        at_base = None if before is None else before.base
        files = self.files if tenant in self.documents else at_base
        known = None if files is None else files.tenants.get(tenant)
        return None if known is None or known.absent else known.tier


def _past(before: Before, tenant: str) -> Past | None:
    """Return what the files said of the tenant at a base and its fork; None if they were broken for it."""
    base = declared_fields.said(before.base, tenant)
    fork = base if before.fork is None else declared_fields.said(before.fork, tenant)
    return None if base is None or fork is None else Past(base, fork, tenant in before.base.tenants)


def _under(
    states: Mapping[str, tuple[Before, ...]], moved: Mapping[int, Before | None]
) -> dict[str, tuple[Before, ...]]:
    return {
        name: tuple(known for before in several if (known := moved[id(before)]) is not None)
        for name, several in states.items()
    }


def _seen_from(now: DesiredState, files: DesiredState) -> DesiredState:
    return files.before(now).as_called_in(now)


def _declared(files: DesiredState, tenant: str) -> bool:
    known = files.tenants.get(tenant)
    return tenant in files.held_back if known is None else not known.absent
