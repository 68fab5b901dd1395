"""The JSON documents of `adopt` and `collect`, from their views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adopt.results import (
    AdoptionResult,
    CollectedTenant,
    CollectionResult,
    adopted_tenants,
    adopted_tiers,
    left_out_projects,
    open_questions,
)
from reconciler.documents import adoptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.view import AdoptionView, CollectedView


def adoption(view: AdoptionView) -> Iterator[str]:
    """What was adopted, or would be."""
    adopted = view.adoption
    result = AdoptionResult(
        dry_run=view.dry_run,
        projects=adopted.projects,
        adopted=len(adopted.tenants) + len(adopted.pinned),
        in_files=adopted.in_files,
        left_alone=len(adopted.owners.left_alone),
        left_out=adopted.left_out,
        unknown=view.plan.coverage.unknown,
        tiers=adopted_tiers(adopted),
        tenants=tuple(adopted_tenants(adopted)),
        questions=tuple(open_questions(adopted.questions)),
        patterns=adopted.owners.suggestions,
        created=tuple(view.created),
        edited=tuple(view.edited),
        in_no_file=view.rest,
        terraform=tuple(view.addresses),
        in_sync=view.in_sync,
    )
    return adoptions.adoption(result, view.plan)


def collected(view: CollectedView) -> Iterator[str]:
    """The sign-ups that a file of lines holds from now on, or would."""
    tenants = (
        CollectedTenant(one.adopted.tenant, one.adopted.project.id, one.source, one.adopted.document)
        for one in view.added
    )
    left = tuple(left_out_projects(view.left, view.age))
    return adoptions.collected(CollectionResult(view.dry_run, view.file, tuple(tenants), left))
