"""Encrypts the connection strings that the registry keeps, with keys of the environment (Fernet)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import MalformedKeyError, MissingKeyError, MissingRegistryPackageError
from reconciler.registry import INSTALL
from reconciler.secret import Secret

if TYPE_CHECKING:
    from reconciler.desired.tier import EnvReference
    from reconciler.environment import Environment

_BETWEEN: Final = re.compile(r"[\s,]+")
MAKE_KEY: Final = "openssl rand -base64 32 | tr '+/' '-_'"
"""Prints a new key."""


class Cipher:
    """Encrypts with the first key, and decrypts with each: a new key is put before the old one."""

    def __init__(self, reference: EnvReference, environ: Environment) -> None:
        """Reads the keys.

        Raises MissingKeyError for a variable that is not set, MalformedKeyError for what is no key, and
        RegistryError if the package is not installed.
        """
        value = environ.find(reference.name)
        if value is None:
            raise MissingKeyError(
                f"${reference.name} is not set: tiers.yaml names it as the key of the registry",
                hint=f"set it to the key that the connection strings are encrypted with; a new one: {MAKE_KEY}",
            )
        try:
            from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # noqa: PLC0415 - an optional package
        except ImportError as error:
            raise MissingRegistryPackageError(
                f"encrypted connection strings need the package {error.name}", hint=INSTALL
            ) from error
        try:
            keys = [Fernet(word) for word in _BETWEEN.split(value.reveal())]
        except ValueError:
            raise MalformedKeyError(
                f"the value of ${reference.name} contains a word that is not a key of a registry",
                hint=f"a key is 32 bytes as URL-safe base64; a new one: {MAKE_KEY}",
            ) from None
        self._first, self._all, self._invalid = keys[0], MultiFernet(keys), InvalidToken

    def encrypt(self, text: Secret) -> str:
        """The text as a token, by the first key."""
        return self._first.encrypt(text.reveal().encode()).decode()

    def decrypt(self, token: str) -> Secret | None:
        """The text of a token; None if no key decrypts it, or it is no token."""
        try:
            return Secret(self._all.decrypt(token.encode()).decode())
        except (self._invalid, UnicodeError):
            return None

    def is_newest(self, token: str) -> bool:
        """Whether the first key encrypted the token."""
        try:
            self._first.decrypt(token.encode())
        except (self._invalid, UnicodeError):
            return False
        return True
