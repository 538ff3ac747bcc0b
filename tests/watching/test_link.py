"""A watch on real sockets: who connects, what is answered, how it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import watching
from gdlab.errors import EndpointClosed, PortInUse, WaitTimeout
from gdlab.watching import Watch
from tests.waiting import wait_until
from tests.watching.puppets import Puppet, puppet

TREE = [
    1,
    "root",
    "Window",
    1,
    "",
    0,
    1,
    "Main",
    "res://main.gd",
    2,
    "res://main.tscn",
    0,
    0,
    "Hero",
    "Node2D",
    3,
    "",
    0,
]


@pytest.fixture
def watch() -> Iterator[Watch]:
    with gd.debugger(restart=True) as made:
        yield made
    assert not made.running


def texts(watch: Watch) -> list[str]:
    return watch.log["text"].tolist()


def test_a_game_that_connects_is_a_row_with_its_process_id(watch: Watch) -> None:
    with puppet(watch) as game:
        game.say("output", [["hello\nthere", "oops"], [0, 1]])
        wait_until(lambda: len(watch.log) == 4)
        assert texts(watch) == ["game 1 has connected, process 4711", "hello", "there", "oops"]
        assert watch.log["kind"].tolist() == ["link", "print", "print", "stderr"]
        assert watch.games[0].pid == 4711
    wait_until(lambda: not watch.games[0].running)
    assert "quit or crashed" in texts(watch)[-1]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")
def test_a_unix_socket_does_as_well_and_is_gone_afterwards() -> None:
    with gd.debugger(restart=True) as watch:
        path = Path(watch.best_address.removeprefix("unix://"))
        with puppet(watch, unix=True) as game:
            game.begin()
            watch.wait()
        assert path.exists()
    assert not path.parent.exists()


def test_breaks_are_answered_and_have_their_place(watch: Watch) -> None:
    with puppet(watch) as game:
        game.say("debug_enter", [False, "Invalid call", True, 5], thread=5)
        game.await_request("get_stack_dump")
        game.say("stack_dump", [3, "res://main.gd", 12, "boom"])
        game.await_request("continue")
        game.say("debug_exit", [])
        wait_until(lambda: watch.break_times["stood_ms"].notna().any())
        row = watch.break_times.iloc[0]
        assert (row["file"], row["line"], row["function"], row["text"]) == (
            "res://main.gd",
            12,
            "boom",
            "Invalid call",
        )
        assert watch.log["kind"].tolist()[1:] == ["break", "continue"]


def test_a_held_break_counts_down_until_it_is_let_go() -> None:
    with gd.debugger(breaks="hold", restart=True) as watch, puppet(watch) as game:
        game.say("debug_enter", [True, "Breakpoint Statement", False, 1])
        wait_until(lambda: watch.games and watch.games[0].session.broken)
        assert "its peers leave in" in watch.status.text
        assert "resume" in watch.status.hint
        assert watch.resume() == 1
        game.await_request("continue")
        game.say("debug_exit", [])
        wait_until(lambda: watch.break_times["stood_ms"].notna().all())
        assert watch.resume() == 0


def test_several_games_are_told_apart(watch: Watch) -> None:
    watch.expect(11, "server")
    watch.expect(12, "client")
    watch.expect(13, "client")
    with puppet(watch, 11) as first, puppet(watch, 12) as second, puppet(watch, 13) as third:
        for game in (first, second, third):
            game.begin()
        watch.wait(3)
        first.say("output", [["from the server"], [0]])
        wait_until(lambda: "from the server" in texts(watch))
        log = watch.log
        assert log[log["text"] == "from the server"]["game"].tolist() == ["server"]
        assert {game.label for game in watch.games} == {"server", "client", "client (2)"}
        with pytest.raises(LookupError, match="several games"):
            watch.tree()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.0\r\n\r\n" * 300, os.urandom(9000), b"\x00" * 5000])
def test_garbage_is_turned_away_and_told_and_the_games_go_on(watch: Watch, garbage: bytes) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        stranger = Puppet(watch, 0)
        stranger.sock.sendall(garbage)
        while stranger.sock.recv(65536):
            pass
        stranger.close()
        wait_until(lambda: any("was ended" in text for text in texts(watch)))
        assert len(watch.games) == 1
        game.say("output", [["still here"], [0]])
        wait_until(lambda: "still here" in texts(watch))


def test_a_connection_that_says_nothing_is_no_game(watch: Watch) -> None:
    Puppet(watch, 0).close()
    wait_until(lambda: len(watch.log) == 1)
    assert watch.games == ()
    assert "waiting for a game" in watch.status.text
    assert "--remote-debug" in watch.option


def test_a_link_that_drops_in_a_message_says_so(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        game.sock.sendall(b"\x50\x00\x00\x00abc")
    wait_until(lambda: not watch.games[0].running)
    assert "in the middle of a message" in texts(watch)[-1]
    with pytest.raises(EndpointClosed, match="not there any more"):
        watch.call("/root/Main", "jump")


def test_the_tree_and_properties_are_asked_for(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()

        def answer() -> None:
            game.await_request("scene:request_scene_tree")
            game.say("scene:scene_tree", TREE)
            game.await_request("scene:inspect_objects")
            game.say(
                "scene:inspect_objects",
                [[3, "Node2D", [["Members/hp", 2, 0, "", 6, 42], ["position", 3, 0, "", 6, 1.5]]]],
            )

        helper = threading.Thread(target=answer)
        helper.start()
        table = watch.variables("/root/Main/Hero").df
        helper.join()
        assert table[["hp", "position"]].to_numpy().tolist() == [[42, 1.5]]
        assert not table["touched"].any()


def test_a_call_finds_its_scene_and_marks_what_follows(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()

        def answer() -> None:
            game.await_request("scene:request_scene_tree")
            game.say("scene:scene_tree", TREE)

        helper = threading.Thread(target=answer)
        helper.start()
        watch.call("/root/Main/Hero", "rpc_id", 1, "hello", "hi")
        helper.join()
        assert game.await_request("scene:live_set_root") == ("/root", "res://main.tscn")
        assert game.await_request("scene:live_node_path") == ("Hero", 1)
        assert game.await_request("scene:live_node_call") == (1, "rpc_id", 1, "hello", "hi")
        game.say("output", [["called"], [0]])
        wait_until(lambda: "called" in texts(watch))
        assert watch.log.set_index("text").loc["called", "touched"]


def test_a_game_that_does_not_answer_is_a_timeout_that_says_how_it_is(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        with pytest.raises(WaitTimeout, match="scene tree"):
            watch.tree(timeout=0.1)
    with pytest.raises(WaitTimeout, match="release export"):
        watch.wait(5, timeout=0.05)


def test_steering_is_asked_of_every_game_and_told_in_the_log(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        watch.pause()
        watch.speed(0.25)
        watch.profile("functions")
        assert game.await_request("scene:suspend_changed") == (True,)
        assert game.await_request("scene:speed_changed") == (0.25,)
        assert game.await_request("profiler:servers") == (True, [16, False])
        assert any("pauses the game" in text for text in texts(watch))
        with pytest.raises(ValueError, match="factor"):
            watch.speed(0)


def test_the_same_port_gives_back_the_running_watch() -> None:
    with gd.debugger(restart=True) as first:
        assert gd.debugger() is first
        port = int(first.address.rpartition(":")[2])
        with pytest.raises(PortInUse, match="6007"), socket.create_server(("127.0.0.1", 0)) as taken:
            gd.debugger(taken.getsockname()[1])
        first.stop()
        with gd.debugger(port) as second:
            assert second is not first
            assert gd.debugger(port) is second
            with gd.debugger(port, breaks="hold") as third:
                assert not second.running
                assert third.address == second.address


def test_stopping_frees_the_port_and_keeps_the_tables(watch: Watch) -> None:
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        assert watch in watching.running()
        assert watching.stop_all() >= 1
        assert game.sock.recv(65536) is not None
        assert not watch.running
        assert len(watch.monitors) == 1
        assert "stopped" in repr(watch)
        watch.stop()
    with socket.create_server(("127.0.0.1", int(watch.address.rpartition(":")[2]))):
        pass


def test_what_a_game_says_cannot_act_in_the_page(watch: Watch) -> None:
    with puppet(watch) as game:
        game.say("output", [["<script>alert(1)</script>"], [0]])
        wait_until(lambda: len(watch.log) == 2)
        assert "<script>" not in watch._repr_html_()
        assert "&lt;script&gt;" in watch._repr_html_()


def test_bad_settings_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="profiler"):
        gd.debugger(profile=["nonsense"], restart=True)
    with pytest.raises(ValueError, match="breaks"):
        gd.debugger(breaks="never")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="players"):
        gd.watch(project=".", players=0)


def test_a_game_can_be_asked_not_to_stop_at_all() -> None:
    with gd.debugger(breaks="ignore", restart=True) as watch, puppet(watch) as game:
        assert game.await_request("set_ignore_error_breaks") == (True,)
        game.say("debug_enter", [False, "before the request was read", False, 1])
        game.await_request("continue")


def test_methods_are_named_by_the_tree_and_the_project(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "project.godot").write_text("config_version=5\n")
    (tmp_path / "main.gd").write_text(
        'extends Node\n@rpc("any_peer")\nfunc hello(a):\n\tpass\n@rpc\nfunc bye():\n\tpass\n'
    )
    watch.expect(4711, "mine", project=tmp_path)
    with puppet(watch) as game:
        game.begin()
        watch.wait()
        game.say("scene:scene_tree", TREE)
        wait_until(lambda: watch.games[0].tree)
    wait_until(lambda: not watch.games[0].running)
    assert watch.rpc_methods() == {"Main": ["bye", "hello"]}


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here")
def test_what_a_killed_kernel_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    left = tmp_path / f"gdlab-debugger-{int(dead.stdout)}-x"
    kept = tmp_path / f"gdlab-debugger-{os.getpid()}-x"
    left.mkdir()
    kept.mkdir()
    with gd.debugger(restart=True):
        assert not left.exists()
        assert kept.exists()
