"""The relay's panel: what is turned takes effect, and what was called elsewhere is shown."""

import re

import pytest

import gdlab as gd
from gdlab.relays.registry import running
from gdlab.widgets import Dashboard, NetworkTab, RelayPanel, relay_view
from gdlab.widgets.relay_picture import relay_svg
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


def test_the_picture_shows_delay_queue_and_own_lateness(px):
    panel = RelayPanel(px)
    panel.refresh()
    px.set(delay_ms=40, rate_kbps=50, queue_ms=2000)
    with udp_client(px) as client:
        for _ in range(60):
            client.send(b"x" * 72)
        wait_until(lambda: any(report["queue_up"] > 1000 for report in px.recent))
        px.wait_sync(60, timeout=20)
        wait_until(lambda: any(report["held_p50_us"] > 40_000 for report in px.recent))
    panel.redraw()
    panel.refresh()
    picture = panel.picture.value
    assert picture.startswith("<svg")
    assert 'class="own"' in picture  # the band
    most = max(report["queue_up"] for report in px.recent)
    assert "waiting at the bottleneck" in picture
    assert any(f">{value:,g}<" in picture for value in (1000, 2000, 5000, 10_000) if value >= most * 0.999)
    panel.close()


def test_a_picture_by_hand():
    second = 1_000_000_000
    report = {
        "sent": 1,
        "held_p50_us": 50_000.0,
        "late_p99_us": 5_000.0,
        "queue_up": 0,
        "queue_down": 0,
        "held": 4,
    }
    reports = [{**report, "time": n * second // 5} for n in range(10)]
    picture = relay_svg(reports)
    band = re.search(r'class="own" d="M([^Z]+)Z"', picture)[1].split("L")
    assert len(band) == 2 * len(reports)
    ys = [float(point.split()[1]) for point in band]
    assert ys[0] == 20.0  # 50 ms is the top of the lane
    assert ys[-1] == pytest.approx(20 + 62 * 0.1)  # and the band ends a tenth of it lower
    late = [*reports, {**report, "time": 30 * second}]
    assert re.search(r'class="own"', relay_svg(late))
    assert relay_svg([]) == ""


def test_the_dashboard_puts_a_relay_in_front_and_steers_it(sent, capture):
    tab = NetworkTab(capture)
    tab.refresh()
    before = set(running())
    tab.start.click()
    (px,) = set(running()) - before
    try:
        assert px.to == capture.addresses[0]
        assert tab.shown is not None
        assert tab.shown.relay is px
        wait_until(lambda: "on the line" in tab.shown.picture.value)  # drawn without being asked
        tab.shown.sliders["delay_ms"].value = 30
        assert px.links["up"].delay_ms == 30
        with udp_client(px) as client:
            client.send(b"through")
            capture.wait_sync(1)
    finally:
        px.stop()
    tab.redraw()
    tab.refresh()
    assert tab.choice.value is not px
    tab.close()


def test_a_relay_that_runs_already_is_shown(px, capture):
    tab = NetworkTab(capture)
    tab.refresh()
    assert tab.shown is not None
    assert tab.shown.relay is px
    wait_until(lambda: "conditions" in tab.shown.figures.value)
    tab.close()


def test_the_dashboard_has_it(capture):
    with_tabs = Dashboard(capture)
    with_tabs.tabs.bar.value = "Network"
    assert any(isinstance(panel, NetworkTab) for panel in with_tabs.tabs.panels())
    with_tabs.close()
