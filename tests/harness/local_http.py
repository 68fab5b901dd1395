"""How a test calls what it serves on this machine: without certificates, which take 20 ms to read."""

from __future__ import annotations

import ssl
from typing import Any, Final

LOCAL: Final[dict[str, Any]] = {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
"""For ``httpx.get`` and its like: no proxy of the user, and nobody is trusted."""
