"""The sentences about changes of the files that no action carries out, and about what policies warn of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.values import JsonText
from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.sentences import counted, names, source_text
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.values import Json, Value
    from reconciler.plan.plan import FileChange, Plan, PolicyWarning, Unmanaged

PRESENT: Final = "present"
"""The value of a branch or snapshot itself."""
_NAMES_SHOWN: Final = 5
_LONGEST_VALUE: Final = 200
"""Characters of a value; JSON holds all of it."""


def file_change_sentences(plan: Plan) -> Iterator[tuple[FormattedText, FormattedText]]:
    """Each change with its location; a change that many tenants share is one sentence."""
    for kept in plan.unmanaged:
        yield _unmanaged(kept), _source_of_unmanaged(kept)
    for change in plan.file_changes:
        yield _file_change(change), _with_names(change.tenants, source_text([change.source]))


def policy_warning(warning: PolicyWarning) -> tuple[FormattedText, FormattedText]:
    """``naming: the name is too long, 3 tenants``, and its tenants and location."""
    whose = f", {counted(len(warning.tenants), 'tenant')}" if warning.tenants else ""
    sentence = formatted(f"{{}}: {{}}{whose}", warning.policy, warning.message)
    return sentence, _with_names(warning.tenants, source_text([warning.source]))


def _unmanaged(kept: Unmanaged) -> FormattedText:
    """``no longer managed, live value kept: settings.allowed_ips (10.0.0.0/8) of 8,412 tenants``."""
    live = ((path, value) for path, value in kept.live if value not in (None, PRESENT))
    members = [_member(kept.path, path, value) for path, value in live]
    values = formatted(" ({})", joined(members)) if members else FormattedText()
    whose = f" of {counted(len(kept.tenants), 'tenant')}"
    new = FormattedText((f", {kept.new_tenants}",)) if kept.new_tenants else FormattedText()
    return formatted(f"no longer managed, live value kept: {{}}{{}}{whose}{{}}", label(kept.path), values, new)


def _member(parent: str, path: str, value: Value) -> FormattedText:
    text = _shortened(path, value)
    if path == parent:
        return formatted("{}", text)
    return formatted("{} {}", label(path.removeprefix(f"{parent}.")), text)


def _compact(value: Json) -> str:
    """``10.0.0.0/8`` for ``{"ips": ["10.0.0.0/8"]}``: what there is, where it is one thing."""
    if isinstance(value, dict) and len(value) == 1:
        return _compact(next(iter(value.values())))
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else JsonText.of(value).text


def _source_of_unmanaged(kept: Unmanaged) -> FormattedText:
    if kept.tier is None:
        return _with_names(kept.tenants, source_text(kept.sources))
    return formatted("tier {}, {}", kept.tier, source_text(kept.sources))


def _file_change(change: FileChange) -> FormattedText:
    """``defaults.region: aws-us-east-2 -> aws-eu-central-1; counts for new projects only``."""
    before, after = (_shortened(change.path, value) for value in (change.before, change.after))
    turn = formatted("changed") if before == after else formatted("{} -> {}", before, after)
    whose = f", {counted(len(change.tenants), 'tenant')}" if change.tenants else ""
    return formatted(f"{{}}: {{}}{whose}; {{}}", label(change.path), turn, FormattedText((change.effect,)))


def _shortened(path: str, value: Value) -> str:
    text = _compact(value.value) if isinstance(value, JsonText) else worded(path, value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _with_names(tenants: tuple[str, ...], where: FormattedText) -> FormattedText:
    return joined((names(tenants, _NAMES_SHOWN), where)) if tenants else where
