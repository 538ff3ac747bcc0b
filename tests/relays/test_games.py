"""Games and the tutorial's programs through a relay: the same as without one, or with what was planted."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis
from tests.relays.games import arrived
from tests.waiting import wait_until

pytestmark = pytest.mark.godot


def payloads(table: pd.DataFrame) -> list[str]:
    """What came in, without the sender's clock."""
    return [re.sub(r'"t_us": ?\d+', "", bytes(payload).decode(errors="replace")) for payload in table.payload]


def play_tcp(to: str | None = None) -> tuple[list[str], list[str]]:
    """The tutorial's TCP program, directly or through a relay: what came, and what it printed."""
    with gd.listen("tcp://127.0.0.1:0", framing="json") as server:
        px = None if to is None else gd.relay("tcp://127.0.0.1:0", to=server.addresses[0], preset=to)
        game = gd.course.program(
            "tcp_positions", engine=True, to=px or server, form="json", count=60, per_frame=2
        ).wait_sync(60)
        wait_until(lambda: len(arrived(server)) >= 60, 20)
        if px is not None:
            px.stop()
        return payloads(arrived(server)), game.prints


def play_ws(to: str | None = None) -> tuple[list[str], list[str]]:
    """The tutorial's WebSocket program."""
    with gd.listen("ws://127.0.0.1:0", reply=gd.replies.echo) as server:
        px = None if to is None else gd.relay("ws://127.0.0.1:0", to=server.addresses[0], preset=to)
        game = gd.course.program(
            "ws_client", engine=True, to=px or server, end="close", code=1000, reason="done"
        ).wait_sync(60)
        wait_until(lambda: len(server.df.query("event == 'close'")) > 0, 20)
        closed = server.df[server.df.event == "close"]
        assert closed.code.tolist() == [1000]
        if px is not None:
            px.stop()
        return payloads(arrived(server)), game.prints


def play_udp(to: str | None = None) -> tuple[list[str], list[str]]:
    """The tutorial's UDP server: what it read comes back."""
    with gd.course.program("udp_drained", engine=True) as game:
        address = f"udp://127.0.0.1:{game.port}"
        px = None if to is None else gd.relay("udp://127.0.0.1:0", to=address, preset=to)
        with gd.connect(px.address if px else address) as client:
            for n in range(100):
                client.send({"n": n})
                wait_until(lambda n=n: len(arrived(client)) > n - 20, 20)
            wait_until(lambda: len(arrived(client)) == 100, 20)
            if px is not None:
                px.stop()
            return payloads(arrived(client)), [line for line in game.prints if line.startswith("Received")]


@pytest.mark.parametrize("play", [play_tcp, play_ws, play_udp], ids=lambda play: play.__name__)
def test_the_tutorials_programs_behave_the_same_behind_a_relay_that_does_nothing(play, engine) -> None:
    direct, relayed = play(), play("none")
    assert direct == relayed
    assert direct[0]


def test_the_sample_game_is_greeted_and_answers_pings_through_a_relay(engine) -> None:
    with (
        gd.listen(
            "udp://127.0.0.1:0", reply=lambda m: "go" if m.text.startswith("The") else None, ping=0.05
        ) as server,
        gd.relay("udp://127.0.0.1:0", to=server.addresses[0], preset="none") as px,
        gd.demo_game(px.address, engine=True),
    ):
        wait_until(lambda: len(analysis.round_trips(server).dropna()) >= 20, 30)
        px.stop(flush=True)
        table, truth = px.with_truth()
        said = set(arrived(server).payload.map(bytes))
    assert b"The answer is... 42!" in said
    assert (truth.fate == "passed").all()
    # Whatever came in at one side went out at the other, unchanged.
    assert (
        table.payload.iloc[truth.row_in.astype(int)].tolist()
        == table.payload.iloc[truth.row_out.astype(int)].tolist()
    )


def test_what_4g_moving_plants_comes_out_of_the_measures(engine) -> None:
    with (
        gd.listen("udp://127.0.0.1:0") as server,
        gd.relay("udp://127.0.0.1:0", to=server.addresses[0], preset="4g-moving", seed=20) as px,
    ):
        gd.course.program("player", engine=True, to=px, every=1, form="json", seconds=6).wait_sync(60)
        wait_until(lambda: px.status.get("held", 1) == 0, 20)
        px.stop(flush=True)
        truth = px.truth
        passed = truth[truth.fate == "passed"]
        server.wait_sync(len(passed))
        agreed = px.agreement(server)
        counted = analysis.sequence(server, seq="v.seq").iloc[0]
    assert agreed.loc[["arrived", "lost", "duplicated", "reordered"], "agrees"].all(), agreed
    lost = set(truth.n) - set(passed.n)
    # Of a loss at the end no later number tells.
    assert counted.lost == len({n for n in lost if n < passed.n.max()})
    assert 0.002 < len(lost) / truth.n.nunique() < 0.08  # 2 % in runs of 2 on average
    drawn = passed.delay_drawn_ms
    assert 10 <= drawn.min() < 15
    assert 45 < drawn.max() <= 50
    assert drawn.median() == pytest.approx(30, abs=5)
    assert json.loads(bytes(arrived(server).payload.iloc[0]))["seq"] == passed.n.iloc[0]
