"""What is judged of all messages does not depend on how files divide them, and takes no more memory than it must."""

from __future__ import annotations

import json
import pickle
import struct
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import gdlab as gd
from gdlab import analysis
from gdlab import variant as v
from gdlab.codecs.doubt import GODOT3
from gdlab.codecs.guess import Auto
from gdlab.codecs.looked import Looked
from gdlab.datasets import tasks
from gdlab.datasets.glanced import doubtful, judged
from gdlab.datasets.reading import ROW_BITS, Rows
from gdlab.facts import US, Fact, Reason
from gdlab.files import pieces, write_parquet
from gdlab.files import to_schema as conform
from tests.some import some
from tests.traffic import merged, ping, table

MS = 1_000_000


def counters():
    """A struct whose first messages read as Variants, beside Variants that are believed."""
    at = np.arange(120) * 7 * MS
    structs = [struct.pack("<II", number, 5) for number in range(1, 121)]
    numbers = [v.dumps(2**40 + number) for number in range(120)]
    return merged(
        table(at, structs, peer="10.0.0.1:1", kind="binary"),
        table(at + 1, numbers, peer="10.0.0.2:2", kind="binary"),
    )


def divided(whole, how):
    if how == "first":
        return (np.arange(len(whole)) >= 6).astype(int)
    if how == "peer":
        return whole["peer"].cat.codes.to_numpy()
    return np.random.default_rng(5).integers(0, 4, len(whole))


@pytest.fixture(scope="module", params=["first", "peer", "dealt out"])
def in_files(request, tmp_path_factory):
    """The counters in several files, and the table of them all."""
    whole = counters()
    of, folder = divided(whole, request.param), tmp_path_factory.mktemp("counters")
    files = [
        write_parquet(whole[of == part].reset_index(drop=True), folder / f"{part}.parquet")
        for part in np.unique(of)
    ]
    return files, gd.load(files).df


@pytest.mark.parametrize("rows_at_once", [pytest.param(2_000_000, marks=pytest.mark.slow), 100])
@pytest.mark.parametrize("measure", some(["numbered", "conversations", "jitter", "rates"], every=3))
def test_variants_of_a_stream_are_judged_over_all_files(measure, in_files, rows_at_once):
    files, together = in_files
    options = {
        "numbered": {"seq": "v"},
        "conversations": {"by": ("endpoint", "peer", "v")},
        "rates": {"by": ("peer", "v"), "bin_s": 0.2},
        "jitter": {"sent": "v"},
    }[measure]
    expected = getattr(analysis, measure)(together, **options)
    if measure == "numbered":
        assert set(expected["peer"]) == {"10.0.0.2:2"}
        # Of the first messages alone, all of them would be believed.
        assert set(analysis.numbered(together[:6], seq="v")["peer"]) == {"10.0.0.1:1", "10.0.0.2:2"}
    found = getattr(gd.dataset(files, rows_at_once=rows_at_once), measure)(**options)
    assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.slow
def test_fields_of_several_types_are_those_of_one_table(tmp_path):
    kinds = [
        ("10.0.0.1:1", [{"seq": 2**53 + 1 + n} for n in range(20)]),
        ("10.0.0.2:2", [{"seq": n + 0.5 * (n % 2)} for n in range(20)]),
        ("10.0.0.3:3", [{"seq": f"text {n % 3}"} for n in range(20)]),
        ("10.0.0.4:4", [{"other": n} for n in range(20)]),
        ("10.0.0.5:5", [{"seq": n} for n in range(20)]),
    ]
    parts = [
        table(np.arange(20) * MS + at, [json.dumps(each).encode() for each in said], peer=peer)
        for at, (peer, said) in enumerate(kinds)
    ]
    for chosen in ((0, 1), (1, 4, 3), (0, 4, 3), (0, 2), (1, 2, 3), (0, 1, 2, 3, 4)):
        whole = merged(*(parts[at] for at in chosen))
        # Types that differ meet where files of one task are put together, or results of several tasks.
        for how, rows in (("peer", 2_000_000), ("dealt out", 10)):
            of = divided(whole, how)
            files = [
                write_parquet(whole[of == part].reset_index(drop=True), tmp_path / f"{part}.parquet")
                for part in np.unique(of)
            ]
            together = gd.load(files).df
            found = gd.dataset(files, rows_at_once=rows)
            for measure, options in (
                ("numbered", {"seq": "v.seq"}),
                ("conversations", {"by": "v.seq"}),
                ("sequence", {"seq": "v.seq", "by": ("peer", "v.other")}),
            ):
                if "by" in options and 3 not in chosen:
                    options = {**options, "by": "v.seq" if measure == "conversations" else "peer"}
                expected = getattr(analysis, measure)(together, **options)
                assert_frame_equal(
                    getattr(found, measure)(**options),
                    expected,
                    check_exact=True,
                    obj=f"{chosen} {how} {measure}",
                )


def payload(rng):
    """A message as Godot 4, Godot 3 or anybody may write it, in a size that several of them have."""
    kind = int(rng.integers(0, 7))
    if kind == 0:
        return struct.pack("<II", int(rng.integers(0, 40)), int(rng.integers(0, 3)))
    if kind == 1:
        return v.dumps(int(rng.integers(0, 2**40)))
    if kind == 2:
        return struct.pack("<I4f", 14, *rng.random(4))  # a Color of Godot 3, a Plane of Godot 4
    if kind == 3:
        return struct.pack("<I6f", 11, *rng.random(6))  # an AABB, or a Transform2D
    if kind == 4:
        return struct.pack("<IIII", 19, 1, 2, int(rng.integers(0, 9)))  # an array of Godot 3
    if kind == 5:
        return b"some text" if rng.random() < 0.5 else ping(1, 2)
    return v.dumps(v.Vector2(1, float(rng.integers(0, 9))))


@pytest.mark.parametrize("seed", some(range(40), every=5))
def test_the_judgement_of_parts_is_that_of_the_whole(seed):
    rng = np.random.default_rng(seed)
    some = [payload(rng) for _ in range(int(rng.integers(1, 8)))]
    n = int(rng.integers(1, 400))
    at = np.sort(rng.integers(0, n, n)) * MS
    whole = conform.conform(
        table(
            at,
            [some[int(rng.integers(0, len(some)))] if rng.random() < 0.5 else payload(rng) for _ in range(n)],
            kind=rng.choice(["text", "binary"], n),
            endpoint=str(rng.choice(["udp://127.0.0.1:1", "ws://127.0.0.1:1"])),
        )
    )
    of = rng.integers(0, 3, n)
    place = (of.astype(np.int64) << ROW_BITS) + np.arange(n)
    # Rows of one time are in order of their files.
    order = np.lexsort((place, conform.time_ns(whole)))
    looked = Looked(whole.iloc[order], probes=False)
    wanted = np.flatnonzero(looked.wanted(0))
    auto = Auto()
    expected = auto.judging(auto.tally(looked.payloads[wanted], looked.kinds(0)[wanted]))
    parts = [np.flatnonzero(of == part) for part in rng.permutation(3)]
    found = judged([doubtful(Rows(whole.iloc[rows], place[rows])) for rows in parts])
    assert found.doubts == expected.doubts
    assert found.judging({}) is found


@pytest.mark.slow
def test_both_judgements_occur():
    """The payloads of the test above are such that sizes are doubted, and Godot 3 is found."""
    doubts = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        whole = table(np.arange(60) * MS, [payload(rng) for _ in range(60)], kind="binary")
        rows = Rows(conform.conform(whole), np.arange(60))
        doubts |= judged([doubtful(rows)]).doubts
    assert {8, GODOT3} <= doubts


@pytest.mark.slow
def test_answers_do_not_hold_on_to_the_payloads_of_their_file(tmp_path):
    n = 20_000
    whole = table(np.arange(n) * MS, [bytes(1000)] * n, kind="binary")
    file = write_parquet(whole, tmp_path / "large.parquet")
    files = gd.dataset([file])
    (unit,) = files._units(
        "glanced", "", {"questions": ("chosen", "stamped", "related", "doubtful")}, (), whole=False
    )
    assert len(pickle.dumps(tasks.work(unit))) < 2_000_000
    places = {"places": np.arange(10)}
    (unit,) = files._units("fetched", "findings", places, (), whole=False)
    (rows,) = tasks.work(unit).results
    assert rows.table["payload"].tolist() == [bytes(1000)] * 10
    assert len(pickle.dumps(rows)) < 100_000


@pytest.fixture
def reads(monkeypatch):
    """Names of the files as measures read them."""
    found = []

    def read(name, **options):
        found.append(name)
        return pieces.read(name, **options)

    monkeypatch.setattr("gdlab.datasets.reading.pieces", SimpleNamespace(read=read))
    return found


@pytest.mark.slow
def test_files_are_read_for_many_streams_at_a_time_and_pings_only_where_there_are_some(reads, tmp_path):
    n = 100
    files = []
    for part in range(5):
        at = np.arange(part * n, part * n + n) * MS
        frames = [
            table(at + peer, v.dumps({"seq": peer}), peer=f"10.0.0.{peer}:1", kind="binary")
            for peer in range(20)
        ]
        if part == 3:
            ours = {"peer": "10.0.0.7:1", "direction": "out", "fact": [Fact(Reason.PROBE, US)] * n}
            frames.append(table(at, [ping(i, i) for i in range(n)], **ours))
        files.append(write_parquet(merged(*frames), tmp_path / f"{part}.parquet"))
    found = gd.dataset(files, rows_at_once=1000)
    expected = gd.load(files).df
    assert len(found.files) == 5
    # 10,000 rows in shares of 1,000, of which a task holds five at a time, as they are of few columns.
    assert_frame_equal(found.inter_arrival(), analysis.inter_arrival(expected), check_exact=True)
    assert len(reads) == 2 * 5
    reads.clear()
    assert_frame_equal(found.round_trips(), analysis.round_trips(expected), check_exact=True)
    # Once to look where pings may be, and then there.
    assert len(reads) == 5 + 1
    assert reads[-1] == str(files[3])


@pytest.mark.slow
def test_findings_ask_files_once_for_all_peers_what_was_sent_before_their_pings(reads, tmp_path):
    at = np.repeat(np.arange(30) * 500 * MS, 2) + np.tile([0, MS], 30)
    asked = [
        table(at + peer, [ping(i, i) for i in range(60)], peer=f"10.0.0.{peer}:1", direction="out")
        for peer in range(4)
    ]
    whole = merged(*asked)
    files = [
        write_parquet(whole[part::2].reset_index(drop=True), tmp_path / f"{part}.parquet") for part in (0, 1)
    ]
    expected = analysis.findings(gd.load(files))
    found = gd.dataset(files, rows_at_once=50)
    assert pd.DataFrame(found.findings()).equals(pd.DataFrame(expected))
    evidence = found._evidence(None)
    reads.clear()
    moments = {f"10.0.0.{peer}:1": evidence.stamps[:9] for peer in range(4)}
    sent = evidence.sent_before(moments)
    assert sorted(reads) == sorted(map(str, files))
    everything = gd.load(files).df
    for peer, when in moments.items():
        mine = conform.time_ns(everything)[(everything["peer"] == peer).to_numpy()]
        before = [max(mine[mine < moment], default=np.iinfo(np.int64).min) for moment in when]
        assert sent[peer].tolist() == before
