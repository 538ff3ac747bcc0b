from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis
from tests.some import some
from tests.traffic import ENDPOINT, START_NS, merged, ping, table

MS = 1_000_000
SERVER, CLIENT = "192.0.2.1:4242", "192.0.2.7:53211"


def session(
    seed, *, n=400, loss=0.0, offset_ns=0, drift_ppm=0.0, ms=(5.0, 5.0), tail_ms=1.0, twice=0.0, seconds=20
):
    """Two captures of one session, and the truth: one row per message, times as they were."""
    rng = np.random.default_rng(seed)

    def of_b(ns):
        return ns + offset_ns + np.rint(drift_ppm * ns / 1e6).astype(np.int64)

    truth, captures = [], ([], [])
    for way, least in enumerate(ms):
        sent = np.sort(rng.integers(0, seconds * 1000 * MS, n))
        got = sent + (least * MS + rng.exponential(tail_ms * MS, n)).astype(np.int64)
        lost = rng.random(n) < loss
        payloads = [f"{way}:{i}".encode() for i in range(n)]
        numbers = np.arange(n)
        again = ~lost & (rng.random(n) < twice)
        arrivals = np.concatenate([np.flatnonzero(~lost), np.flatnonzero(again)])
        times = np.concatenate([got[~lost], got[again] + MS // 2])
        clocks = (lambda ns: ns, of_b) if way == 0 else (of_b, lambda ns: ns)
        names = {"peer": SERVER}, {"peer": CLIENT}
        captures[way].append(table(clocks[0](sent), payloads, direction="out", v__seq=numbers, **names[way]))
        captures[1 - way].append(
            table(
                clocks[1](times), [payloads[i] for i in arrivals], v__seq=numbers[arrivals], **names[1 - way]
            )
        )
        truth.append(pd.DataFrame({"lost": lost, "delay_ms": (got - sent) / MS, "got": got, "again": again}))
    return merged(*captures[0]), merged(*captures[1]), truth


def reordered(part):
    """How many of those that arrived came after one that was sent later."""
    got = part.loc[~part["lost"], "got"].to_numpy()
    best, count = -1, 0
    for number in np.argsort(got, kind="stable"):
        count += number < best
        best = max(best, number)
    return count


@pytest.mark.slow
def test_planted_loss_delay_drift_duplicates_and_order_are_recovered_on_25_seeds():
    for seed in range(25):
        rng = np.random.default_rng(seed + 1000)
        offset, drift = int(rng.integers(-(10**15), 10**12)), rng.uniform(-100, 100)
        a, b, truth = session(
            seed,
            n=150,
            loss=rng.choice([0, 0.02, 0.2]),
            offset_ns=offset,
            drift_ppm=drift,
            ms=rng.uniform(0.1, 40, 2),
            tail_ms=rng.choice([0.2, 30]),
            twice=rng.choice([0, 0.1]),
        )
        found = gd.merge(a, b)
        (clock,) = found.clock.to_dict("records")
        at_ns = clock["time"].value - START_NS
        assert abs(clock["offset_us"] - (offset + drift * at_ns / 1e6) / 1e3) <= clock["error_us"], seed
        assert abs(clock["drift_ppm"] - drift) <= clock["drift_error_ppm"], seed
        assert clock["late_us"] == 0
        for way, part in enumerate(truth):
            rows = found.table[found.table["way"] == analysis.merged_tables.WAYS[way]]
            rows = rows.sort_values("sent_row").reset_index(drop=True)
            arrived = ~part["lost"].to_numpy()
            assert (rows["received"].notna().to_numpy() == arrived).all()
            assert (rows["copies"] == arrived.astype(int) + part["again"]).all()
            wrong = (rows["delay_ms"] - part["delay_ms"]).abs()[arrived]
            assert (wrong <= rows["error_ms"][arrived] + 1e-5).all(), seed
            seen = np.flatnonzero(arrived)
            row = found.ways.iloc[way]
            assert row["entered"] == seen[-1] - seen[0] + 1
            assert row["lost"] == part["lost"].iloc[seen[0] : seen[-1]].sum()
            assert row["unseen"] == len(part) - row["entered"]
            assert row["reordered"] == reordered(part)
            assert row["duplicates"] == part["again"].sum()
            assert row["loss_low"] <= row["loss"] <= row["loss_high"]


def test_the_error_is_what_the_least_round_trip_leaves_open():
    a, b, _ = session(1, n=2000, ms=(3.0, 3.0), offset_ns=10**12, drift_ppm=20, seconds=60)
    clock = gd.merge(a, b).clock.iloc[0]
    # Half of 6 ms there and back; the tails of the delays and the drift add little.
    assert 3000 <= clock["error_us"] < 3200


def test_the_times_of_both_captures_stand_as_they_were_taken():
    a, b, _ = session(2, loss=0.1, offset_ns=-(10**17), drift_ppm=50)
    before = a.copy(), b.copy()
    found = gd.merge(a, b).table
    pd.testing.assert_frame_equal(a, before[0])
    pd.testing.assert_frame_equal(b, before[1])
    forth = found[found["way"] == "a to b"]
    assert (forth["sent"].array == a["time"].iloc[forth["sent_row"].astype(int)].array).all()
    got = forth[forth["received"].notna()]
    assert (got["received"].array == b["time"].iloc[got["received_row"].astype(int)].array).all()
    assert found["time"].is_monotonic_increasing


@pytest.mark.slow
def test_more_messages_than_are_looked_at_one_by_one_keep_the_truth_inside():
    a, b, _ = session(3, n=20_000, offset_ns=5 * 10**9, drift_ppm=-70, ms=(2, 9), seconds=300)
    clock = gd.merge(a, b).clock.iloc[0]
    at_ns = clock["time"].value - START_NS
    assert abs(clock["offset_us"] - (5e6 - 70 * at_ns / 1e9)) <= clock["error_us"]
    assert abs(clock["drift_ppm"] + 70) <= clock["drift_error_ppm"] < 60


def test_one_way_tells_loss_and_no_delay_unless_the_clock_is_the_same():
    a, b, truth = session(4, loss=0.1)
    a, b = a[a["direction"] == "out"], b[b["direction"] == "in"]
    found = gd.merge(a, b)
    assert len(found.clock) == 0
    assert found.table["delay_ms"].isna().all()
    assert found.ways["n"].tolist() == [0, 0]
    seen = np.flatnonzero(~truth[0]["lost"])
    assert found.ways["lost"].tolist() == [truth[0]["lost"].iloc[: seen[-1]].iloc[seen[0] :].sum(), 0]
    same = gd.merge(a, b, same_clock=True)
    kept = same.table["received"].notna().to_numpy()
    np.testing.assert_allclose(same.table["delay_ms"][kept], truth[0]["delay_ms"][kept], atol=1e-6)
    assert (same.table["error_ms"][kept] == 0).all()


def test_late_timestamps_of_sending_are_shown_and_widen_the_error():
    a, b, _ = session(5, ms=(0.02, 0.02), tail_ms=0.01)
    late = pd.to_timedelta(np.where(a["direction"] == "out", 100, 0), unit="us")
    clock = gd.merge(a.assign(time=a["time"] + late), b).clock.iloc[0]
    assert 10 < clock["late_us"] < 100
    assert abs(clock["offset_us"]) <= clock["error_us"]


def test_contents_that_repeat_are_refused_and_numbers_tell_them_apart():
    a, b, truth = session(6, loss=0.1)
    a, b = (each.assign(payload=[b"state"] * len(each)) for each in (a, b))
    with pytest.raises(ValueError, match=r"ambiguous: 800 of 800 messages have the same content.*seq="):
        gd.merge(a, b)
    found = gd.merge(a, b, seq="v.seq")
    assert found.by == "seq"
    assert found.table["received"].isna().sum() == sum(part["lost"].sum() for part in truth)


def test_probes_alone_are_enough():
    sent = np.arange(20) * 100 * MS
    texts = [ping(i, s // 1000) for i, s in enumerate(sent)]
    same = [b"state"] * 20
    a = merged(table(sent, texts, direction="out"), table(sent + 9 * MS, texts), table(sent + 50 * MS, same))
    b = merged(
        table(sent + 4 * MS, texts),
        table(sent + 5 * MS, texts, direction="out"),
        table(sent, same, direction="out"),
    )
    found = gd.merge(a, b, by="probe")
    assert found.ways["entered"].tolist() == [20, 20]
    assert abs(found.clock["offset_us"].iloc[0]) <= found.clock["error_us"].iloc[0] < 4100


def test_another_session_is_refused():
    a, _, _ = session(7)
    _, b, _ = session(8)
    with pytest.raises(ValueError, match="only 0 of 800 messages"):
        gd.merge(a, b.assign(payload=[bytes(p) + b"!" for p in b["payload"]]))
    # The same contents at other times: nothing fits.
    with pytest.raises(ValueError, match=r"before they were sent.*by \d+\.\d ms"):
        gd.merge(a, b)
    with pytest.raises(ValueError, match="nothing to merge: the second"):
        gd.merge(a, table())


def test_a_clock_that_was_set_meanwhile_is_refused():
    a, b, _ = session(9)
    jump = pd.to_timedelta(np.where(np.arange(len(b)) > len(b) // 2, 100, 0), unit="ms")
    with pytest.raises(ValueError, match="a clock was set meanwhile"):
        gd.merge(a, b.assign(time=b["time"] + jump))


def test_among_several_clients_of_a_server_the_right_one_is_found_or_the_choice_is_refused():
    a, b, _ = session(10, loss=0.05)
    others = [
        table(np.arange(300) * 60 * MS, [f"{peer} {i}".encode() for i in range(300)], peer=peer)
        for peer in ("192.0.2.8:1", "192.0.2.9:2")
    ]
    crowd = merged(b, *others)
    found = gd.merge(a, crowd)
    assert found.peers == (SERVER, CLIENT)
    pd.testing.assert_frame_equal(found.ways, gd.merge(a, b).ways)
    twin = merged(b, b.assign(peer="192.0.2.10:3"))
    with pytest.raises(
        ValueError, match=r"1 and 2 conversations.*filter the tables by peer.*192\.0\.2\.10:3"
    ):
        gd.merge(a, twin)
    assert ENDPOINT in set(crowd["endpoint"])


def test_the_same_content_sent_again_later_is_no_duplicate():
    a, b, _ = session(11)
    later = b[b["direction"] == "in"].head(3)
    found = gd.merge(a, merged(b, later.assign(time=later["time"] + pd.Timedelta("60s"))))
    assert found.ways["ambiguous"].tolist() == [3, 0]
    assert found.ways["duplicates"].tolist() == [0, 0]


def test_what_merge_cannot_take_is_named():
    a, b, _ = session(12, n=10)
    with pytest.raises(ValueError, match="by is auto"):
        gd.merge(a, b, by="hash")
    with pytest.raises(ValueError, match="needs the column"):
        gd.merge(a, b, by="seq")
    with pytest.raises(KeyError, match=r"v\.number"):
        gd.merge(a, b, seq="v.number")


def wrapped(capture, bits):
    return capture.assign(**{"v.seq": capture["v.seq"] % 2**bits, "payload": [b"same"] * len(capture)})


@pytest.mark.parametrize("bits", some([4, 6, 8], every=3))
def test_numbers_that_wrap_around_are_put_round_on_round(bits):
    a, b, _ = session(31, n=900, loss=0.1, offset_ns=250 * MS, tail_ms=0.5)
    straight = gd.merge(a, b, seq="v.seq")
    found = gd.merge(wrapped(a, bits), wrapped(b, bits), seq="v.seq", bits=bits)
    pd.testing.assert_frame_equal(found.table, straight.table)
    # One that began three rounds later numbers what it has as the other does.
    later = b[b["time"] > b["time"].iloc[3 * 2**bits]].reset_index(drop=True)
    found = gd.merge(wrapped(a, bits), wrapped(later, bits), seq="v.seq", bits=bits)
    pd.testing.assert_frame_equal(found.table, gd.merge(a, later, seq="v.seq").table)
    with pytest.raises(ValueError, match="bits is the width"):
        gd.merge(a, b, bits=16)


def test_a_relay_between_them_tells_where_messages_were_lost_and_how_long_it_held_them():
    rng = np.random.default_rng(5)
    n = 500
    names = {"relay": "192.0.2.5:1", "a": "192.0.2.1:1", "b": "192.0.2.2:1"}
    captures = {"a": [], "relay": [], "b": []}
    truth = {}
    for source, sink in (("a", "b"), ("b", "a")):
        sent = np.sort(rng.integers(0, 20_000 * MS, n))
        payloads = np.array([f"{source}{i}".encode() for i in range(n)], dtype=object)
        stages = [rng.random(n) < share for share in (0.05, 0.1, 0.02)]
        came = sent + 3 * MS + rng.integers(0, MS, n)
        left = came + 2 * MS
        got = left + 7 * MS + rng.integers(0, MS, n)
        at_relay = ~stages[0]
        passed = at_relay & ~stages[1]
        arrived = passed & ~stages[2]
        # The first and the last message get through: what is lost before and behind them nobody can tell.
        for end in (0, n - 1):
            at_relay[end] = passed[end] = arrived[end] = True
        captures[source].append(table(sent, payloads, direction="out", peer=names["relay"]))
        captures["relay"].append(table(came[at_relay], payloads[at_relay], peer=names[source]))
        captures["relay"].append(table(left[passed], payloads[passed], direction="out", peer=names[sink]))
        captures[sink].append(table(got[arrived], payloads[arrived], peer=names["relay"]))
        truth[source] = [
            int((~at_relay).sum()),
            int((at_relay & ~passed).sum()),
            int((passed & ~arrived).sum()),
        ]
    a, relay, b = (merged(*captures[name]) for name in ("a", "relay", "b"))
    merged_ends = gd.merge(a, b, relay=relay)
    assert merged_ends.ways["lost"].tolist() == [sum(truth["a"]), sum(truth["b"])]
    found = merged_ends.path
    assert found.ways["place"].tolist() == [
        "a to relay",
        "in the relay",
        "relay to b",
        "b to relay",
        "in the relay (back)",
        "relay to a",
    ]
    assert found.ways["lost"].tolist() == truth["a"] + truth["b"]
    inside = found.ways.set_index("place").loc["in the relay"]
    assert inside["median_ms"] == pytest.approx(2, abs=0.01)
    assert inside["error_ms"] == 0
    with pytest.raises(ValueError, match="conversation of the relay is that with b"):
        gd.merge(a, b, relay=relay[relay["peer"] != names["b"]])


def test_it_is_shown_by_its_ways_and_with_what_else_it_has():
    a, b, _ = session(4, loss=0.1)
    shown = repr(gd.merge(a, b))
    assert shown.startswith(f"<Merged: {len(gd.merge(a, b).table)} messages by ")
    assert "the clocks: .clock" in shown
    assert "a to b" in shown
    one_way = gd.merge(a[a["direction"] == "out"], b[b["direction"] == "in"])
    assert "the clocks cannot be told" in repr(one_way)
