"""An adoption as files: what is created and what is changed, read back and checked before anything is written."""

from __future__ import annotations

import json
import os
from heapq import merge
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files.edited import edit
from reconciler.files.editing import Changes
from reconciler.files.load import OnInvalid, load_tree
from reconciler.files.new_documents import is_file_name, json_line, yaml_document
from reconciler.files.overlay import Overlay
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.price_list import DEFAULT_FILES, PRICE_LIST, TenantSource
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.reading import Reading
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tiers_edit import PriceListEdit, edited_price_list
from reconciler.files.tree import MAX_LINES_FILE_BYTES, WorkTree
from reconciler.model.problem import errors
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.files.load import Loaded
    from reconciler.files.tiers_edit import NewTier
    from reconciler.files.tree import Tree
    from reconciler.model.problem import Problem
    from reconciler.model.values import Json

MOST_YAML: Final = 100
"""Above this number of tenants, a line for each is written into one file."""
LINES_FILE: Final = "adopted.ndjson"
DEFAULT_LINES: Final = "fleet/*.ndjson"


class NewTenant(Struct, frozen=True):
    """A tenant's document, with the comments that YAML can hold."""

    name: str
    document: Mapping[str, Json]
    comments: tuple[str, ...] = ()
    beside_overrides: str = ""


class Pin(Struct, frozen=True):
    """The id that a declared tenant's file gets."""

    tenant: str
    project_id: str


class FilesToWrite(Struct, frozen=True):
    """Files by path from the fleet's folder, and what they declare together with the other files."""

    root: Path
    files: Mapping[str, bytes]
    created: tuple[str, ...]
    edited: tuple[str, ...]
    desired: DesiredState
    invalid: Mapping[str, str] = {}
    """Messages by tenant: these are not in the files."""

    def write(self) -> None:
        """Write tiers.yaml first: after an interruption the tenants that were written still have their tiers.

        Raises InvalidInputError for a file that cannot be written, or that somebody else created meanwhile.
        """
        for path in sorted(self.files, key=lambda one: (one != PRICE_LIST, one)):
            _write(self.root, path, self.files[path], new=path in self.created)


def files_to_write(
    root: Path,
    base: Mapping[str, bytes],
    tenants: Sequence[NewTenant],
    pins: Sequence[Pin],
    tiers: Sequence[NewTier],
    *,
    lines: bool | None = None,
) -> FilesToWrite:
    """Return the files that declare the tenants beside those in the folder ``root``.

    ``base`` are files that count as existing although they are still to be written: a new tiers.yaml. ``lines``
    writes one file of JSON lines (True), or YAML files (False); by default lines for many tenants. Tenants whose
    documents are not valid are left out, with the reason. Raises InvalidInputError if an existing file cannot be
    changed in place, or if the result is not valid.
    """
    as_lines = len(tenants) > MOST_YAML if lines is None else lines
    tree = Overlay(WorkTree(root), base)
    wanted, invalid = list(tenants), dict[str, str]()
    while True:
        files = {**base, **_documents(tree, wanted, tiers, as_lines=as_lines)}
        loaded = load_tree(Overlay(WorkTree(root), files), OnInvalid.SKIP, Reading())
        if loaded.desired is None:
            raise _unusable(loaded.problems)
        wrong = _wrong(loaded, loaded.desired, wanted, files, tree)
        if not wrong and not wanted and not pins:
            return FilesToWrite(root, {}, (), (), loaded.desired, invalid)
        if not wrong:
            return _with_pins(root, tree, FilesToWrite(root, files, (), (), loaded.desired, invalid), pins)
        invalid.update(wrong)
        wanted = [one for one in wanted if one.name not in invalid]


def _wrong(
    loaded: Loaded, desired: DesiredState, tenants: Sequence[NewTenant], files: Mapping[str, bytes], tree: Tree
) -> dict[str, str]:
    """Return why documents are not valid, by tenant."""
    bad = [one.name for one in tenants if one.name not in desired.tenants]
    if not bad:
        return {}
    reasons: dict[str, str] = {}
    texts = {tree.name(path): (path, data.split(b"\n")) for path, data in files.items()}
    for problem in errors(loaded.problems):
        path, lines = texts.get(problem.location.file, ("", []))
        if path.endswith(".ndjson") and 0 < problem.location.line <= len(lines):
            reasons.setdefault(_name(lines[problem.location.line - 1]), problem.message)
        else:
            reasons.setdefault(Path(path).stem, problem.message)
    return {name: reasons.get(name, "its document does not fit the other files") for name in bad}


def _documents(
    tree: Tree, tenants: Sequence[NewTenant], tiers: Sequence[NewTier], *, as_lines: bool
) -> dict[str, bytes]:
    """Return the files with the tenants, and tiers.yaml if it changes.

    A tenant after whom no file can be named on every system is a line among YAML files as well.
    """
    sources = read_price_list(tree).sources
    in_lines = [one for one in tenants if as_lines or not is_file_name(one.name)]
    in_files = [one for one in tenants if not as_lines and is_file_name(one.name)]
    lines_path, lines_source = _lines_place(sources)
    folder, files_source = _yaml_place(sources)
    added = [
        source
        for source, needed in ((files_source, in_files), (lines_source, in_lines))
        if source is not None and needed
    ]
    files: dict[str, bytes] = {}
    if tiers or added:
        edits = PriceListEdit(tiers, added, alone=isinstance(tree, Overlay) and PRICE_LIST in tree.files)
        files[PRICE_LIST] = edited_price_list(tree.read(PRICE_LIST), edits)
    if in_lines:
        files[lines_path] = _merged(_existing(tree, lines_path), in_lines)
    for one in in_files:
        text = yaml_document(one.document, one.comments, one.beside_overrides)
        files[f"{folder}{one.name}.yaml"] = text.encode()
    return files


def _lines_place(sources: Sequence[TenantSource]) -> tuple[str, dict[str, Json] | None]:
    """Return the file for lines, and the source that has to be added for it to be read."""
    for source in sources:
        path = _joined(fixed_folder(source.pattern), LINES_FILE)
        if source.json_lines and compiled(source.pattern).fullmatch(path):
            return path, None
    return _joined(fixed_folder(DEFAULT_LINES), LINES_FILE), {"ndjson": DEFAULT_LINES}


def _yaml_place(sources: Sequence[TenantSource]) -> tuple[str, dict[str, Json] | None]:
    """Return the folder for YAML files, with a slash at its end, and the source that has to be added."""
    for source in sources:
        folder = _joined(fixed_folder(source.pattern), "")
        if not source.json_lines and compiled(source.pattern).fullmatch(f"{folder}x.yaml"):
            return folder, None
    return _joined(fixed_folder(DEFAULT_FILES), ""), {"files": DEFAULT_FILES}


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _existing(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path, MAX_LINES_FILE_BYTES)
    except FileNotFoundError:
        return b""
    except UnreadableError as error:
        raise InvalidInputError(f"{tree.name(path)}: {error}") from error


def _merged(before: bytes, tenants: Sequence[NewTenant]) -> bytes:
    """Return the lines with those of the tenants, in the order of names where the lines had it."""
    kept = [line for line in before.split(b"\n") if line.strip()]
    names = [_name(line) for line in kept]
    added = sorted((one.name, json_line(one.document).encode()) for one in tenants)
    rows = list(zip(names, kept, strict=True))
    both = merge(rows, added) if names == sorted(names) else iter((*rows, *added))
    return b"".join(line + b"\n" for _, line in both)


def _name(line: bytes) -> str:
    try:
        value = json.loads(line)
    except ValueError:
        return ""
    return str(value.get("tenant", "")) if isinstance(value, dict) else ""


def _with_pins(root: Path, tree: Tree, found: FilesToWrite, pins: Sequence[Pin]) -> FilesToWrite:
    """Return the files with the ids of declared tenants, and what is created and edited."""
    tenants, edited = dict(found.desired.tenants), dict[str, bytes]()
    invalid = dict(found.invalid)
    for pin in pins:
        tenant = tenants[pin.tenant]
        if len(tenant.files) == 1 and tenant.files[0] in (edited.keys() | found.files.keys()):
            invalid[pin.tenant] = f"add project_id: {pin.project_id} to {tenant.location} by hand"
            continue
        try:
            change = edit(root, tenant, Changes({"project_id": pin.project_id}))
        except InvalidInputError as error:
            invalid[pin.tenant] = f"add project_id: {pin.project_id} by hand: {error}"
            continue
        edited[tenant.files[0]] = change.file.after
        tenants[pin.tenant] = change.tenant
    files = {**found.files, **edited}
    known = {path for path in files if _is_there(tree, path)}
    return replace(
        found,
        files=files,
        created=tuple(sorted(files.keys() - known)),
        edited=tuple(sorted(known)),
        desired=replace(found.desired, tenants=tenants),
        invalid=invalid,
    )


def _is_there(tree: Tree, path: str) -> bool:
    below = tree.tree if isinstance(tree, Overlay) else tree
    try:
        below.read(path, MAX_LINES_FILE_BYTES)
    except FileNotFoundError:
        return False
    except UnreadableError as error:
        raise InvalidInputError(f"{tree.name(path)}: {error}") from error
    return True


def _unusable(problems: Sequence[Problem]) -> InvalidInputError:
    first = next(iter(errors(problems)), None)
    return InvalidInputError(f"nothing was written: {first}", hint="`reconciler validate` lists every problem")


def _write(root: Path, path: str, data: bytes, *, new: bool) -> None:
    """Write one file as a whole. A new one replaces nothing."""
    target = root / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if any(above.is_symlink() for above in _below(root, target)):
            raise InvalidInputError(f"{path}: a symbolic link is in the way", hint="remove the link")
        descriptor, beside = mkstemp(dir=target.parent, prefix=".adopt.")
        _put(descriptor, Path(beside), target, data, new=new)
    except FileExistsError as error:
        raise InvalidInputError(f"{path}: somebody created it meanwhile", hint="run the command again") from error
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error


def _put(descriptor: int, beside: Path, target: Path, data: bytes, *, new: bool) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644 if new else target.stat().st_mode & 0o777)
            file.write(data)
        if not new:
            beside.replace(target)
            return
        try:
            target.hardlink_to(beside)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            target.touch(exist_ok=False)
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _below(root: Path, target: Path) -> Iterator[Path]:
    """Yield the target and the folders above it, up to the fleet's folder."""
    yield target
    yield from (above for above in target.parents if above != root and root in above.parents)
