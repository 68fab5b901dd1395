"""What an address of an API looks like, in the files and on the command line alike."""

from __future__ import annotations

from typing import Final

import pytest

from reconciler.desired.address import NEON, read_api_address
from reconciler.errors import InvalidInputError
from reconciler.files.finding import RejectedError
from reconciler.files.readers import read_host
from reconciler.neon.pace import Pace
from reconciler.neon.transport import Transport

GOOD: Final = (
    NEON,
    "https://xn--mnchen-3ya.example/neon",
    "https://10.1.2.3:8443/api/v2",
    "https://[2001:db8::1]/api/v2",
    "HTTPS://Gateway.corp/api",
    "http://127.0.0.1:8090/api/v2",
    "http://[::1]:80/x",
    "http://localhost",
)
BAD: Final = {
    "": "empty",
    " \n": "empty",
    "console.neon.tech": "https://",
    "ftp://x": "https://",
    "https://": "host",
    "https:///x": "no host",
    "https://xn--/": "host name",
    "https://xn--a/": "host name",
    "https://a.xn--b/": "host name",
    "https://a..b/": "host name",
    "https://.x/": "host name",
    "https://-x/": "host name",
    "https://%41/": "host name",
    f"https://{'a' * 64}.example/": "host name",
    f"https://{'a.' * 130}example/": "host name",
    "https://999.1.1.1/": "IP address",
    "https://1.2.3.4.5/": "IP address",
    "https://[::1": "host",
    "https://[fe80::1%25eth0]/": "IP address",
    "https://x:99999/": "port",
    "https://x:0": "port",
    "https://x:-1/": "port",
    "https://x:/": "port",
    "https://x:port": "port",
    "https://x:１２３/": "character",
    "https://x y/": "character",
    "https://x\\y/": "character",
    "https://x/\u2028": "character",
    "https://кonsole.neon.tech/api/v2": "character",
    "https://{host}/": "character",
    "https://${HOST}/": "variable",
    "https://x/${PATH}": "variable",
    "https://u:s3cret@x/": "password",
    "https://x/?a=b": "must not contain",
    "https://x/#f": "must not contain",
    "https://x/%zz": "path",
    "https://x/a/../b": "path",
    "https://x/%2e%2e/b": "path",
    "https://console.neon.tech": "/api/v2",
    "https://console.neon.tech/api/v2/projects": "/api/v2",
    f"https://x/{'a' * 600}": "characters",
    "http://10.0.0.1": "unencrypted",
    "http://localhost.evil.example": "unencrypted",
}


def transport(host: str) -> Transport:
    return Transport(host, pace=Pace(requests_per_minute=700, burst_per_second=40))


@pytest.mark.parametrize("address", GOOD)
def test_an_address_keeps_its_form_and_loses_its_last_slash(address: str) -> None:
    assert read_api_address(f"{address}/") == read_host(address) == address
    transport(address)


@pytest.mark.parametrize(("address", "told"), BAD.items())
def test_what_is_no_address_is_refused_in_the_files_and_elsewhere(address: str, told: str) -> None:
    for reader, error in ((read_host, RejectedError), (transport, InvalidInputError)):
        with pytest.raises(error, match=told) as caught:
            reader(address)
        assert "s3cret" not in str(caught.value)
    with pytest.raises(InvalidInputError) as caught:
        transport(address)
    assert len(address) < 10 or address not in str(caught.value)  # it may be a key in the wrong variable
