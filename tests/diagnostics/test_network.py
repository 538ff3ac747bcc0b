"""Ports, buffers, stamps and firewalls of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import gdlab as gd
from gdlab.diagnostics import network
from gdlab.messages import TimeSource
from gdlab.transports import Reception

GOOD = Reception(TimeSource.KERNEL, 50.0, True, 2**25, 2**26)

HOLDER = """
import socket, sys
sock = socket.socket(type=socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM)
sock.bind(("127.0.0.1", 0))
if sys.argv[1] != "udp":
    sock.listen()
print(sock.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["udp", "tcp", "ws"])
def taken(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """An address whose port another process holds, and the id of that."""
    scheme = request.param
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, scheme], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        yield f"{scheme}://127.0.0.1:{int(holder.stdout.readline())}", holder.pid
        holder.stdin.close()


def test_a_port_that_another_process_holds_is_told_with_the_way_out(taken: tuple[str, int]) -> None:
    address, pid = taken
    line = network.port(address)
    assert line.state == "warn"
    assert line.check.startswith("port ")
    assert sys.platform != "linux" or f"process {pid} (" in line.found
    assert f"{address.partition(':')[0]}://127.0.0.1:0" in line.to_do


@pytest.mark.parametrize("scheme", ["udp", "tcp", "ws"])
def test_a_port_of_our_own_is_no_trouble_and_a_free_one_stays_free(scheme: str) -> None:
    with gd.listen(f"{scheme}://127.0.0.1:0") as cap:
        line = network.port(cap.addresses[0])
        assert line.state == "ok" or sys.platform != "linux"
        assert sys.platform != "linux" or "this notebook itself" in line.found
    line = network.port(cap.addresses[0])
    assert (line.state, line.found) == ("ok", "free")
    with gd.listen(cap.addresses[0], restart=True):
        pass


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may bind any port")
def test_a_port_that_the_system_keeps_is_said_to_be() -> None:
    line = network.port("udp://127.0.0.1:7")
    assert line.state == "warn"
    assert "privileged" in line.found


def test_time_stamps_and_buffers_are_really_tried() -> None:
    stamps, buffer = network.sockets()
    assert sys.platform != "linux" or (stamps.state, stamps.found[:13]) == ("ok", "by the kernel")
    assert "granted" in buffer.found


def test_stamps_by_python_and_small_buffers_are_worth_a_look() -> None:
    stamps, buffer = network.sockets(lambda: replace(GOOD, time_source=TimeSource.USER, buffer_bytes=425_984))
    assert stamps.state == "warn"
    assert "late by milliseconds" in stamps.to_do
    assert buffer.state == "warn"
    assert "416.0 KiB granted, 32.0 MiB asked for" in buffer.found
    assert sys.platform != "linux" or "sysctl -w net.core.rmem_max=33554432" in buffer.to_do
    assert [line.state for line in network.sockets(lambda: GOOD)] == ["ok", "ok"]


def test_a_machine_that_filters_loopback_fails() -> None:
    def fails() -> Reception:
        raise OSError("a datagram to ourselves did not arrive")

    (line,) = network.sockets(fails)
    assert line.state == "fail"
    assert "did not arrive" in line.found


@pytest.mark.parametrize(
    ("platform", "said"),
    [("win32", "python.exe"), ("darwin", "System Settings"), ("linux", "let UDP 4242")],
)
def test_each_system_has_its_own_firewall(platform: str, said: str, tmp_path: Path) -> None:
    (line,) = network.firewall(platform, ufw=tmp_path / "none", firewalld=tmp_path / "none")
    if "in no network" in line.found:
        pytest.skip("this machine has no way out")
    assert line.state == "ok"
    assert said in line.to_do
    assert 'host="lan"' in line.to_do


def test_a_firewall_that_is_known_to_be_on_is_named(tmp_path: Path) -> None:
    on, off = tmp_path / "on.conf", tmp_path / "off.conf"
    on.write_text("# ufw\nENABLED=yes\n")
    off.write_text("ENABLED=no\n")
    (line,) = network.firewall("linux", ufw=on, firewalld=tmp_path / "none")
    if "in no network" in line.found:
        pytest.skip("this machine has no way out")
    assert "sudo ufw allow" in line.to_do
    (line,) = network.firewall("linux", ufw=off, firewalld=tmp_path)
    assert "firewall-cmd" in line.to_do
    (line,) = network.firewall("linux", ufw=off, firewalld=tmp_path / "none")
    assert line.state == "ok"


def test_loopback_of_ipv6_is_tried() -> None:
    (line,) = network.ipv6()
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
        there = True
    except OSError:
        there = False
    assert ("::1; gdlab listens on both" in line.found) == there
