"""Measures of many files are those of one table, exactly, however the files divide the rows and whoever computes."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import struct
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import gdlab as gd
from gdlab import analysis
from gdlab.codecs import decode
from gdlab.files import to_schema as conform
from gdlab.payloads import PayloadArray
from tests.datasets.played import MEASURES, played, spread

WAYS = ("server", "minute", "shuffled")
#: So few that streams are divided among several tasks.
ROWS_AT_ONCE = 1000


@functools.cache
def other():
    """Another session, to compare with."""
    return played(2, lasted_s=20)


@pytest.fixture(scope="module")
def spreads(tmp_path_factory):
    whole = played(1, hz=2)
    folder = tmp_path_factory.mktemp("spread")
    return {how: spread(whole, folder / how, how) for how in WAYS}


@pytest.fixture(scope="module")
def tables(spreads):
    return {how: gd.load(files).df for how, files in spreads.items()}


@pytest.fixture(scope="module")
def expected(tables):
    """What one machine makes of all rows in one table: each measure, findings, a comparison."""
    found = {}
    for how, table in tables.items():
        found[how] = {str(each): getattr(analysis, each[0])(table, **each[1]) for each in MEASURES}
        found[how]["findings"] = pd.DataFrame(analysis.findings(table))
        found[how]["compare"] = analysis.compare(table, other(), seq="v.seq")
        assert all(len(frame) for frame in found[how].values())
        found[how]["frame_rate"] = analysis.frame_rate(table)
    return found


@pytest.fixture(scope="module")
def server():
    """What starts processes: one that has imported what they need, and no threads of other tests, is forked."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["distributed", "gdlab.datasets.tasks"])
    forkserver.ensure_running()  # before Dask has other wishes
    return context


@pytest.fixture(scope="module")
def pool(server):
    with ProcessPoolExecutor(2, mp_context=server) as executor:
        yield executor


#: Of the measures those that ask, with findings and a comparison, for each kind of task: what a worker is sent and
#: sends back does not depend on the measure.
OF_EVERY_TASK = [
    ("rates", {"bin_s": 0.5, "by": "peer", "top": 2, "probes": True}),
    ("conversations", {}),
    ("jitter", {}),
    ("sequence", {"seq": "v.seq"}),
]


def check(files, expected, executor, measures, **options):
    found = gd.dataset(files, executor=executor, rows_at_once=ROWS_AT_ONCE, **options)
    for each in measures:
        frame = getattr(found, each[0])(**each[1])
        assert_frame_equal(frame, expected[str(each)], check_exact=True, obj=str(each))
    assert_frame_equal(pd.DataFrame(found.findings()), expected["findings"], check_exact=True)
    assert_frame_equal(found.compare(other(), seq="v.seq"), expected["compare"], check_exact=True)
    assert found.frame_rate() == expected["frame_rate"]


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_here(spreads, expected, how):
    check(spreads[how], expected[how], None, MEASURES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", ["minute"]
)  # "shuffled" by Dask's; a unit is sent in the same way whatever it is of
def test_in_other_processes(spreads, expected, how, pool):
    check(spreads[how], expected[how], pool, OF_EVERY_TASK)


@pytest.mark.slow
def test_the_table_is_that_of_all_files(spreads, tables):
    for how in WAYS:
        assert_frame_equal(gd.dataset(spreads[how]).df(), tables[how], check_exact=True)


@pytest.mark.slow
def test_equal_times_keep_the_order_of_files_and_rows(tmp_path):
    whole = played(3, lasted_s=20)
    # All within a few moments, so that nearly every time is there many times.
    whole["time"] = whole["time"].dt.floor("2s")
    files = spread(whole, tmp_path / "spread", "shuffled")
    table = gd.load(files).df
    assert table["time"].duplicated().mean() > 0.9
    found = gd.dataset(files, rows_at_once=200)
    for name, options in MEASURES:
        if name not in ("clock_offsets", "one_way_delay", "delay_above_least"):
            expected = getattr(analysis, name)(table, **options)
            assert_frame_equal(
                getattr(found, name)(**options), expected, check_exact=True, obj=f"{name} {options}"
            )


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fields", "text", "bytes"])
def test_numbers_that_messages_carry_count_where_the_other_side_sends_no_pings(form, tmp_path):
    whole = played(4, lasted_s=20)
    whole = whole[~whole["peer"].isin(["10.0.9.8:8", "10.0.9.9:9"])].reset_index(drop=True)
    if form != "fields":
        states = (whole["direction"] == "in") & (whole["reason"] != "probe") & (whole["event"] == "message")
        decoded = decode(whole)[states]
        ours = conform.time_ns(whole)[states] // 1000  # of a clock that runs as ours, as bytes must
        pairs = zip(decoded["v.seq"].astype(int), ours, strict=True)
        if form == "text":
            new = [f"pos=1 seq={seq} t_us={t_us}".encode() for seq, t_us in pairs]
        else:
            new = [struct.pack("<IQ4x", seq, t_us) for seq, t_us in pairs]
        payloads = whole["payload"].tolist()
        for row, payload in zip(np.flatnonzero(states), new, strict=True):
            payloads[row] = payload
        sizes = [0 if payload is None else len(payload) for payload in payloads]
        whole = whole.assign(payload=PayloadArray._from_sequence(payloads), size_bytes=sizes)
    files = spread(whole, tmp_path / "spread", "shuffled")
    table = gd.load(files).df
    found = gd.dataset(files, rows_at_once=300)
    for name in ("sequence", "jitter", "one_way_delay"):
        expected = getattr(analysis, name)(table)
        assert len(expected) > (2 if name == "sequence" else 300), name
        assert_frame_equal(getattr(found, name)(), expected, check_exact=True, obj=name)


@pytest.mark.slow
def test_quantiles_do_not_depend_on_the_files_and_keep_their_bound(spreads, tables):
    for measure, column in (("inter_arrival", "iat_ms"), ("one_way_delay", "delay_ms")):
        options = {"sent": "v.t_us"} if measure == "one_way_delay" else {}
        found = [
            gd.dataset(files, rows_at_once=rows).quantiles(measure, (0.5, 0.9, 0.98), **options)
            for files in spreads.values()
            for rows in (ROWS_AT_ONCE, 10**6)
        ]
        for each in found[1:]:
            assert_frame_equal(each, found[0], check_exact=True)
        values = getattr(analysis, measure)(tables["server"], **options)[column].dropna()
        for row in found[0].itertuples():
            exact = values.quantile(row.quantile, interpolation="higher")
            assert abs(row.value - exact) <= 0.011 * exact, (measure, row)
            assert row.low <= exact * 1.0000001
            assert exact <= row.high * 1.011
    lost = gd.dataset(spreads["minute"], rows_at_once=ROWS_AT_ONCE).quantiles("round_trips", (0.5, 0.97))
    assert lost["value"].tolist()[1] == float("inf")
    assert lost["n"].tolist() == [360, 360]


def test_a_field_that_no_payload_has_is_named(spreads):
    with pytest.raises(KeyError, match=r"v\.nothing"):
        gd.dataset(spreads["minute"], rows_at_once=ROWS_AT_ONCE).sequence(seq="v.nothing")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_dask_survives_a_killed_worker(spreads, expected, server):
    distributed = pytest.importorskip("distributed")
    settings = {
        "distributed.admin.log-format": "%(message)s",
        "distributed.scheduler.allowed-failures": 20,
        "distributed.worker.multiprocessing-method": "forkserver",
    }
    dask = pytest.importorskip("dask")
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victims = list(client.run(os.getpid).values())
        killed = []

        def kill(done: int, _total: int) -> None:
            # In the middle of the work, not between two measures.
            if not killed and done == 2:
                killed.append(victims[0])
                os.kill(victims[0], signal.SIGKILL)

        # Of the ways the one that asks for the most tasks: what an executor is given does not depend on which it is.
        executor = client.get_executor(pure=False)
        check(spreads["shuffled"], expected["shuffled"], executor, OF_EVERY_TASK, progress=kill)
        assert killed
        assert victims[0] not in client.run(os.getpid).values()
