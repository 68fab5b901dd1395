"""httpx without its command line, whose imports (rich, pygments) take a third of httpx's import time.

Import ``httpx`` only from here.
"""

from __future__ import annotations

import sys
from typing import Final, cast

_COMMAND_LINE: Final = "httpx._main"
_MODULES: Final = cast("dict[str, object]", sys.modules)

# httpx imports its command line where rich is installed, and catches the ImportError where it is not. None in
# sys.modules raises that ImportError (Python language reference, "The module cache"). Only httpx.main is affected,
# and not that of a program that has imported httpx, or whose other thread is importing it at this moment.
_IS_FIRST: Final = "httpx" not in _MODULES
if _IS_FIRST:
    _MODULES.setdefault(_COMMAND_LINE, None)
try:
    import httpx
finally:
    if _IS_FIRST and _MODULES.get(_COMMAND_LINE) is None:
        _MODULES.pop(_COMMAND_LINE, None)

__all__ = ["httpx"]
