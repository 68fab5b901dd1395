"""Identifiers that look like Neon's, each a function of a number: the same run makes the same ids."""

from __future__ import annotations

import uuid
from hashlib import blake2b
from typing import Final

# fmt: off
_ADJECTIVES: Final = (
    "aged", "autumn", "billowing", "bitter", "blue", "bold", "broad", "broken", "calm", "cold", "cool",
    "crimson", "curly", "damp", "dark", "dawn", "delicate", "divine", "dry", "empty", "falling", "fancy",
    "flat", "floral", "fragrant", "frosty", "gentle", "green", "hidden", "holy", "icy", "jolly", "late",
    "lingering", "little", "lively", "long", "lucky", "misty", "morning", "muddy", "mute", "nameless", "noisy",
    "odd", "old", "orange", "patient", "plain", "polished", "proud", "purple", "quiet", "rapid", "raspy", "red",
    "restless", "rough", "round", "royal", "shiny", "shrill", "shy", "silent",
)
_NOUNS: Final = (
    "art", "band", "bar", "base", "bird", "block", "boat", "bonus", "bread", "breeze", "brook", "bush",
    "butterfly", "cake", "cell", "cherry", "cloud", "credit", "darkness", "dawn", "dew", "disk", "dream",
    "dust", "feather", "field", "fire", "firefly", "flower", "fog", "forest", "frog", "frost", "glade",
    "glitter", "grass", "hall", "hat", "haze", "heart", "hill", "king", "lab", "lake", "leaf", "limit", "math",
    "meadow", "mode", "moon", "morning", "mountain", "mouse", "mud", "night", "paper", "pine", "poetry", "pond",
    "queen", "rain", "recipe", "resonance", "rice", "river",
)
# fmt: on


def project_id(number: int) -> str:
    """Like ``quiet-lake-12345678``; unique, because the digits are a permutation of the numbers."""
    return f"{_words('project', number)}-{number * 47_055_833 % 90_000_000 + 10_000_000}"


def branch_id(number: int) -> str:
    """Like ``br-quiet-lake-a1b2c3d4``."""
    return f"br-{_words('branch', number)}-{_hexadecimal(number)}"


def endpoint_id(number: int) -> str:
    """Like ``ep-quiet-lake-a1b2c3d4``."""
    return f"ep-{_words('endpoint', number)}-{_hexadecimal(number)}"


def snapshot_id(number: int) -> str:
    """Like ``snap-quiet-lake-a1b2c3d4``."""
    return f"snap-{_words('snapshot', number)}-{_hexadecimal(number)}"


def scheduled_snapshot_id(branch_id: str, item: int, moment: float) -> str:
    """Like ``snap-quiet-lake-a1b2c3d4e5f60718``: of the snapshot that an item of a schedule takes at a moment."""
    number = int.from_bytes(_digest(f"{branch_id}:{item}", int(moment))[:8], "big")
    return f"snap-{_words('snapshot', number)}-{number:016x}"


def operation_id(number: int) -> str:
    """A UUID."""
    return str(uuid.UUID(bytes=_digest("operation", number), version=4))


def permission_id(number: int) -> str:
    """A UUID."""
    return str(uuid.UUID(bytes=_digest("permission", number), version=4))


def password(number: int) -> str:
    """A password that is plainly a simulated one."""
    return f"npg_sim{_digest('password', number).hex()[:12]}"


def api_key(number: int) -> str:
    """An API key that is plainly a simulated one."""
    return f"napi_sim{_digest('api key', number).hex()}"


def _words(kind: str, number: int) -> str:
    digest = _digest(kind, number)
    return f"{_ADJECTIVES[digest[0] % len(_ADJECTIVES)]}-{_NOUNS[digest[1] % len(_NOUNS)]}"


def _hexadecimal(number: int) -> str:
    return f"{number * 2_654_435_761 % 2**32:08x}"


def _digest(kind: str, number: int) -> bytes:
    return blake2b(f"{kind}:{number}".encode(), digest_size=16).digest()
