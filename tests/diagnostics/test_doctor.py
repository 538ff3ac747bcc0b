"""The check-up as a whole, with situations that are provoked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import gdlab as gd
from gdlab.diagnostics import Line, Report, State
from gdlab.diagnostics.doctor import run
from gdlab.diagnostics.network import PORTS
from tests.godot.helpers import fake_engine, posix_only


def row(report: Report, check: str) -> tuple[str, str, str]:
    """State, what was found, and what to do."""
    found = report[report["check"] == check]
    assert len(found) == 1, report
    state, text, to_do = found.iloc[0, 1:]
    return state, text, to_do


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Godot; the folder is its whole PATH."""
    monkeypatch.delenv("GDLAB_GODOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "bin"


def test_every_line_is_ok_or_says_what_to_do() -> None:
    began = time.monotonic()
    report = gd.doctor(time_limit_s=20)
    assert time.monotonic() - began < 25
    assert set(report["state"]) <= {"ok", "warn", "fail"}
    assert (report["found"] != "").all()
    assert (report.loc[report["state"] != "ok", "what to do"] != "").all()
    assert report["check"].is_unique
    names = set(report["check"])
    assert {"gdlab", "packages", "pyarrow", "kernel", "widgets", "place", "IPv6"} <= names
    assert {"time stamps", "receive buffer", "network", "Godot", "offline"} <= names
    assert sum(name.startswith("port ") for name in names) == len(PORTS)


def test_versions_are_those_of_this_python() -> None:
    report = gd.doctor(time_limit_s=20)
    assert gd.__version__ in row(report, "gdlab")[1]
    state, found, _ = row(report, "packages")
    assert state == "ok"
    assert "ipywidgets " in found
    assert "websockets " in found


def test_without_godot_it_says_how_to_get_one(no_engine: Path) -> None:
    state, found, to_do = row(gd.doctor(time_limit_s=20), "Godot")
    assert (state, found) == ("warn", "no Godot 4 found")
    assert "godotengine.org" in to_do
    assert "gd.sample() lists captures" in to_do


@posix_only
def test_godot_3_is_told_from_godot_4(no_engine: Path) -> None:
    fake_engine(no_engine / "godot", "echo 3.5.stable.official.991bb6ac7")
    report = gd.doctor(time_limit_s=20)
    state, _, to_do = row(report, "Godot")
    assert state == "fail"
    assert "is Godot 3.5.stable" in to_do
    assert "needs Godot 4" in to_do
    assert not report.ok


@posix_only
def test_a_godot_that_does_not_answer_costs_no_more_than_the_time_limit(no_engine: Path) -> None:
    fake_engine(no_engine / "godot", "/bin/sleep 600")
    began = time.monotonic()
    state, found, to_do = row(gd.doctor(time_limit_s=1.5), "Godot")
    assert time.monotonic() - began < 10
    assert state == "warn"
    assert "not tell its version" in to_do or "no answer" in found


def test_a_setting_that_names_no_engine_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDLAB_GODOT", "/nowhere/godot")
    state, found, to_do = row(gd.doctor(time_limit_s=20), "Godot")
    assert (state, found) == ("fail", "GDLAB_GODOT does not work")
    assert "/nowhere/godot" in to_do


def test_a_hub_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    state, found, to_do = row(gd.doctor(time_limit_s=20), "place")
    assert state == "warn"
    assert found.startswith("JupyterHub")
    assert "/user/ada/proxy/5000/" in to_do


def test_a_check_that_fails_itself_is_a_line() -> None:
    def broken() -> list[Line]:
        raise RuntimeError("oh")

    report = run({"broken": broken, "fine": lambda: [Line("fine", State.OK, "yes")]}, 5)
    assert row(report, "broken")[:2] == ("warn", "could not be checked: RuntimeError: oh")
    assert row(report, "fine")[0] == "ok"


def test_a_check_that_hangs_is_left_open() -> None:
    ends = threading.Event()

    def hangs() -> list[Line]:
        ends.wait(30)
        return []

    report = run({"hangs": hangs}, 0.05)
    ends.set()
    assert row(report, "hangs")[:2] == ("warn", "no answer within 0.05 s")


def test_nothing_is_sent_to_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    real: Callable[..., int] = socket.socket.sendto

    class Watched(socket.socket):
        def sendto(self, *arguments: object) -> int:
            sent.append(arguments[-1])
            return real(self, *arguments)

    monkeypatch.setattr(socket, "socket", Watched)
    gd.doctor(time_limit_s=20)
    assert sent
    assert {address[0] for address in sent if isinstance(address, tuple)} == {"127.0.0.1"}
