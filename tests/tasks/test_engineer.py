"""An engineer with a game of four clients at 60 Hz and a packed format of its own: a dozen lines, every number true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from tests.tasks import packed_game
from tests.tasks.packed_game import FORMATS, Client
from tests.waiting import wait_until

#: Everything the engineer writes between the two runs and the answer.
TASK = """
columns = first.decoded()
rates = first.rates(by="v.type")
loss = first.sequence(seq="v.seq", by="v.id")
trips = first.round_trips(timeout_s=0)
took = first.latency(sent="v.asked_us", received="v.answered_us")
compared = gd.analysis.compare(first, second, seq="v.seq").set_index("measure")
found = first.findings(seq="v.seq").set_index("rule")
picture = first.plot.field("v.pos.x", by="v.id")
near = first.where("v.type == 1 and v.pos.x < 5 and v.id == 2")
path = first.to_csv(folder / "first.csv", decoded=True)
"""


def run(*, seed: int, late_us: int) -> tuple[gd.Capture, list[Client]]:
    with gd.listen("udp://127.0.0.1:0", decode=FORMATS, ping=0.02, restart=True) as cap:
        clients = packed_game.play(cap.port, seed=seed, late_us=late_us)
        sent = sum(len(client.moves) + len(client.answers) for client in clients)
        echoed = sum(client.echoed for client in clients)
        wait_until(lambda: cap.statistics().received + cap.statistics().answers_received >= sent + echoed)
    return cap, clients


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    (first, clients), (second, others) = run(seed=1, late_us=7000), run(seed=2, late_us=9000)
    names = {"gd": gd, "first": first, "second": second, "folder": tmp_path_factory.mktemp("task")}
    exec(TASK, names)
    return names, clients, others


def test_the_task_takes_at_most_twelve_lines():
    assert len(TASK.strip().splitlines()) + 2 <= 12  # and two calls of gd.listen


@pytest.mark.slow
def test_columns_are_typed_and_hold_what_was_sent(task):
    names, clients, _ = task
    columns = names["columns"]
    assert {name: str(dtype) for name, dtype in columns.dtypes.items() if str(name).startswith("v.")} == {
        "v.type": "Int64",
        "v.id": "Int64",
        "v.seq": "Int64",
        "v.pos.x": "Float64",
        "v.pos.y": "Float64",
        "v.pos.z": "Float64",
        "v.asked_us": "Int64",
        "v.answered_us": "Int64",
    }
    for client in clients:
        mine = columns[columns["v.id"] == client.number]
        moves = mine.loc[mine["v.type"] == 1, ["v.seq", "v.pos.x", "v.pos.y", "v.pos.z"]]
        assert [tuple(row) for row in moves.to_numpy()] == client.moves
        answers = mine.loc[mine["v.type"] == 2, ["v.asked_us", "v.answered_us"]]
        assert [tuple(row) for row in answers.to_numpy()] == client.answers
    assert columns.decode_error.notna().sum() == 0  # no ping was taken for a message of the game


def test_rates_are_those_of_each_type(task):
    names, clients, _ = task
    rates = names["rates"]
    assert rates.groupby("v.type").messages.sum().to_dict() == {
        1: sum(len(client.moves) for client in clients),
        2: sum(len(client.answers) for client in clients),
    }


def test_loss_and_duplicates_are_those_planted(task):
    names, clients, _ = task
    loss = names["loss"].set_index("v.id")
    for client in clients:
        told = loss.loc[client.number]
        assert (told.lost, told.duplicates, told.messages, told.reordered) == (
            client.lost,
            client.duplicates,
            len(client.moves),
            0,
        )
    lost = sum(client.lost for client in clients)
    numbered = packed_game.CLIENTS * packed_game.NUMBERED
    assert names["found"].what["missing-numbers"].startswith(f"{lost} of {numbered} numbered messages")


def test_round_trips_are_those_that_were_answered(task):
    names, clients, _ = task
    trips = names["trips"]
    assert (trips.outcome == "answered").sum() == sum(client.echoed for client in clients) > 0
    assert (trips.outcome != "answered").sum() >= sum(client.pings - client.echoed for client in clients) > 0
    assert np.isfinite(trips.rtt_ms.dropna()).all()


def test_latency_is_what_the_fields_say(task):
    names, clients, _ = task
    planted = sorted((b - a) / 1000 for client in clients for a, b in client.answers)
    assert sorted(names["took"].latency_ms) == planted
    assert (names["took"].error_ms == 0).all()


def test_two_runs_are_compared(task):
    names, clients, others = task
    loss = names["compared"].loc["loss of numbered messages"]
    numbered = packed_game.CLIENTS * packed_game.NUMBERED
    assert (loss.a_n, loss.b_n) == (numbered, numbered)
    assert loss.a == sum(client.lost for client in clients) / numbered
    assert loss.b == sum(client.lost for client in others) / numbered
    arrived = names["compared"].loc["messages in"]
    assert arrived.a_n == sum(len(client.moves) + len(client.answers) for client in clients)


def test_a_field_is_drawn_and_rows_are_chosen_by_it(task):
    names, clients, _ = task
    drawn = {line.get_label(): line.get_ydata() for line in names["picture"].lines}
    for client in clients:
        assert any(
            len(y) == len(client.moves) and np.array_equal(np.asarray(y), [move[1] for move in client.moves])
            for y in drawn.values()
        )
    assert len(names["near"]) == sum(move[1] < 5 for move in clients[2].moves)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["pandas", "polars", "duckdb", "pyarrow"])
def test_the_export_opens_in_other_tools_with_the_same_values(task, tool):
    names, clients, _ = task
    path = names["path"]
    if tool == "pandas":
        frame = pd.read_csv(path, parse_dates=["time"])
        assert str(frame.time.dtype).startswith("datetime64[")
    elif tool == "polars":
        frame = pytest.importorskip("polars").read_csv(path).to_pandas()
    elif tool == "duckdb":
        frame = pytest.importorskip("duckdb").sql(f"select * from read_csv('{path}')").df()
    else:
        frame = pytest.importorskip("pyarrow.csv").read_csv(path).to_pandas()
    for client in clients:
        mine = frame[frame["v.id"] == client.number]
        moves = mine.loc[mine["v.type"] == 1, ["v.seq", "v.pos.x", "v.pos.y", "v.pos.z"]]
        assert [tuple(row) for row in moves.to_numpy()] == client.moves
    assert frame["t_s"].iloc[0] == 0
    assert (frame["t_s"].diff().dropna() >= 0).all()
    assert len(frame) == sum(len(client.moves) + len(client.answers) for client in clients)
