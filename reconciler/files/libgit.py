"""libgit2, which reads a repository without starting a program: no filter, no hook, no fsmonitor, no fetch.

Import ``pygit2`` from here alone.
"""

from __future__ import annotations

import os

_CERTIFICATES = {name: os.environ.pop(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
# pygit2 loads them when it is imported, and fails where they are no certificates. Nothing here uses its network.
try:
    import pygit2
finally:
    os.environ.update(_CERTIFICATES)

__all__ = ["pygit2"]

# A partial clone is read as far as it goes; libgit2 would refuse it, and never fetches what is missing.
pygit2.settings.set_extensions(["partialclone"])
