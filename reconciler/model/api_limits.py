"""Neon's limits on single calls, and on what they carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

ID_PATTERN: Final = "[a-z0-9-]{1,60}"
"""Neon: the pattern of ids in paths, and of ``org_id``."""
PROJECTS_PER_PAGE: Final = 400
"""Neon: projects in one page of a list, at most; the default is 10 (listProjects)."""
PROJECTS_PER_TRANSFER: Final = 400
"""Neon: projects that one call transfers, at most (transferProjectsFromOrgToOrg)."""
OLDEST_PG_VERSION: Final = 14
"""Neon: PgVersion. Of newer versions than the description has, some regions have one (SDK 6.1.2: 19)."""
MAX_NAME_LENGTH: Final = 256
"""Neon: characters in the name of a project or branch, at most."""
MAX_REPLICA_NAME_LENGTH: Final = 64
"""Neon: characters in the name of a compute, at most (EndpointCreateRequest)."""
ROLES_PER_BRANCH: Final = 500
"""Neon: at most (manage/roles)."""
DATABASES_PER_BRANCH: Final = 500
"""Neon: at most (manage/databases)."""
PROJECTS_PER_CONSUMPTION_CALL: Final = 100
"""Neon: projects in one page of the consumption history, at most (getConsumptionHistoryPerProjectV2)."""
RECOVERABLE: Final = timedelta(days=7)
"""Neon: how long a deleted project can be recovered (recoverProject)."""
CREATED_AT_PRECISION_SECONDS: Final = 1.0
"""Neon states ``created_at`` to the second. A rival created up to a second later may sort first, and has to be
listed too."""
