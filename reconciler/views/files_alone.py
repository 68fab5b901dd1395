"""What a commit changed in the files and no action carries out, in sentences for text and Markdown alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.values import JsonText
from reconciler.views.phrase import Phrase, joined, phrase
from reconciler.views.values import label, worded
from reconciler.views.wording import counted, names, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.values import Json, Value
    from reconciler.plan.plan import FileChange, Plan, Unmanaged

TITLE: Final = "Changed in the files alone"
PRESENT: Final = "present"
"""The value of a branch or snapshot itself."""
_NAMES: Final = 5
_LONGEST: Final = 200
"""Characters of a value; JSON holds all of it."""


def sentences(plan: Plan) -> Iterator[tuple[Phrase, Phrase]]:
    """Each change with where it stands, what many tenants share as one."""
    for kept in plan.unmanaged:
        yield _unmanaged(kept), _where(kept)
    for change in plan.file_changes:
        yield _changed(change), _of_whom(change.tenants, place([change.source]))


def count(plan: Plan) -> int:
    """How many sentences there are."""
    return len(plan.unmanaged) + len(plan.file_changes)


def _unmanaged(kept: Unmanaged) -> Phrase:
    """``no longer managed, live value kept: settings.allowed_ips (10.0.0.0/8) of 8,412 tenants``."""
    told = ((path, value) for path, value in kept.live if value not in (None, PRESENT))
    members = [_member(kept.path, path, value) for path, value in told]
    values = phrase(" ({})", joined(members)) if members else Phrase()
    whose = f" of {counted(len(kept.tenants), 'tenant')}"
    new = Phrase((f", {kept.new_tenants}",)) if kept.new_tenants else Phrase()
    return phrase(f"no longer managed, live value kept: {{}}{{}}{whose}{{}}", label(kept.path), values, new)


def _member(whole: str, path: str, value: Value) -> Phrase:
    text = _stated(path, value)
    if path == whole:
        return phrase("{}", text)
    return phrase("{} {}", label(path.removeprefix(f"{whole}.")), text)


def _compact(value: Json) -> str:
    """``10.0.0.0/8`` for ``{"ips": ["10.0.0.0/8"]}``: what there is, where it is one thing."""
    if isinstance(value, dict) and len(value) == 1:
        return _compact(next(iter(value.values())))
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else JsonText.of(value).text


def _where(kept: Unmanaged) -> Phrase:
    if kept.tier is None:
        return _of_whom(kept.tenants, place(kept.sources))
    return phrase("tier {}, {}", kept.tier, place(kept.sources))


def _changed(change: FileChange) -> Phrase:
    """``defaults.region: aws-us-east-2 -> aws-eu-central-1; counts for new projects only``."""
    before, after = (_stated(change.path, value) for value in (change.before, change.after))
    turn = phrase("changed") if before == after else phrase("{} -> {}", before, after)
    whose = f", {counted(len(change.tenants), 'tenant')}" if change.tenants else ""
    return phrase(f"{{}}: {{}}{whose}; {{}}", label(change.path), turn, Phrase((change.effect,)))


def _stated(path: str, value: Value) -> str:
    text = _compact(value.value) if isinstance(value, JsonText) else worded(path, value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _of_whom(tenants: tuple[str, ...], where: Phrase) -> Phrase:
    return joined((names(tenants, _NAMES), where)) if tenants else where
