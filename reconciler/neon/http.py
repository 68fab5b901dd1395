"""httpx without its command line, whose imports (rich, pygments) take a third of httpx's import time.

Import ``httpx`` only from here.
"""

from __future__ import annotations

import sys
from typing import Final, cast

_COMMAND_LINE: Final = "httpx._main"
_MODULES: Final = cast("dict[str, object]", sys.modules)

# httpx imports its command line where rich is installed, and catches the ImportError where it is not. None in
# sys.modules raises that ImportError (Python language reference, "The module cache"). Only httpx.main is affected.
_MODULES.setdefault(_COMMAND_LINE, None)
try:
    import httpx
finally:
    if _MODULES[_COMMAND_LINE] is None:
        del _MODULES[_COMMAND_LINE]

__all__ = ["httpx"]
