"""Reads the tenants of the databases in tiers.yaml, once for each command, and only if the files are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.runtime import runtime
from reconciler.cli.trust import require_trust
from reconciler.registry.tenant_rows import read_rows

if TYPE_CHECKING:
    from reconciler.cli.trust import FilesAtBase
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import SqlSource

_READ: Final = "reconciler.tenant_rows"
"""In click's ``meta``: what was read, by source. A command that reads its files twice sees one state."""


def rows_of(files: FilesAtBase, source: SqlSource, fleet: DesiredState) -> list[dict[str, object]]:
    """Return the rows of a query.

    The query and the variable with the address must be those of the base, as for every other destination of a key:
    the author of a pull request could read any table by a query of his own, or send the password to another host.
    Raises what ``require_trust`` and ``read_rows`` raise.
    """
    context = click.get_current_context()
    known: dict[SqlSource, list[dict[str, object]]] = context.meta.setdefault(_READ, {})
    if source not in known:
        environ, given = runtime().environ, context.params
        require_trust(fleet, environ, files, given.get("base"), trust_files=bool(given.get("trust_files")))
        known[source] = read_rows(source.url, source.query, environ)
    return known[source]
