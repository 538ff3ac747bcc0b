"""Traffic for a capture, from the real engine and from the embedded source: both do the same."""

import pytest

import gdlab as gd
from gdlab import analysis, probe, traffic
from gdlab.errors import AddressError, GodotNotFound
from tests.waiting import wait_until


@pytest.fixture(params=["embedded", pytest.param("godot", marks=pytest.mark.godot)])
def real(request, monkeypatch):
    """Whether a real engine plays."""
    monkeypatch.delenv(traffic.ALREADY_VARIABLE, raising=False)
    if request.param == "godot":
        monkeypatch.setenv("GDLAB_GODOT", str(request.getfixturevalue("engine").path))
    return request.param == "godot"


def test_the_game_greets_is_answered_and_plays(real):
    with (
        gd.listen("udp://127.0.0.1:0", reply=b"hi", ping=0.05) as cap,
        traffic.demo_game(cap.addresses[0], engine=real) as game,
    ):
        assert game.is_godot is real
        assert ("Godot 4" in repr(game)) is real
        wait_until(lambda: cap.statistics().received > 60, 20)
        assert game.running
    assert not game.running
    received = cap.df.query("direction == 'in'")
    assert received.payload.iloc[0] == b"The answer is... 42!"
    found = [parsed for parsed in map(probe.parse, received.payload) if parsed]
    own = [parsed for parsed in found if not parsed.is_pong]
    assert [parsed.seq for parsed in own] == list(range(len(own)))
    assert len(own) > 10
    # What a game answers in its frames at 60 Hz takes up to a frame, on any machine.
    trips = analysis.round_trips(cap.df)
    assert len(trips) >= 5


def test_a_game_is_started_for_a_capture(real):
    with gd.listen("udp://127.0.0.1:0") as cap, gd.demo_game(cap, engine=real):
        wait_until(lambda: cap.statistics().received > 0, 20)


@pytest.mark.godot
def test_a_game_for_a_stream_runs_the_script_that_the_capture_writes(engine, monkeypatch):
    monkeypatch.setenv("GDLAB_GODOT", str(engine.path))
    with gd.listen("tcp://127.0.0.1:0") as cap, gd.demo_game(cap) as game:
        assert game.is_godot
        wait_until(lambda: cap.statistics().received > 0, 20)


def test_it_ends_by_itself(real):
    with (
        gd.listen("udp://127.0.0.1:0") as cap,
        traffic.demo_game(cap.addresses[0], engine=real, seconds=0.3) as game,
    ):
        wait_until(lambda: not game.running, 20)
        assert cap.statistics().received > 0


def test_without_an_engine_the_embedded_source_plays_and_says_why(monkeypatch, tmp_path):
    for name in ("GDLAB_GODOT", traffic.ALREADY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with traffic.demo_game("udp://127.0.0.1:40404") as game:
        assert "no Godot 4 was found" in repr(game)
        assert not game.is_godot
    with pytest.raises(GodotNotFound):
        traffic.demo_game("udp://127.0.0.1:40404", engine=True)


def test_a_game_that_runs_already_is_not_started_twice(monkeypatch):
    with traffic.demo_game("udp://127.0.0.1:40404", engine=False) as first:
        for name, value in traffic.announce(first).items():
            monkeypatch.setenv(name, value)
        second = traffic.demo_game("udp://127.0.0.1:40404")
        assert first.description in repr(second)
        second.stop()
        assert first.running
        with traffic.demo_game("udp://127.0.0.1:40405", engine=False) as other:
            assert other.description != first.description


@pytest.mark.parametrize("to", ["udp://127.0.0.1:0", "tcp://127.0.0.1:1", "udp://192.168.1.1:5"])
def test_it_sends_only_to_udp_on_this_machine(to):
    with pytest.raises(AddressError):
        traffic.demo_game(to)


def test_another_frame_rate_is_a_game_of_its_own(monkeypatch):
    monkeypatch.setenv(traffic.ALREADY_VARIABLE, "4242 somebody else's")
    assert "somebody else's" in repr(traffic.demo_game("udp://127.0.0.1:4242"))
    with traffic.demo_game("udp://127.0.0.1:4242", fps=240) as game:
        assert "somebody else's" not in repr(game)
