"""An adoption as text: a summary that a person can check, what is open, which files, and the plan after it."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.adopt.inferred_tiers import FEWEST
from reconciler.adopt.owners import NamingSource, Reason
from reconciler.adopt.proposals import SURE
from reconciler.model.fields.table import BY_PATH
from reconciler.views import symbols
from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.remedies import OVERRIDES
from reconciler.views.sections import ListLimits, heading, limits, section
from reconciler.views.sentences import counted, plan_summary
from reconciler.views.terminal import Line, UnbrokenLine, blank_line, column, page, paragraph, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.adopt.adoption import Adopted, Adoption
    from reconciler.adopt.inferred_tiers import InferredTier
    from reconciler.adopt.owners import NamedProject, Question
    from reconciler.adopt.proposals import SuggestedPattern
    from reconciler.views.terminal import Piece
    from reconciler.views.view import AdoptionView

WIDEST_NAME: Final = 40
NOT_IN_SYNC: Final = "The tenants in files are not in sync: `reconciler plan` shows what differs."
HOW: Final = {
    NamingSource.ANSWER: "by an answer",
    NamingSource.IMPORT: "by an imported file",
    NamingSource.ANNOTATION: "by an annotation",
    NamingSource.PATTERN: "by a pattern",
}
REMEDIES: Final = {
    Reason.UNNAMED: "name it by --pattern, or answer",
    Reason.SEVERAL_NAMES: "answer which tenant it is",
    Reason.CLASH: "answer which project is the tenant's, and what the other one is",
    Reason.COPY: "answer whether it is a tenant of its own",
    Reason.IMPOSSIBLE: "answer with a name of letters, digits and . _ - + @",
    Reason.DECLARED: "answer with another name, or leave the project alone",
    Reason.NO_TIER: "add a tier of that organization to tiers.yaml, or --infer-tiers",
    Reason.INVALID: "declare it by hand",
}


@page
def render(view: AdoptionView, *, full: bool = False) -> Iterator[Piece]:
    """The whole view; long lists are cut unless ``full``."""
    extent = limits(full=full)
    yield from _tiers(view.adoption)
    yield from _overridden(view.adoption, extent)
    yield from _open(view, extent)
    yield from _rest(view.rest)
    yield from _terraform(view.addresses, extent)
    yield from _files(view)
    yield paragraph(_summary(view), symbols.HEADING)
    yield from map(paragraph, _named(view.adoption))
    if unknown := view.plan.coverage.unknown:
        yield paragraph(f"{counted(unknown, 'project')} not shown by the API: run the command again later.")
    if view.created or view.edited:
        yield from _plan(view)
    elif not view.in_sync:
        yield paragraph(NOT_IN_SYNC)


def _tiers(adopted: Adoption) -> Iterator[Piece]:
    """A row for each tier: how many projects have it, and how many need overrides."""
    counts = Counter(one.tier for one in adopted.tenants)
    if not counts:
        return
    yield from heading("Tiers", len(counts))
    inferred = {tier.name: tier for tier in adopted.tiers}
    own = Counter(one.tier for one in adopted.tenants if one.overrides)
    width = width_of(counts)
    for name in sorted(counts, key=lambda one: (-counts[one], one)):
        message = f"{counted(counts[name], 'project')}, {own[name]:,} with overrides"
        made = formatted("; new: {}", _values(inferred[name])) if name in inferred else FormattedText()
        yield Line(column(name, width), styled(formatted(f"{message}{{}}", made)), indent=2)
    yield blank_line()


def _values(tier: InferredTier) -> str:
    """The values of an inferred tier: ``data_transfer 5GiB, max_cu 2 CU``."""
    stated = tier.grant.stated
    return ", ".join(f"{BY_PATH[path].key} {BY_PATH[path].worded(value)}" for path, value in stated.items())


def _overridden(adopted: Adoption, extent: ListLimits) -> Iterator[Piece]:
    def one(tenant: Adopted) -> Iterator[Piece]:
        message = ", ".join(
            f"{BY_PATH[path].label} {BY_PATH[path].worded(value)}"
            + (f" (tier {BY_PATH[path].worded(tenant.granted[path])})" if path in tenant.granted else "")
            for path, value in tenant.overrides.items()
        )
        yield Line(column(tenant.tenant, width), styled(message), indent=2)

    found = [tenant for tenant in adopted.tenants if tenant.overrides]
    width = width_of((tenant.tenant for tenant in found[: extent.blocks]), at_most=WIDEST_NAME)
    yield from section(OVERRIDES, found, one, extent, "tenant", compact=True)
    alike = Counter((tenant.tier, *tenant.overrides.items()) for tenant in found)
    if several := sum(count >= FEWEST for count in alike.values()):
        message = (
            f"{counted(several, 'set')} of values that {FEWEST} tenants or more share: --infer-tiers makes tiers"
        )
        yield paragraph(message)
        yield blank_line()


def _open(view: AdoptionView, extent: ListLimits) -> Iterator[Piece]:
    """The questions by reason, each with its remedy; then patterns to try."""
    questions = view.adoption.questions
    if not questions:
        return
    yield from heading("Questions", len(questions))
    for reason in Reason:
        found = [one for one in questions if one.reason is reason]
        if found:
            yield Line(styled(f"{reason.value} ({len(found):,}): {REMEDIES[reason]}"), indent=2)
            shown = found[: extent.blocks]
            width = width_of((one.project.name for one in shown), at_most=WIDEST_NAME)
            yield from (_question(one, width) for one in shown)
            if extent.blocks is not None and len(found) > extent.blocks:
                more = counted(len(found) - extent.blocks, "more project")
                yield Line(styled(f"and {more} (--full shows all)", symbols.ASIDE), indent=4)
    yield from map(_suggestion, view.adoption.owners.suggestions)
    if view.answers is not None:
        yield Line(
            styled(
                formatted("{}: edit `tenant` in each line, then pass --answers {}", view.answers, view.answers)
            ),
            indent=2,
        )
    else:
        yield Line(styled("--questions FILE writes them to a file that --answers reads"), indent=2)
    yield blank_line()


def _question(one: Question, width: int) -> Line:
    project = one.project
    parts = [formatted("{} in {}", project.id, project.organization)]
    if one.detail:
        parts.append(formatted("{}", one.detail))
    if one.proposal.tenant is not None:
        parts.append(formatted(f"proposal {{}} ({SURE[one.proposal.sureness]})", one.proposal.tenant))
    return Line(column(project.name, width), styled(joined(parts, "; ")), indent=4)


def _suggestion(one: SuggestedPattern) -> Line:
    option = f"--pattern {shlex.quote(one.text)}"
    return Line(styled(formatted("try {}", option)), styled(f"  {counted(one.projects, 'project')}"), indent=2)


def _rest(rest: Mapping[str, int]) -> Iterator[Piece]:
    if not rest:
        return
    yield from heading("Not in the files, left as it is", sum(rest.values()))
    for what, count in sorted(rest.items()):
        yield Line(column(f"{count:,}", 6), styled(what), indent=2)
    yield blank_line()


def _terraform(addresses: Sequence[str], extent: ListLimits) -> Iterator[Piece]:
    """Commands to run afterwards; each on a line that is never broken."""
    if not addresses:
        return
    yield from heading("Once the files are merged, remove from Terraform, with their blocks", len(addresses))
    for address in addresses[: extent.blocks]:
        yield UnbrokenLine(styled(f"terraform state rm {shlex.quote(address)}"))
    if extent.blocks is not None and len(addresses) > extent.blocks:
        more = counted(len(addresses) - extent.blocks, "more line")
        yield Line(styled(f"and {more} (--full shows all; --state-rm FILE writes them)", symbols.ASIDE))
    yield blank_line()


def _files(view: AdoptionView) -> Iterator[Piece]:
    would = "to be " if view.dry_run else ""
    groups = ((f"{would}created", view.created), (f"{would}changed in place", view.edited))
    if not (view.created or view.edited) and view.adoption.projects:
        yield paragraph("Would write no file." if view.dry_run else "No file was written.")
    for verb, paths in groups:
        if paths:
            shown = joined([formatted("{}", path) for path in paths[:3]])
            more = f" and {len(paths) - 3:,} more" if len(paths) > 3 else ""
            yield paragraph(formatted(f"{counted(len(paths), 'file')} {verb}: {{}}{more}.", shown))


def _summary(view: AdoptionView) -> str:
    adopted = view.adoption
    count = len(adopted.tenants) + len(adopted.pinned)
    if not adopted.projects:
        return "Every project is in a file: nothing to adopt."
    done = "Would adopt" if view.dry_run else "Adopted"
    return f"{done} {count:,} of {counted(adopted.projects, 'project')} in no file."


def _named(adopted: Adoption) -> Iterator[FormattedText]:
    """``53 named by a pattern, 5 by an annotation, 2 open questions.``, then the other projects."""
    everybody: list[NamedProject] = [*(one.named for one in adopted.tenants), *adopted.pinned]
    by_how = Counter(one.how for one in everybody)
    parts = [f"{by_how[how]:,} named {words}" for how, words in HOW.items() if by_how[how]]
    need = len(adopted.questions)
    parts += [counted(need, "open question")] if need else []
    if parts:
        yield formatted(f"{', '.join(parts)}.")
    by_pattern = Counter(one.by for one in everybody if one.how is NamingSource.PATTERN)
    if len(by_pattern) > 1:
        shown = [formatted(f"{{}} {count:,}", text) for text, count in by_pattern.most_common()]
        yield formatted("Patterns: {}.", joined(shown))
    aside = (
        (len(adopted.owners.left_alone), "left alone: another fleet's, or by an answer"),
        (adopted.left_out, "left out by --select"),
        (adopted.in_files, "in files already"),
    )
    for count, words in aside:
        if count:
            yield formatted(f"{counted(count, 'project')} {words}.")


def _plan(view: AdoptionView) -> Iterator[Piece]:
    """What the next plan does with these files."""
    empty = view.in_sync
    lead = "The plan with these files is empty" if empty else "The plan with these files is not empty"
    yield paragraph(f"{lead}. {plan_summary(view.plan)}", "" if empty else symbols.HEADING)
    if not empty:
        yield paragraph("reconciler plan shows what differs, and nothing changes before apply.")
