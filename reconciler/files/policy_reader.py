"""The files of policies -> declared policies, each expression checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.policies import DeclaredPolicy, Expression, PolicyExample
from reconciler.errors import PolicyError
from reconciler.files.entry import Text, entries_of
from reconciler.files.events import parse
from reconciler.files.finding import Finding, did_you_mean_or_known
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.policy_schema import PolicyDocument
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import pointer
from reconciler.files.wording import read
from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.quoting import shown
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.files.entry import Entry
    from reconciler.files.finding import Path
    from reconciler.files.price_list import TenantSource
    from reconciler.files.tree import FolderListing, Tree

MOST_FILES: Final = 200
ANY_VALUE: Final = "*"
"""In a selector, stands for any value of a label."""
_ENDINGS: Final = (".yaml", ".yml", ".YAML", ".YML")


class PolicyReader:
    """Reads all files of policies in a tree."""

    def __init__(self, tree: Tree, fleet: DesiredState, source: TenantSource) -> None:
        self._tree = tree
        self._fleet = fleet
        self._source = source
        self.declared: dict[str, DeclaredPolicy] = {}
        self.problems: list[Problem] = []

    def read(self, listing: FolderListing, *, past: bool) -> None:
        """Read those of the folder. Without ``past``, checks the expressions."""
        self.problems += listing.problems
        matching = compiled(self._source.pattern)
        paths = [path for path in listing.files if matching.fullmatch(path)]
        if not past:
            self.problems += self._unmatched(listing.files, {*paths})
        if len(paths) > MOST_FILES:
            words = f"{len(paths):,} files match {shown(self._source.pattern)}: at most {MOST_FILES} are allowed"
            self.problems.append(Problem(self._source.location, words))
            return
        for path in paths:
            self._add_file(path)
        if not past:
            self.problems += _checked(self.declared.values())

    def _add_file(self, path: str) -> None:
        name = self._tree.name(path)
        try:
            data = self._tree.read(path)
        except (UnreadableError, FileNotFoundError) as error:
            self.problems.append(Problem(Location(name), str(error) or "was deleted while the files were read"))
            return
        if instead := pointer(data):
            self.problems.append(Problem(Location(name), *instead))
            return
        parsed = parse(data, name)
        self.problems += parsed.problems
        if not parsed.documents and not parsed.problems:
            self.problems.append(Problem(Location(name), "contains no policy"))
        for entry in entries_of(parsed, Text(name, data)):
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        if not entry.complete:
            return
        document = read(PolicyDocument, entry.value)
        if not isinstance(document, PolicyDocument):
            self.problems += map(entry.problem, document)
            return
        self.problems += map(entry.problem, self._findings(document))
        self.declared.setdefault(document.policy, _policy(document, entry))

    def _findings(self, document: PolicyDocument) -> Iterator[Finding]:
        if (first := self.declared.get(document.policy)) is not None:
            words = f"duplicate policy {document.policy!r}: it is also in {first.location}"
            yield Finding(("policy",), words, "give each policy a name of its own")
        for index, tier in enumerate(document.select.tier):
            if tier not in self._fleet.tiers:
                hint = did_you_mean_or_known(tier, self._fleet.tiers)
                yield Finding(("select", "tier", index), f"there is no tier {tier!r}", hint)

    def _unmatched(self, files: Iterable[str], read: set[str]) -> Iterator[Problem]:
        """Yield YAML files in the folder that the pattern does not match: they have no effect."""
        if not fixed_folder(self._source.pattern):
            return
        for path in files:
            if path.endswith(_ENDINGS) and path not in read:
                misnamed = not path.endswith(".yaml")
                words = "is not read" if misnamed else f"does not match {shown(self._source.pattern)}: not read"
                hint = "rename it to .yaml" if misnamed else "move it, or change policies in tiers.yaml"
                severity = Severity.ERROR if misnamed else Severity.WARNING
                yield Problem(Location(self._tree.name(path)), words, hint, severity)


def _policy(document: PolicyDocument, entry: Entry) -> DeclaredPolicy:
    return DeclaredPolicy(
        name=document.policy,
        scope=document.scope,
        effect=document.severity,
        when=tuple(_expressions(document.when, "when", entry)),
        require=tuple(_expressions(document.require, "require", entry)),
        message=Expression(document.message, _place(entry, ("message",))),
        tiers=frozenset(document.select.tier),
        labels=tuple((key, None if v == ANY_VALUE else v) for key, v in document.select.labels.items()),
        examples=tuple(_examples(document, entry)),
        location=entry.place(("policy",)),
    )


def _expressions(texts: Iterable[str], key: str, entry: Entry) -> Iterator[Expression]:
    for index, text in enumerate(texts):
        yield Expression(text, _place(entry, (key, index)))


def _examples(document: PolicyDocument, entry: Entry) -> Iterator[PolicyExample]:
    for index, example in enumerate(document.examples):
        place = _place(entry, ("examples", index))
        yield PolicyExample(example.example, JsonText.of(dict(example.given)), example.expect, place)


def _place(entry: Entry, path: Path) -> Location:
    """Return the location of a value."""
    return entry.problem(Finding(path, "")).location


def _checked(policies: Iterable[DeclaredPolicy]) -> Iterator[Problem]:
    """Yield what is wrong with the expressions and the examples; without the library, how to install it."""
    for declared in policies:
        from reconciler.policies.examples import unfit  # noqa: PLC0415 - for files of policies only
        from reconciler.policies.program import flaws  # noqa: PLC0415

        try:
            for flaw in flaws(declared):
                yield Problem(flaw.expression.location, flaw.message, flaw.hint)
        except PolicyError as error:
            yield Problem(declared.location, str(error), error.hint)
            return
        yield from unfit(declared)
