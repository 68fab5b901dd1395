"""A new tenant's document: a file of its own, or a line of a file with one JSON tenant per line."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.canonical import canonical_json, json_line, tenant_shape
from reconciler.files.edited import EditedFile, checked, read_whole
from reconciler.files.finding import RejectedError
from reconciler.files.new_documents import is_file_name, yaml_document
from reconciler.files.patterns import compiled
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.readers import read_tenant_name
from reconciler.files.tree import WorkTree
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reconciler.files.edited import EditedTenant
    from reconciler.files.price_list import TenantSource
    from reconciler.model.values import Json

SCHEMA: Final = ".schemas/tenant.json"
"""Where `init` writes the schema of tenants, below the fleet's folder."""


def addition(directory: Path, document: dict[str, Json], to: str | None = None) -> EditedTenant:
    """Return the file with the new tenant.

    ``to`` is a path below the folder; without it, the file is placed where the first source of tiers.yaml reads
    it. Raises InvalidInputError if no source reads the file, or if the result is not valid.
    """
    tenant = str(document["tenant"])
    try:
        read_tenant_name(tenant)
    except RejectedError as error:
        raise InvalidInputError(str(error), hint=error.hint) from error
    sources = read_price_list(WorkTree(directory)).sources
    path = to or _place(sources, tenant)
    source = next((one for one in sources if compiled(one.pattern).fullmatch(path)), None)
    if source is None or path == PRICE_LIST:
        patterns = ", ".join(one.pattern for one in sources)
        raise InvalidInputError(f"no source of {PRICE_LIST} reads {shown(path)}", hint=f"a file of {patterns}")
    file = directory / path
    before = read_whole(file) if file.exists() else None
    if before is not None and not source.json_lines:
        raise InvalidInputError(f"{file} exists", hint=f"`reconciler set {tenant} KEY=VALUE` changes a tenant")
    ordered = canonical_json(document, tenant_shape())
    if source.json_lines:
        return checked(
            directory, path, EditedFile(file, before, with_lines(before or b"", {tenant: document})), tenant
        )
    text = _schema_comment(directory, path) + yaml_document(ordered if isinstance(ordered, dict) else document)
    return checked(directory, path, EditedFile(file, before, text.encode()), tenant)


def _schema_comment(directory: Path, path: str) -> str:
    """Return the line by which editors find the schema, where the fleet has it."""
    if not (directory / SCHEMA).is_file():
        return ""
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMA}\n"


def _place(sources: Sequence[TenantSource], tenant: str) -> str:
    """Return the file that the first source with room for one reads; one of lines if no file can have the name."""
    for source in sources:
        if not (source.json_lines or is_file_name(tenant)):
            continue
        pattern = PurePosixPath(source.pattern)
        steps = [step for step in pattern.parts[:-1] if step != "**"]
        name = pattern.name.replace("*", tenant, 1) if not source.json_lines else pattern.name
        path = "/".join((*steps, name))
        if not any(sign in path for sign in "*?") and compiled(source.pattern).fullmatch(path):
            return path
    if not is_file_name(tenant):
        message = f"Windows has no file with the name of tenant {tenant!r}: git could not check it out there"
        raise InvalidInputError(message, hint="--to FILE.ndjson, or --to FILE.yaml if nobody uses Windows")
    raise InvalidInputError("no source names the file of a new tenant", hint="--to FILE")


def with_lines(data: bytes, documents: Mapping[str, dict[str, Json]]) -> bytes:
    """Return the lines with those of new tenants: in the order of names, or last if the lines have none."""
    rows = [row for row in data.decode().split("\n") if row.strip()]
    names = [_name(row) for row in rows]
    added = sorted((name, json_line(document)) for name, document in documents.items())
    both = [*zip(names, rows, strict=True), *added]
    if names == sorted(names):
        both.sort(key=lambda one: one[0])
    return "".join(f"{row}\n" for _, row in both).encode()


def _name(row: str) -> str:
    try:
        found = json.loads(row)
    except ValueError:
        return ""
    return str(found.get("tenant", "")) if isinstance(found, dict) else ""
