"""Any field as a picture."""

import pandas as pd
import pytest

import gdlab as gd
from tests.codecs.tables import table_of


@pytest.fixture
def table():
    """Two players that move."""
    payloads = [b'{"id": %d, "pos": {"x": %d, "y": %d}}' % (n % 2, n, 10 * (n % 2)) for n in range(40)]
    return table_of(*payloads).assign(
        time=pd.to_datetime([10**18 + n * 10**8 for n in range(40)], utc=True),
        endpoint="udp://127.0.0.1:4242",
        peer="127.0.0.1:5",
        direction="in",
    )


def drawn(ax):
    return {len(line.get_xdata()): line for line in ax.get_lines() if len(line.get_xdata())}


def test_a_field_is_drawn_over_time_for_each_group(table):
    ax = table.gdlab.plot.field("v.pos.x", by="v.id")
    (line,) = {
        tuple(line.get_ydata())
        for line in ax.get_lines()
        if len(line.get_xdata()) and line.get_ydata()[0] == 0
    }
    assert line == tuple(float(n) for n in range(0, 40, 2))
    assert ax.get_title(loc="left") == "v.pos.x"


def test_a_field_is_drawn_against_another_and_as_a_distribution(table):
    (line,) = drawn(table.gdlab.plot.field("v.pos.y", against="v.pos.x")).values()
    assert list(line.get_xdata()) == [float(n) for n in range(40)]
    (line,) = drawn(table.gdlab.plot.field("v.pos.x", distribution=True)).values()
    assert line.get_ydata()[-1] == 1.0
    with pytest.raises(ValueError, match="two different pictures"):
        table.gdlab.plot.field("v.pos.x", against="v.pos.y", distribution=True)
    with pytest.raises(KeyError, match=r"v\.speed"):
        table.gdlab.plot.field("v.speed")


def test_latency_by_two_fields_of_one_clock():
    payloads = [b'{"t": %d, "back": %d}' % (10**18 + n, 10**18 + n + 1500) for n in range(30)]
    table = table_of(*payloads, b"other").assign(
        time=pd.to_datetime(range(31), utc=True), endpoint="udp://127.0.0.1:1", peer="p", direction="in"
    )
    found = gd.analysis.latency(table, sent="v.t", received="v.back", unit="ns")
    assert found.latency_ms.tolist() == pytest.approx([0.0015] * 30)
    with pytest.raises(ValueError, match="two clocks is no delay"):
        gd.analysis.latency(table.assign(size_bytes=[len(p) for p in table.payload]), sent="v.t", unit="ns")


def test_rows_are_chosen_by_the_dashboards_filter(table):
    chosen = table.gdlab.where("v.id == 1 and v.pos.x > 30")
    assert chosen["v.pos.x"].tolist() == [31, 33, 35, 37, 39]
    assert len(chosen.gdlab.inter_arrival()) == 5
    assert len(table.gdlab.where('"id" in text')) == 40
    with pytest.raises(ValueError, match="pos"):
        table.gdlab.where("pos > 3")
