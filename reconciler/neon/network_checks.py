"""What ``reconciler doctor`` says about the way to the API: host, proxy and certificates. Makes no call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from reconciler.desired.address import address_to_show, read_api_address
from reconciler.errors import ReconcilerError
from reconciler.model.diagnosis import Area, failed_by, ok, warn
from reconciler.neon.http import httpx
from reconciler.neon.network import network_path_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.diagnosis import Check

CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def network_checks(host: str) -> Iterator[Check]:
    """The checks of the way to an address that has been permitted."""
    other = address_to_show(host)
    if other is None:
        yield ok(Area.NETWORK, f"API: {host}")
    else:
        yield warn(
            Area.NETWORK, f"keys go to {other}, which is not Neon's own API", "unset NEON_API_HOST for Neon's"
        )
    try:
        path = network_path_to(httpx.URL(read_api_address(host)), httpx.Limits())
    except ReconcilerError as error:
        yield failed_by(Area.NETWORK, error)
        return
    trusted = next((name for name in CERTIFICATES if os.environ.get(name)), None)
    source = f"those that ${trusted} names" if trusted else "those of the package certifi"
    yield ok(Area.NETWORK, f"{f'through {path.proxy}' if path.proxy else 'no proxy'}; certificates: {source}")
