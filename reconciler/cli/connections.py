"""The file for connection strings: named by the user, readable by nobody else."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError, OutputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.secret import Secret

OWNER_ONLY: Final = 0o600


class ConnectionsFile:
    """JSON lines ``{"tenant": ..., "connection_uri": ...}``. Opened before any call, so that no string is lost."""

    def __init__(self, path: Path) -> None:
        """Creates the file if it does not exist. Raises InvalidInputError if that fails or others may read it."""
        self._path = path
        try:
            self._descriptor = regular_files.open_to_write(path, append=True, mode=OWNER_ONLY)
        except OSError as error:
            raise InvalidInputError(f"--connections-to {path}: {error.strerror}") from error
        except UnreadableError as error:
            raise InvalidInputError(f"--connections-to {path}: {error}", hint=regular_files.REMEDY) from error
        if os.fstat(self._descriptor).st_mode & 0o077:
            os.close(self._descriptor)
            raise InvalidInputError(
                f"--connections-to {path}: others may read this file",
                hint=f"chmod 600 -- {shlex.quote(str(path))}",
            )

    def write(self, connections: Mapping[str, Secret]) -> None:
        """Appends one line for each tenant and closes the file. Raises OutputError with the missing tenants.

        Nothing is taken back where the disk is full: another run may have appended to the file meanwhile.
        """
        missing = list(connections)
        try:
            with os.fdopen(self._descriptor, "w", encoding="utf-8") as file:
                for tenant, uri in connections.items():
                    file.write(json.dumps({"tenant": tenant, "connection_uri": uri.reveal()}) + "\n")
                    file.flush()
                    missing.remove(tenant)
        except OSError as error:
            raise OutputError(
                f"--connections-to {self._path}: {error.strerror}; no connection string of {', '.join(missing)}",
                hint="their projects exist: free the disk, and read the strings from Neon",
            ) from error
