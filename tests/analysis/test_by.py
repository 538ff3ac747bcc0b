"""Measures take the columns that tell streams apart, as `rates` does."""

from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from gdlab.analysis.columns import names_of
from tests.traffic import table

MS = 1_000_000


def players():
    """Two players behind one peer, each of which counts its own messages; the second loses every third."""
    one = [("a", seq, 10 * seq) for seq in range(30)]
    two = [("b", seq, 10 * seq + 5) for seq in range(30) if seq % 3 != 1]
    sent = sorted(one + two, key=lambda message: message[2])
    ids, seqs, times_ms = zip(*sent, strict=True)
    # Those of the second jump forth and back by 2 ms on their way.
    late = [1 + 2 * (seq % 2) if who == "b" else 0 for who, seq, _ in sent]
    return table(
        (np.asarray(times_ms) + late) * MS,
        [b"x" if who == "a" else b"yy" for who in ids],
        v__id=list(ids),
        v__seq=np.asarray(seqs),
        v__t_ms=np.asarray(times_ms),
    )


def test_loss_is_counted_for_each_value_of_a_field():
    mixed = analysis.sequence(players(), seq="v.seq")
    assert mixed["duplicates"].item() > 0  # by peer, the numbers of both are taken for one stream
    each = analysis.sequence(players(), seq="v.seq", by="v.id").set_index("v.id")
    assert each["lost"].to_dict() == {"a": 0, "b": 10}
    assert each["duplicates"].tolist() == [0, 0]
    numbered = analysis.numbered(players(), seq="v.seq", by=("peer", "v.id"))
    assert numbered.columns[:4].tolist() == ["time", "peer", "v.id", "run"]
    assert set(numbered["status"]) == {"in order"}


def test_jitter_and_intervals_are_those_of_each_value():
    each = analysis.jitter(players(), sent="v.t_ms", unit="ms", by="v.id")
    assert each.columns.tolist() == ["time", "v.id", "jitter_ms"]
    last = each.groupby("v.id")["jitter_ms"].last()
    assert last["a"] == 0
    assert last["b"] > 0.5
    between = analysis.inter_arrival(players(), by="v.id")
    assert (between[between["v.id"] == "a"]["iat_ms"].dropna() == 10).all()


def test_conversations_are_those_of_each_value():
    each = analysis.conversations(players(), by="v.id").set_index("v.id")
    assert each["messages_in"].to_dict() == {"a": 30, "b": 20}
    assert each["bytes_in"].to_dict() == {"a": 30, "b": 40}
    assert each.loc["a", "mean_hz_in"] == pytest.approx(100)


def test_one_column_is_given_as_it_is():
    assert names_of("v.id") == ("v.id",)
    rates = analysis.rates(players(), by="v.id", bin_s=0.1)
    assert rates.groupby("v.id")["messages"].sum().to_dict() == {"a": 30, "b": 20}


@pytest.mark.parametrize(
    "measure", [analysis.sequence, analysis.jitter, analysis.conversations, analysis.inter_arrival]
)
def test_a_column_that_is_missing_is_named(measure):
    with pytest.raises(KeyError, match="no_such"):
        measure(players(), by="no_such")
    assert len(measure(table())) == 0
