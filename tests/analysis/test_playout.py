"""Buffers: which updates are there in time, computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis


def stream(direction: str, numbers: list[int], at_ms: list[float], peer: str = "a") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": pd.to_datetime((np.array(at_ms) * 1e6).astype("int64"), utc=True),
            "endpoint": "udp://b",
            "peer": peer,
            "direction": direction,
            "event": "message",
            "v.n": numbers,
        }
    )


SENT = stream("out", list(range(6)), [0, 20, 40, 60, 80, 100])
#: 2 is lost, 3 comes 50 ms later than the fastest, 4 comes 15 later, 1 twice.
CAME = stream("in", [0, 1, 1, 4, 3, 5], [1000, 1020, 1021, 1095, 1110, 1100])


def test_late_and_lost_are_counted_by_hand() -> None:
    table = analysis.playout(SENT, CAME, seq="v.n", buffers_ms=(0, 14, 15, 49, 50))
    assert table.index.tolist() == [0, 14, 15, 49, 50]
    assert table.n.tolist() == [6] * 5
    assert table.lost.tolist() == [1] * 5
    assert table.late.tolist() == [2, 2, 1, 1, 0]
    assert table.missing.tolist() == [3 / 6, 3 / 6, 2 / 6, 2 / 6, 1 / 6]
    assert table.longest.tolist() == [3, 3, 2, 2, 1]
    assert table.frozen_ms.tolist() == [60, 60, 40, 40, 20]


def test_the_clocks_need_not_agree() -> None:
    other = CAME.assign(time=CAME.time - pd.Timedelta("90 days"))
    here, there = (analysis.playout(SENT, each, seq="v.n") for each in (CAME, other))
    pd.testing.assert_frame_equal(here, there)


def test_what_was_sent_while_the_other_did_not_record_counts_nowhere() -> None:
    began_late = CAME.iloc[3:]
    assert analysis.playout(SENT, began_late, seq="v.n", buffers_ms=[100]).n.tolist() == [3]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        analysis.playout(SENT, CAME, seq="v.n", buffers_ms=[-1])
    with pytest.raises(ValueError, match="both sent and received"):
        analysis.playout(SENT, CAME.assign(**{"v.n": CAME["v.n"] + 100}), seq="v.n")
    two = pd.concat([SENT, stream("out", [0, 1], [0, 20], peer="c")])
    with pytest.raises(ValueError, match="2 streams"):
        analysis.playout(two, CAME, seq="v.n")
