"""What an RPC costs, against what real games put on the wire."""

from __future__ import annotations

import numpy as np
import pytest

import gdlab as gd
from gdlab.variant import Vector2
from tests.multiplayer.golden import PROJECT, table

FIVE = ["time", "endpoint", "peer", "direction", "payload"]


def test_the_smallest_calls_cost_what_they_do_on_the_wire() -> None:
    # 3 bytes of call, ENet 10, UDP 8, IP 20; the same over two TCP segments.
    assert gd.sizes((), as_rpc="unreliable").wire_bytes == 41
    assert gd.sizes((), as_rpc="reliable").wire_bytes == 41
    assert gd.sizes((), as_rpc="websocket").wire_bytes == 113


@pytest.mark.parametrize(
    ("run", "methods"),
    [
        ("hog_profiled", {"state": "unreliable_ordered", "move": "unreliable"}),
        ("big_enet", {"unrel": "unreliable"}),
    ],
)
def test_calls_of_a_real_game_cost_as_much_as_is_told(run: str, methods: dict[str, str]) -> None:
    calls = table(run)[FIVE].gdlab.multiplayer(project=PROJECT).calls
    alone = calls[(calls["path_bytes"] == 0) & calls["method"].isin(list(methods))]
    assert len(alone) > 10
    for call in alone.iloc[:: max(1, len(alone) // 40)].itertuples():
        args = tuple(bytes(value) if isinstance(value, np.ndarray) else value for value in call.args)
        told = gd.sizes(args, as_rpc=methods[str(call.method)])
        assert told["arguments"] + told["rpc"] == call.size
        assert told.wire_bytes == call.wire_bytes


def test_one_array_costs_less_than_ten_calls() -> None:
    told = gd.sizes((7, Vector2(1, 2)), as_rpc="unreliable", calls_per_frame=10)
    compared = told.compared.set_index("way")
    assert compared["wire_bytes"]["10 calls in a frame"] == 10 * told.wire_bytes
    assert compared["wire_bytes"]["one call with an array of 10"] < 6 * told.wire_bytes
    assert compared["datagrams"]["10 calls in a frame"] == 10


def test_five_kilobytes_at_five_per_cent_loss_fail_in_a_fifth_of_all_calls() -> None:
    told = gd.sizes(bytes(5000), as_rpc="unreliable", loss=0.05)
    assert told.compared["datagrams"].iloc[0] == 4
    assert 1 - told.compared["arrives"].iloc[0] == pytest.approx(1 - 0.95**4)
    assert any("19% of such calls do not arrive: each of the 4 fragments must" in note for note in told.notes)
    repaired = gd.sizes(bytes(5000), as_rpc="reliable")
    assert np.isnan(repaired.compared["arrives"]).all()
    assert repaired.wire_bytes > told.wire_bytes


def test_the_report_shows_itself_and_refuses_nonsense() -> None:
    told = gd.sizes("hello", as_rpc="reliable")
    assert "acknowledgement" in repr(told)
    assert "<table" in told._repr_html_()
    with pytest.raises(KeyError, match="none of arguments, rpc, enet, udp, ip, wire"):
        told["dtls"]
    with pytest.raises(ValueError, match="not 'sometimes'"):
        gd.sizes(1, as_rpc="sometimes")
    with pytest.raises(ValueError, match="a loss from 0 to 1"):
        gd.sizes(1, as_rpc="reliable", loss=2)
