"""The address under which other machines see this one."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from gdlab.transports import lan_address


def test_it_is_an_address_of_this_machine() -> None:
    address = lan_address()
    if address is None:
        pytest.skip("this machine has no way out")
    found = ipaddress.ip_address(address)
    assert not found.is_unspecified
    with socket.socket(socket.AF_INET6 if found.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
