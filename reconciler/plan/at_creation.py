"""What counts at creation only and is changed in a file by a commit: refused, for nothing would come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns.moments import text
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import DevBranch, Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.history import History


def changed(desired: DesiredState, history: History, tenant: Tenant, project: LiveProject) -> Iterator[Refusal]:
    """A refusal for each database, role or live development branch that a commit asks to have been made otherwise.

    Nothing without a base. Region and version are held against the live project, as a conflict.
    """
    said = [files for files in (history.base, history.fork) if files is not None]
    before = [files.tenants[tenant.name] for files in said if tenant.name in files.tenants]
    if history.base is None or len(before) < len(said) or tenant.name in history.unheld:
        return
    for word in ("database", "role"):
        now = getattr(tenant.pins, word)
        earlier = [getattr(b.pins, word) or getattr(f.defaults, word) for f, b in zip(said, before, strict=True)]
        if now is not None and now not in earlier and now != getattr(desired.defaults, word):
            yield _refusal(tenant, f"{word} is {now} in the file, and was {earlier[0]} when the project was made")
    live = {branch.name for branch in project.branches or () if not branch.default}
    for branch in tenant.dev_branches or ():
        earlier_ones = [_branch(one, branch.name) for one in before]
        if branch.name in live and all(one and _made_as(one) != _made_as(branch) for one in earlier_ones):
            words = [word for word, value in _made_as(branch).items() if _said(earlier_ones[0], word) != value]
            told = f"branch {branch.name!r} exists, and {', '.join(words)} of it changed in the file"
            yield _refusal(tenant, told)


def _branch(tenant: Tenant, name: str) -> DevBranch | None:
    return next((branch for branch in tenant.dev_branches or () if branch.name == name), None)


def _made_as(branch: DevBranch) -> dict[str, str | bool | None]:
    at = None if branch.at is None else text(branch.at)
    return {"parent": branch.parent, "at": at, "schema_only": branch.schema_only}


def _said(branch: DevBranch | None, word: str) -> str | bool | None:
    return None if branch is None else _made_as(branch)[word]


def _refusal(tenant: Tenant, message: str) -> Refusal:
    return Refusal(
        Rule.MADE_AT_CREATION,
        (tenant.name,),
        f"{message}: that counts at creation only",
        "give it another name, delete it first, or take the change back",
        (),
    )
