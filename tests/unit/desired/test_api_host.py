"""When two addresses are the same one, and which is Neon's own."""

from __future__ import annotations

import pytest

from reconciler.desired.address import NEON, address_to_show, canonical, canonical_host, is_same_address


@pytest.mark.parametrize(
    "address",
    [
        "https://console.neon.tech/api/v2/",
        "HTTPS://Console.NEON.tech/api/v2",
        "https://console.neon.tech:443/api/v2",
    ],
)
def test_ways_to_write_the_same_address(address: str) -> None:
    assert canonical(address) == NEON
    assert address_to_show(address) is None
    assert is_same_address(address, NEON)


@pytest.mark.parametrize(
    "address",
    [
        "https://console.neon.tech:444/api/v2",
        "https://console.neon.tech.evil.example/api/v2",
        "https://console.neon.tech.evil.example/API/v2",
        "https://xn--cnsole-vqf.neon.tech/api/v2",
        "http://127.0.0.1/api/v2",
    ],
)
def test_what_only_looks_like_it_is_another_one(address: str) -> None:
    assert address_to_show(address) == canonical(address) != NEON
    assert not is_same_address(address, NEON)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "console.neon.tech",
        "ftp://console.neon.tech",
        "https://",
        "https://me@console.neon.tech/api/v2",
        "https://console.neon.tech@evil.example/api/v2",
        "https://console.neon.tech\\@evil.example/api/v2",
        "https://console.neon.tech /api/v2",
        "https://console.neon.tech/\n/api/v2",
        "https://console.neon.tech./api/v2",
        "https://\uff43onsole.neon.tech/api/v2",
        "https://c\u043ensole.neon.tech/api/v2",
        "https://console.neon.tech/api/v3",
        "https://console.neon.tech/api/v2/../../x",
        "http://console.neon.tech/api/v2",
        "https://console.neon.tech:x/api/v2",
        "https://console.neon.tech:99999/api/v2",
        "https://console.neon.tech/api/v2?key=1",
        "https://console.neon.tech/api/v2#x",
        "https://console..neon.tech/api/v2",
        "https://host/napi_0123456789",
        "napi_0123456789",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"^(it|its|the path) ") as caught:
        canonical(address)
    assert "0123456789" not in str(caught.value)
    assert not is_same_address(address, NEON)


def test_a_host_alone_stands_for_its_https_address() -> None:
    assert canonical_host("Neon.Proxy.example") == "https://neon.proxy.example/api/v2"
    assert canonical_host("localhost:8443") == "https://localhost:8443/api/v2"
    assert canonical_host("[::1]:8443") == "https://[::1]:8443/api/v2"
    assert canonical_host("http://127.0.0.1:8090/api/v2/") == "http://127.0.0.1:8090/api/v2"
    with pytest.raises(ValueError, match="starts with https"):
        canonical_host("a/b")
