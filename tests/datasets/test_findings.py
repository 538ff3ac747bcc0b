"""The findings of many files are those of one table, whatever rule they are of and wherever their rows are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import gdlab as gd
from gdlab import analysis
from gdlab.facts import US, Fact, Reason
from gdlab.files import to_schema as conform
from gdlab.files import write_parquet
from tests.framing.test_signatures import ENET
from tests.traffic import merged, ping, pong, table

MS = 1_000_000
SAMPLES = {
    "streams": ("ws-endings", "ws-too-big", "tcp-no-framing", "tcp-json", "udp-ring-full"),
    "frames": ("udp-60fps", "udp-lossy-path", "three-players"),
    "left": ("relay-tcp-stalls",),
}


def probes(at, payloads, **more):
    return table(at, payloads, fact=[Fact(Reason.PROBE, US)] * len(at), **more)


def planted():
    """What the samples have not: pings that climb, that nobody answers, oversized, damaged and unread messages."""
    parts = []
    n = 60
    asked = np.arange(n) * 400 * MS
    back = asked + 5 * MS + np.arange(n) ** 2 * MS
    parts.append(probes(asked, [ping(i, i) for i in range(n)], direction="out", peer="10.0.0.1:1"))
    parts.append(probes(back, [pong(i, i) for i in range(n)], peer="10.0.0.1:1"))
    parts.append(probes(asked[:9], [ping(i, i + 7) for i in range(9)], direction="out", peer="10.0.0.2:2"))
    twice = np.repeat(np.arange(30) * 500 * MS, 2) + np.tile([0, MS], 30)
    parts.append(probes(twice, [ping(i, i) for i in range(60)], direction="out", peer="10.0.0.5:5"))
    parts.append(probes(twice[::2] + 9 * MS, [pong(i, i) for i in range(0, 60, 2)], peer="10.0.0.5:5"))
    at = np.arange(40) * 500 * MS + 3
    parts.append(table(at, [bytes([i]) * (1380 + 5 * i) for i in range(40)], peer="10.0.0.3:3"))
    # The game's own pings, by a clock in milliseconds.
    parts.append(table(at + 7, [ping(i, i * 500_000) for i in range(40)], peer="10.0.0.4:4"))
    said = "grün".encode()
    parts.append(table(at[:5] + 9, said, direction="out", peer="10.0.0.3:3"))
    parts.append(table(at[5:10] + 9, said.decode().replace("ü", " ").encode(), peer="10.0.0.3:3"))
    parts.append(table(at + 11, b'{"id": 9007199254740993}', peer="10.0.0.3:3"))
    parts.append(table(at[:4] + 13, ENET, peer="10.0.0.6:6"))
    drop = {"event": "gap", "peer": ""}
    parts.append(
        table(at[:3] + 1, b"", fact=[Fact.of(Reason.KERNEL_DROP, count=7, buffer=212_992)] * 3, **drop)
    )
    parts.append(table(at[3:5] + 1, b"", fact=[Fact.of(Reason.PAUSED, by=US, seconds=1.0)] * 2, **drop))
    return merged(*parts)


def dealt_out(whole, folder, unmarked=False):
    """Three files with rows by chance; `unmarked` as files that do not tell gdlab's own pings from others."""
    of = np.random.default_rng(3).integers(0, 3, len(whole))
    if unmarked:
        whole = whole.assign(reason=pd.Categorical([""] * len(whole), whole["reason"].cat.categories))
    return [
        write_parquet(whole[of == number].reset_index(drop=True), folder / f"{number}.parquet")
        for number in range(3)
    ]


def check(files, expected_rules, rows_at_once):
    expected = analysis.findings(gd.load(files))
    assert expected_rules <= set(expected["rule"])
    found = gd.dataset(files, rows_at_once=rows_at_once).findings()
    assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "rules"),
    [
        ("streams", {"close-1006", "over-websocket-buffer", "glued-or-split"}),
        ("frames", {"frame-rate", "missing-numbers", "foreign-clock"}),
        ("left", {"left"}),
    ],
)
def test_samples(tmp_path, group, rules):
    whole = conform.in_order(conform.concatenated([gd.sample(name).df for name in SAMPLES[group]]))
    check(dealt_out(whole, tmp_path), rules, 300)


@pytest.mark.slow
def test_rules_that_ask_all_messages(tmp_path):
    rules = {
        "overload",
        "one-a-frame",
        "unanswered-pings",
        "enet-unanswered",
        "own-buffer",
        "gap",
        "over-mtu",
        "over-enet-mtu",
        "large-integers",
        "lost-characters",
        "foreign-clock",
        "coarse-clock",
    }
    check(dealt_out(planted(), tmp_path), rules, 70)


@pytest.mark.slow
def test_a_data_set_in_which_nothing_came(tmp_path):
    whole = probes(np.arange(12) * 700 * MS, [ping(i, i) for i in range(12)], direction="out")
    files = dealt_out(whole, tmp_path)
    check(files, {"nothing-arrived", "unanswered-pings"}, 10)
    found = gd.dataset(files).findings(seq="v.seq")
    assert_frame_equal(pd.DataFrame(found), pd.DataFrame(analysis.findings(gd.load(files), seq="v.seq")))
