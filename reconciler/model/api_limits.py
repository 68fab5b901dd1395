"""Neon's limits on single calls, and on what they carry."""

from __future__ import annotations

from typing import Final

PROJECTS_PER_PAGE: Final = 400
"""Neon: projects in one page of a list, at most; the default is 10 (listProjects)."""
PROJECTS_PER_TRANSFER: Final = 400
"""Neon: projects that one call transfers, at most (transferProjectsFromOrgToOrg)."""
CREATES_PER_CHECK: Final = PROJECTS_PER_PAGE
"""Projects that are created before one check for duplicates: as many as one page lists."""
OLDEST_PG_VERSION: Final = 14
"""Neon: PgVersion. Of newer versions than the description has, some regions have one (SDK 6.1.2: 19)."""
MAX_NAME_LENGTH: Final = 256
"""Neon: characters in the name of a project or branch, at most."""
