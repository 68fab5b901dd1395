"""Where parsed tenants are kept between runs: in a folder of the user's own, or that the environment names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.runtime import runtime
from reconciler.environment import CACHE
from reconciler.errors import InvalidInputError
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.regular_files import strangers_write_in

if TYPE_CHECKING:
    from reconciler.files.tenant_cache import TenantCache

OFF: Final = "off"


def known_tenants(root: Path, *, complete: bool = True, few: bool = False) -> KnownTenants:
    """What this run knows of the tenants of a fleet's folder, with what earlier runs have kept.

    ``complete``: it reads all tenants, and keeps them. ``few``: it looks at few of them.
    Raises InvalidInputError if the environment names a folder that a pull request could write to.
    """
    named = runtime().environ.find(CACHE)
    folder = None if named is None else named.reveal()
    if folder == OFF:
        return KnownTenants()
    if folder is not None:
        _check(folder)

    def opened(prices: bytes) -> TenantCache | None:
        from reconciler.files.tenant_cache import TenantCache  # noqa: PLC0415 - not where it is off

        return TenantCache.open(_users() if folder is None else Path(folder), prices, root)

    return KnownTenants(opened, complete=complete, few=few)


def _users() -> Path:
    import platformdirs  # noqa: PLC0415 - not where the environment names a folder

    return Path(platformdirs.user_cache_dir("reconciler"))


def _check(folder: str) -> None:
    if not os.path.isabs(folder) or strangers_write_in(os.path.realpath(folder)):  # noqa: PTH117 - as text
        raise InvalidInputError(
            f"${CACHE} is not an absolute path outside the repository and the current folder",
            hint=f"a pull request must not write there: name another folder, or say {CACHE}={OFF} for no cache",
        )
