"""A fleet's files -> its desired state, or everything that is wrong with them, at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.desired.problem import Problem, Severity
from reconciler.files.collection import Collection
from reconciler.files.price_list import read_price_list
from reconciler.files.sources import read_tenants
from reconciler.files.tree import Tree, WorkTree

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState


class OnInvalid(Enum):
    """What one broken file does to the rest."""

    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Loaded:
    """``desired`` is None where the files cannot be used; ``problems`` are in order of place."""

    desired: DesiredState | None
    problems: tuple[Problem, ...]


def load(root: Path, *, tiers: Path | None = None, on_invalid: OnInvalid = OnInvalid.FAIL) -> Loaded:
    """The fleet in the folder ``root``; ``tiers`` is ``root/tiers.yaml`` unless named.

    With ``OnInvalid.SKIP`` the tenants of broken files are held back and the others are loaded. A broken
    tiers.yaml, or a file that cannot be read at all, leaves nothing to load either way.
    """
    path = "tiers.yaml" if tiers is None else os.path.relpath(tiers, root)
    return load_tree(WorkTree(root), path, on_invalid)


def load_tree(tree: Tree, tiers: str, on_invalid: OnInvalid = OnInvalid.FAIL) -> Loaded:
    """As ``load``, from any tree; ``tiers`` is relative to its root."""
    prices = read_price_list(tree, tiers)
    collection = Collection(prices.fleet, lost=_has_error(prices.problems))
    collection.problems += prices.problems
    read_tenants(tree, prices.sources, collection)
    return loaded(collection, on_invalid)


def loaded(collection: Collection, on_invalid: OnInvalid) -> Loaded:
    """What has been collected, as far as it can be used."""
    problems = tuple(sorted(collection.problems, key=lambda problem: (problem.location, problem.message)))
    fatal = collection.lost or (on_invalid is OnInvalid.FAIL and _has_error(problems))
    if fatal or collection.fleet is None:
        return Loaded(None, problems)
    held_back = frozenset(collection.held_back)
    return Loaded(replace(collection.fleet, tenants=collection.tenants(), held_back=held_back), problems)


def _has_error(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)
