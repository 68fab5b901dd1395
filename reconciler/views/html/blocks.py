"""What a page lists, as plain values: sections of blocks, each of them tenants to which the same happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.views.html.charts import PLAIN
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_BLOCKS: Final = 200
"""Of a section in the page itself, unless all are asked for. Its data contain all of them."""
MOST_NAMES: Final = 100
"""Of a block in the page itself, unless all are asked for."""
FEW: Final = 3
"""Names beside the first one that need not be unfolded, as in the script."""
ANCHOR: Final = "tenant:"
"""Precedes the name of a tenant in the address of its part of the page: ``plan.html#tenant:acme``."""


class PageChange(Struct, frozen=True):
    """A value that changes: from live to the files. An empty one does not exist."""

    path: str
    before: str
    after: str
    mark: str = ""
    lowering: bool = False


class PageStep(Struct, frozen=True):
    """One action with its result, or one note."""

    words: str
    tone: str = PLAIN
    marks: str = ""
    reason: str = ""
    details: Sequence[str] = ()
    turns: Sequence[PageChange] = ()
    more: int = 0
    """Changes that are not shown."""
    rule: str = ""
    """The guard that refuses it."""


class Meter(Struct, frozen=True):
    """How much of a quota is used."""

    quota: str
    used: str
    limit: str
    """Empty without one."""
    percent: float | None
    tone: str
    effect: str = ""
    """What a limit that is reached stops, or when it will be reached."""


class PageMember(Struct, frozen=True):
    """One of those to whom a block applies."""

    name: str
    project: str = ""
    source: str = ""
    facets: Sequence[Sequence[str]] = ()
    """Its values of each facet of the page."""
    is_tenant: bool = True
    """False for a project without a tenant, a place in the files, and the run as a whole."""


class ChangeBlock(Struct, frozen=True):
    """Members with the same actions or the same finding."""

    members: Sequence[PageMember]
    steps: Sequence[PageStep] = ()
    meters: Sequence[Meter] = ()
    rank: int = 0
    """What it is sorted by, beside its size and its name: its risk, or how full its fullest quota is."""


class PageSection(Struct, frozen=True):
    """Blocks of one kind."""

    title: str
    anchor: str
    count: int
    """The number in its heading: of tenants, or of what else it lists."""
    blocks: Sequence[ChangeBlock]
    remedy: str = ""
    """What to do about all of it."""


class Facet(Struct, frozen=True):
    """What the members of a page can be filtered by."""

    title: str
    every: str
    """The choice that filters nothing: ``all tiers``."""
    order: Sequence[str] = ()
    """Its values in their order; others follow by name."""


class Mention(Struct, frozen=True):
    """A name, and the anchor of its tenant where it is mentioned first."""

    name: str
    anchor: str = ""


class ShownBlock(Struct, frozen=True):
    """A block in the page itself."""

    first: Mention
    others: Sequence[Mention]
    more: int
    """Names that are not shown."""
    source: str
    project: str
    steps: Sequence[PageStep]

    @property
    def are_few(self) -> bool:
        """Whether all names are shown at once."""
        return len(self.others) + self.more <= FEW


class ShownSection(Struct, frozen=True):
    """A section in the page itself."""

    title: str
    anchor: str
    count: int
    blocks: Sequence[ShownBlock]
    more: int
    """Blocks that are not shown."""
    remedy: str


def shown(sections: Sequence[PageSection], *, full: bool) -> list[ShownSection]:
    """The sections in the page itself; long lists are cut unless ``full``. Each tenant has one anchor."""
    anchors: set[str] = set()
    return [_section(one, anchors, full=full) for one in sections if one.blocks]


def _section(section: PageSection, anchors: set[str], *, full: bool) -> ShownSection:
    blocks = section.blocks if full else section.blocks[:MOST_BLOCKS]
    shown_blocks = [_block(one, anchors, full=full) for one in blocks]
    more = len(section.blocks) - len(shown_blocks)
    return ShownSection(section.title, section.anchor, section.count, shown_blocks, more, section.remedy)


def _block(block: ChangeBlock, anchors: set[str], *, full: bool) -> ShownBlock:
    members = block.members if full else block.members[: MOST_NAMES + 1]
    first, *others = (_mention(one, anchors) for one in members)
    only = block.members[0] if len(block.members) == 1 else None
    return ShownBlock(
        first=first,
        others=others,
        more=len(block.members) - len(members),
        source=_sources(block.members),
        project="" if only is None else only.project,
        steps=block.steps,
    )


def _mention(member: PageMember, anchors: set[str]) -> Mention:
    anchor = ANCHOR + printable(member.name)
    if not member.is_tenant or anchor in anchors:
        return Mention(member.name)
    anchors.add(anchor)
    return Mention(member.name, anchor)


def _sources(members: Sequence[PageMember]) -> str:
    """``tenants/acme.yaml:3 and 4 more``; empty without a place."""
    places = sorted(set(_places(members)))
    return "" if not places else places[0] + (f" and {len(places) - 1:,} more" if len(places) > 1 else "")


def _places(members: Sequence[PageMember]) -> Iterator[str]:
    return (one.source for one in members if one.source)
