"""What each canned capture must show; asked when it is made, and again by the tests of what was committed."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from gdlab import analysis
from gdlab.capture.multiplayer import Multiplayer
from gdlab.codecs import decode
from gdlab.variant import Vector2


class Unfit(Exception):
    """A capture that does not show what it is for."""


def need(true: bool, what: object) -> None:
    if not true:
        raise Unfit(what)


def messages(table: pd.DataFrame, direction: str = "in") -> pd.DataFrame:
    return table[(table.event == "message") & (table.direction == direction)]


def details(table: pd.DataFrame, event: str) -> list[str]:
    return table[table.event == event].detail.tolist()


def no_gaps(table: pd.DataFrame) -> None:
    need(not (table.event == "gap").any(), "the capture has gaps")


def frames(hz: float):
    def check(table: pd.DataFrame, truth: dict[str, Any]) -> None:
        no_gaps(table)
        found = analysis.frame_rate(table)
        need(found is not None, "no frame rate is found")
        assert found is not None
        need(abs(found.hz / hz - 1) < 0.01, f"the frame rate found is {found.hz:.2f}")
        trips = analysis.round_trips(table).rtt_ms.dropna()
        need(len(trips) >= 300, f"{len(trips)} round trips")
        frame_ms = 1e3 / hz
        need(abs(trips.median() / (frame_ms / 2) - 1) < 0.15, f"the median is {trips.median():.2f} ms")
        need(trips.quantile(0.95) < 1.1 * frame_ms, f"95 % is {trips.quantile(0.95):.2f} ms")
        need(
            messages(table).payload.iloc[0] == b"The answer is... 42!", "it does not begin with the greeting"
        )

    return check


def numbers(table: pd.DataFrame, direction: str) -> list[int]:
    return [json.loads(payload)["n"] for payload in messages(table, direction).payload]


def read_back(low: int, high: int, kernel: str):
    """Of what was sent so much was read; the rest the kernel has dropped (`all`) or not (`none`)."""

    def check(table: pd.DataFrame, truth: dict[str, Any]) -> None:
        no_gaps(table)
        sent, read = numbers(table, "out"), numbers(table, "in")
        need(sent == list(range(truth["sent"])), "not all were sent")
        need(len(read) == len(set(read)) == truth["read_by_the_game"], f"{len(read)} came back")
        need(low <= len(read) <= high, f"{len(read)} were read")
        lost = len(sent) - len(read)
        dropped = truth["dropped_by_the_kernel"]
        need(dropped == (lost if kernel == "all" else 0), f"{lost} are lost, the kernel dropped {dropped}")

    return check


def lossy_path(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    found = analysis.sequence(table).iloc[0]
    need(20 <= truth["lost"] <= 45, f"{truth['lost']} lost")
    need(truth["duplicated"] >= 3 and truth["delayed"] >= 5, truth)
    need(found.lost == truth["lost"], f"{found.lost} numbers are missing")
    need(found.duplicates == truth["duplicated"], f"{found.duplicates} came twice")
    need(found.reordered == truth["delayed"], f"{found.reordered} are reordered")


def no_framing(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    chunks = messages(table).payload.tolist()
    need(b"".join(chunks).count(b'"id"') == 300, "not all messages have come")
    glued = sum(chunk.count(b"}{") > 0 for chunk in chunks)
    single = sum(_is_json(chunk) for chunk in chunks)
    need(single + glued <= len(chunks) < 300, f"{len(chunks)} chunks")
    need(0.3 <= 1 - single / len(chunks) <= 0.7, f"{single} of {len(chunks)} reads are one message")


def _is_json(chunk: bytes) -> bool:
    try:
        json.loads(chunk)
    except ValueError:
        return False
    return True


def framed(codec: str):
    def check(table: pd.DataFrame, truth: dict[str, Any]) -> None:
        values = decode(messages(table)).value.tolist()
        need([value["id"] for value in values] == list(range(300)), f"{len(values)} messages")
        need(values[3]["x"] == 4.5, values[3])

    return check


def text_and_binary(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    need(messages(table).kind.tolist() == ["text", "binary", "binary"], "the kinds that came")
    need(messages(table, "out").kind.tolist() == ["text", "binary", "binary"], "the kinds that went")
    need([line.split()[1] for line in truth["the_game_printed"][1:4]] == ["text", "binary", "binary"], truth)
    need("1000" in details(table, "close")[0], details(table, "close"))


def too_big(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    need(messages(table, "out").size_bytes.tolist() == [65_535, 65_536], "sizes")
    need("1009" in details(table, "close")[0], details(table, "close"))
    need("got text of 65535 bytes" in truth["the_game_printed"], truth)
    need(not any("65536" in line for line in truth["the_game_printed"]), truth)


def endings(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    told = details(table, "close")
    need(len(told) == 4, told)
    for text, code in zip(told, ("1000", "4001", "1006", "1009"), strict=True):
        need(code in text, told)


def three_players(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    values = decode(messages(table))
    counts = values["v.id"].value_counts()
    need(set(counts.index) == {1, 2, 3}, counts)
    need(43 <= counts[1] <= 53 and 130 <= counts[2] <= 153 and 43 <= counts[3] <= 53, counts.to_dict())
    of_two = values[values["v.id"] == 2].value.iloc[0]
    need(isinstance(of_two["pos"], Vector2), of_two)


def hog(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    calls = Multiplayer(table).summary(overhead=False).query("kind == 'rpc'")
    need(sorted(calls.bytes) == sorted(truth["bytes"].values()), calls)


def throttled(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    game = Multiplayer(table)
    need(game.losses().missing_before.sum() == truth["thrown_away"], game.losses())
    need(len(game.calls) == truth["called"] - truth["thrown_away"], game)


def late_joiner(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    found = Multiplayer(table).findings().set_index("rule").what
    need(any(truth["only_here"] in what for what in found.loc[["path-unconfirmed"]]), found)
    need({"rpc-lists-differ", "automatic-name"} <= set(found.index), found)


def watched_game(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    trips = analysis.round_trips(table).rtt_ms.dropna()
    told = truth["watch"]
    need(len(trips) >= 200, f"{len(trips)} round trips")
    need(trips.median() < 20, f"the median is {trips.median():.1f} ms")
    need(trips.max() > 1300, f"the longest is {trips.max():.0f} ms")
    need(3 <= told["slow_frames"] <= 6, told)
    need(60 <= told["slowest_ms"] <= 250, told)
    short, long = told["stood_ms"]
    need(short < 80 and 1380 < long < 1480, told)


def player(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    need(len(table) == len(messages(table)), "it has more than what the player sent")
    numbers = [json.loads(payload)["seq"] for payload in table.payload]
    need(numbers == list(range(len(numbers))), "numbers are missing")
    need(len(numbers) > 400, f"{len(numbers)} messages")
    gaps = table.time.diff().dt.total_seconds().iloc[60:] * 1e3
    need(abs(gaps.median() - 1e3 / truth["fps"]) < 0.5, f"the median distance is {gaps.median():.1f} ms")
    need(gaps.quantile(0.99) < 25, f"99 % of the distances are below {gaps.quantile(0.99):.1f} ms")


def relayed(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    into, out = (messages(table, way) for way in ("in", "out"))
    need(into.endpoint.nunique() == out.endpoint.nunique() == 1, "it was not one way")
    need(len(into) > 400, f"{len(into)} messages")
    need(0.003 < 1 - len(out) / len(into) < 0.08, f"{len(into) - len(out)} of {len(into)} are missing")


def stalled(table: pd.DataFrame, truth: dict[str, Any]) -> None:
    no_gaps(table)
    into, out = (messages(table, way) for way in ("in", "out"))
    need(len(into) == len(out) == truth["messages_sent"], f"{len(into)} in, {len(out)} out")
    need(into.payload.tolist() == out.payload.tolist(), "TCP changed something")
    took = (out.time.reset_index(drop=True) - into.time.reset_index(drop=True)).dt.total_seconds() * 1e3
    need(took.median() < 25, "most messages waited")
    need(took.max() > 60, "nothing stalled")


CHECKS = {
    "player-60hz": player,
    "relay-4g-moving": relayed,
    "relay-tcp-stalls": stalled,
    "udp-60fps": frames(60),
    "udp-30fps": frames(30),
    "udp-unknown-fps": frames(48),
    "udp-one-a-frame": read_back(85, 110, "none"),
    "udp-drained": read_back(300, 300, "none"),
    "udp-kernel-full": read_back(200, 600, "all"),
    "udp-ring-full": read_back(60, 66, "none"),
    "udp-lossy-path": lossy_path,
    "tcp-no-framing": no_framing,
    "tcp-json": framed("json"),
    "tcp-put-var": framed("variant"),
    "ws-text-and-binary": text_and_binary,
    "ws-too-big": too_big,
    "ws-endings": endings,
    "three-players": three_players,
    "watched-game": watched_game,
    "mp-hog": hog,
    "mp-throttle": throttled,
    "mp-late-joiner": late_joiner,
}
