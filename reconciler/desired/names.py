"""Names: what a tenant's is made of, and when two of them are one.

Many letters can be written in two ways (NFC and NFD): names are compared and stored in NFC. Some file systems know
no case: two tenants whose names differ in case alone would have one file, and are an error.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_TENANT_LENGTH: Final = 128
TENANT_SIGN: Final = "[A-Za-z0-9._+@-]"
"""ASCII alone: letters of other alphabets look like these and would be another tenant."""
TENANT: Final = re.compile(rf"[A-Za-z0-9_+@]{TENANT_SIGN}*")
"""User ids and e-mail addresses. A name that begins with ``.`` would be a hidden file, with ``-`` an option."""


def composed(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def identity(name: str) -> str:
    """What tenants' names have in common that are one name."""
    return composed(name).casefold()
