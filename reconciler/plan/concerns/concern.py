"""What a concern is: one aspect of a project, what the files want of it and where live differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.model.values import Value

if TYPE_CHECKING:
    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.organization import Place

Fields: TypeAlias = Mapping[str, Value]
"""Values by field path."""
Stated: TypeAlias = "Mapping[str, Value | Place]"
"""All that files state of a tenant, by field path: where it is, too."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One aspect of a project. It yields field changes and does not know which call carries them."""

    name: str
    """As ``--only`` and ``drift_policy`` call it."""
    wanted: Callable[[Settings], Fields]
    """The fields that the files manage. A field that is absent is left alone."""
    changes: Callable[[Settings, LiveProject], Iterator[FieldChange]]
    """Where the live project differs, each with its risk; the origin is added by the planner."""


def differing(wanted: Fields, observed: Fields) -> Iterator[tuple[str, Value, Value]]:
    """(path, before, after) of every wanted field whose live value is another."""
    for path, after in wanted.items():
        before = observed.get(path)
        if before != after:
            yield path, before, after
