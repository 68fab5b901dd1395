"""Reads the consumption history of many projects, one organization after the other at the rate of its own."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.errors import PermissionDeniedError
from reconciler.live.consumption import NOTHING_METERED, Metering
from reconciler.neon.pace import each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.live.consumption import Metered, Span
    from reconciler.neon.client import Neon


async def read_histories(
    neon: Neon,
    groups: Mapping[str, Sequence[Sequence[str]]],
    spans: Sequence[Span],
    on_done: Callable[[int, int], None],
    free_child_branches: Mapping[str, int] = MappingProxyType({}),
) -> Metering:
    """The consumption of the projects over all spans, by groups of up to 100 projects of one organization.

    Calls ``on_done`` with the number of projects read, and with their total. An organization that refuses the
    first call is not asked again. ``free_child_branches`` of each project, by organization, are no extra ones.
    """
    total = sum(len(ids) for groups_of_one in groups.values() for ids in groups_of_one)
    found: dict[str, Metered] = {}
    read, refused = 0, []

    async def of_organization(organization: str) -> None:
        nonlocal read
        free = free_child_branches.get(organization, 0)
        for ids in groups[organization]:
            for span in spans:
                answer = await neon.consumption(organization, ids, span, free_child_branches=free)
                for id_, metered in answer.items():
                    found[id_] = found.get(id_, NOTHING_METERED).plus(metered)
            read += len(ids)
            on_done(read, total)

    async def unless_refused(organization: str) -> None:
        try:
            await of_organization(organization)
        except PermissionDeniedError:
            refused.append(organization)

    await each(tuple(groups), unless_refused)
    return Metering(found, tuple(sorted(refused)))
