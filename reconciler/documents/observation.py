"""A recorded observation as a file: JSON, compressed by gzip."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.errors import InvalidInputError
from reconciler.live.observation import Observation
from reconciler.model.format_version import OtherFormatError, require_format
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND: Final = "observation"
VERSION: Final = 1
MAX_BYTES: Final = 2**30
"""The largest JSON text that is read: about 30 times what 30,000 projects take."""
AGAIN: Final = "record a new one with `reconciler observe --out`"
_COMPRESSION: Final = 6
_DECODER: Final = msgspec.json.Decoder(Observation)


def written(observation: Observation) -> bytes:
    """The file. The same observation gives the same bytes."""
    document = {"format_version": VERSION, "kind": KIND, "observation": observation}
    return gzip.compress(msgspec.json.encode(document), _COMPRESSION, mtime=0)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, without the compression."""
    (content,), definitions = msgspec.json.schema_components([Observation], ref_template="#/$defs/{name}")
    members = {"format_version": {"const": VERSION}, "kind": {"const": KIND}, "observation": content}
    return {"type": "object", "required": [*members], "properties": members, "$defs": definitions}


def parsed(data: bytes, name: str) -> Observation:
    """The observation in a file. Raises InvalidInputError for what is none; ``name`` is what it calls the file."""
    hint = AGAIN
    try:
        document = msgspec.json.decode(_unpacked(data), type=dict[str, msgspec.Raw])
        _check_kind({key: msgspec.json.decode(document[key]) for key in ("format_version", "kind")})
        return _DECODER.decode(document["observation"])
    except KeyError as error:
        why = f"it has no member {error}"
    except OtherFormatError as error:
        why, hint = str(error), error.hint(AGAIN)
    except RecursionError:
        why = "it is nested too deeply"
    except (ValueError, EOFError, OSError, zlib.error, msgspec.DecodeError) as error:
        why = str(error)
    raise InvalidInputError(f"{name} cannot be used as an observation: {why}", hint=hint)


def _check_kind(header: Mapping[str, Any]) -> None:
    if header["kind"] != KIND:
        raise ValueError(f"its kind is {shown(header['kind'])}, not '{KIND}'")
    require_format(header["format_version"], VERSION)


def _unpacked(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    text = unpacking.decompress(data, MAX_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
    if not unpacking.eof:
        raise ValueError("it is incomplete")
    return text
