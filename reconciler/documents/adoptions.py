"""The JSON documents of `adopt` and `collect`. Other commands do not import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict

from reconciler.adopt.results import AdoptionResult, CollectionResult
from reconciler.documents.shapes import PLAN_COUNTS, document
from reconciler.documents.writer import document_text, plain, plan_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.plan import Plan

ADOPTION: Final = document("adoption", AdoptionResult, {"plan": PLAN_COUNTS})
COLLECTED: Final = document("collected", CollectionResult, {})


def adoption(result: AdoptionResult, planned: Plan) -> Iterator[str]:
    """What was adopted, with the counts of the plan with the new files."""
    content = {name: plain(value) for name, value in asdict(result).items()}
    return document_text("adoption", {**content, "plan": plan_counts(planned, planned.tenants)})


def collected(result: CollectionResult) -> Iterator[str]:
    """The sign-ups that a file of lines holds from now on."""
    return document_text("collected", {name: plain(value) for name, value in asdict(result).items()})
