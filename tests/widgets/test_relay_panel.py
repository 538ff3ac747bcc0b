"""The relay's panel: what is turned takes effect, and what was called elsewhere is shown."""

import pytest

import gdlab as gd
from gdlab.widgets import RelayPanel, relay_view
from tests.relays.games import udp_client, udp_server
from tests.waiting import wait_until


@pytest.fixture
def px(sent):
    with udp_server() as (_, to), gd.relay("udp://127.0.0.1:0", to=to, seed=1) as relay:
        yield relay


def test_moves_are_calls_and_rows(px):
    panel = RelayPanel(px)
    panel.refresh()
    panel.sliders["delay_ms"].value = 80
    assert [px.links[way].delay_ms for way in ("up", "down")] == [80, 80]
    panel.way.value = "down"
    panel.sliders["rate_kbps"].value = 1000
    panel.sliders["loss"].value = 2.5
    assert (px.links["up"].rate_kbps, px.links["down"].rate_kbps, px.links["down"].loss) == (
        None,
        1000,
        0.025,
    )
    panel.outage.click()
    panel.spike.click()
    panel.off.value = True
    assert px.is_off
    panel.off.value = False
    assert not px.is_off
    wait_until(lambda: len(px.history) >= 7)
    assert (px.df["event"] == "setting").sum() == len(px.history)
    panel.close()


def test_what_is_set_elsewhere_is_shown(px):
    panel = relay_view(px)
    assert relay_view(px) is panel
    px.use("4g-slow")
    panel.refresh()
    assert panel.preset.value == "4g-slow"
    assert panel.sliders["delay_ms"].value == 75
    assert "round trip at least 150 ms" in panel.figures.value
    before = len(px.history)
    panel.refresh()
    assert len(px.history) == before  # showing is no move
    panel.preset.value = "none"
    assert px.links["up"].changes_nothing
    with udp_client(px) as client:
        client.send(b"x")
        px.wait_sync(1)
    panel.close()


def test_what_cannot_be_is_told_and_changes_nothing(px):
    panel = RelayPanel(px)
    panel.sliders["loss"].value = 30
    panel.sliders["burst"].value = 1.5
    px.stop()
    panel.sliders["delay_ms"].value = 10
    assert "stopped" in panel.trouble.value
    panel.close()
