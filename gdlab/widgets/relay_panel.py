"""A relay's conditions, to be turned while a game plays through it."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import ipywidgets

from gdlab.capture import html
from gdlab.errors import GdlabError
from gdlab.impair import PRESETS, WAYS, Link
from gdlab.relays import Relay
from gdlab.relays.conditions import describe
from gdlab.text import count, number
from gdlab.widgets.panel import Panel, put
from gdlab.widgets.relay_picture import relay_svg
from gdlab.widgets.style import row, style_sheet

#: What the rate slider reaches, in powers of ten of kbit/s; its right end is no bottleneck.
_RATE: Final = (1.0, 6.0)
_OWN: Final = "own conditions"
_PERIOD_S: Final = 0.4
_OUTAGE_S: Final = 2.0
_SPIKE_S: Final = 0.5


class RelayPanel(Panel):
    """Preset, sliders, outage, spike and off; what is held and queued, and how late the relay itself is.

    It shows and steers a `Relay` and holds nothing of its own: each move is a call such as ``px.set(delay_ms=80)``, a
    row of the table and a step of ``px.history``.

    Parameters
    ----------
    relay : what to steer.
    """

    def __init__(self, relay: Relay, **options: Any) -> None:
        self._relay = relay
        self._setter: int | None = None  # the thread that shows what is in force: its changes are no moves
        self._updated_at = 0.0
        self.status = ipywidgets.HTML()
        self.preset = ipywidgets.Dropdown(
            options=[_OWN, *PRESETS], description="network", layout={"width": "20em"}
        )
        self.way = ipywidgets.ToggleButtons(
            options=["both", *WAYS],
            tooltips=["both ways alike", "towards the server", "back to the clients"],
            style={"button_width": "5.5em"},
        )
        self.sliders: dict[str, Any] = {
            "delay_ms": _slider("delay, one way (ms)", 500),
            "jitter_ms": _slider("jitter ± (ms)", 200),
            "loss": _slider("loss (%)", 30, step=0.1),
            "burst": _slider("run of losses", 20, least=1, step=0.5),
            "rate_kbps": ipywidgets.FloatLogSlider(
                value=10 ** _RATE[1],
                base=10,
                min=_RATE[0],
                max=_RATE[1],
                step=0.05,
                description="rate (kbit/s)",
                continuous_update=False,
                readout_format=".0f",
                style={"description_width": "11em"},
                layout={"width": "30em"},
            ),
            "queue_ms": _slider("queue (ms)", 2000),
        }
        self.outage = ipywidgets.Button(
            description=f"Outage {_OUTAGE_S:g} s", icon="chain-broken", tooltip="the line is down"
        )
        self.spike = ipywidgets.Button(
            description="Spike", icon="clock-o", tooltip=f"400 ms more, for {_SPIKE_S:g} s"
        )
        self.off = ipywidgets.ToggleButton(
            description="Off", icon="power-off", tooltip="let everything pass unchanged"
        )
        self.trouble = ipywidgets.HTML()
        self.figures = ipywidgets.HTML()
        self.picture = ipywidgets.HTML()
        self.preset.observe(self._choose_preset, "value")
        self.way.observe(self._choose_way, "value")
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._slide(name, change["new"]), "value")
        self.outage.on_click(lambda _button: self._do(lambda: relay.outage(_OUTAGE_S)))
        self.spike.on_click(lambda _button: self._do(lambda: relay.spike(_SPIKE_S)))
        self.off.observe(self._switch, "value")
        super().__init__(
            [
                style_sheet(),
                self.status,
                row(self.preset, self.way),
                *(row(slider) for slider in self.sliders.values()),
                row(self.outage, self.spike, self.off),
                self.trouble,
                self.figures,
                self.picture,
            ],
            None,
            **options,
        )
        self.add_class("gdlab-relay")

    @property
    def relay(self) -> Relay:
        """What is steered."""
        return self._relay

    # ---- what the render thread calls

    def _running(self) -> bool:
        return self._relay.running

    def state(self) -> Any:
        """While it runs figures move with the time; twice per second is enough."""
        relay = self._relay
        state = (relay.running, relay.is_off, relay.preset, tuple(relay.links.values()))
        if not relay.running or self._drawn is None:
            return state
        now = time.monotonic()
        return self._drawn if now - self._updated_at < _PERIOD_S else (*state, int(now / _PERIOD_S))

    def update(self) -> None:
        """Show the conditions in force, and what they do."""
        self._updated_at = time.monotonic()
        put(self.status, "value", html.status(self._relay._headline()))
        self._setter = threading.get_ident()
        try:
            put(self.preset, "value", self._relay.preset or (_OWN if self._shown() != Link() else "none"))
            put(self.off, "value", self._relay.is_off)
            for name, slider in self.sliders.items():
                least, most = _ends(slider)
                put(slider, "value", min(max(_position(name, self._shown()), least), most))
        finally:
            self._setter = None
        put(self.figures, "value", _figures(self._relay))
        put(self.picture, "value", relay_svg(self._relay.recent))

    def _shown(self) -> Link:
        return self._relay.links["down" if self.way.value == "down" else "up"]

    # ---- steering

    def _is_shown(self) -> bool:
        """Whether a change only shows what is in force; it is then made by the thread that draws."""
        return self._setter == threading.get_ident()

    def _choose_preset(self, change: Any) -> None:
        if not self._is_shown() and change["new"] != _OWN:
            self._do(lambda: self._relay.use(change["new"]))

    def _choose_way(self, _change: Any) -> None:
        self.redraw()

    def _switch(self, change: Any) -> None:
        if not self._is_shown():
            self._do(self._relay.off if change["new"] else self._relay.on)

    def _slide(self, name: str, value: float) -> None:
        if self._is_shown():
            return
        changes = _changes(name, value, self._shown())
        way = self.way.value
        self._do(lambda: self._relay.set(**(changes if way == "both" else {way: changes})))

    def _do(self, action: Any) -> None:
        with self.lock:  # else what is drawn meanwhile would take the move back
            try:
                action()
                put(self.trouble, "value", "")
            except GdlabError as error:
                put(self.trouble, "value", f'<span class="gdlab-bad">{html.visible(str(error), 400)}</span>')
        self.refresh()

    def __repr__(self) -> str:
        return f"<RelayPanel of {self._relay!r}{', closed' if self._closed else ''}>"


def _ends(slider: Any) -> tuple[float, float]:
    """The ends of a slider, as its values."""
    if isinstance(slider, ipywidgets.FloatLogSlider):
        return 10**slider.min, 10**slider.max
    return slider.min, slider.max


def _slider(name: str, most: float, *, least: float = 0, step: float = 1) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        value=least,
        min=least,
        max=most,
        step=step,
        description=name,
        continuous_update=False,
        readout_format=".1f",
        style={"description_width": "11em"},
        layout={"width": "30em"},
    )


def _position(name: str, link: Link) -> float:
    """Where a slider stands for a link."""
    if name == "loss":
        return link.loss * 100
    if name == "burst":
        return link.burst or 1.0
    if name == "rate_kbps":
        return link.rate_kbps or 10 ** _RATE[1]
    if name == "queue_ms":
        return 200.0 if link.queue_ms is None else link.queue_ms
    return float(getattr(link, name))


def _changes(name: str, value: float, link: Link) -> dict[str, Any]:
    """What a slider's new place means."""
    if name == "loss":
        share = round(value / 100, 5)
        burst = link.burst
        if burst is not None and share < 1 and burst < 1 / (1 - share):
            burst = None
        return {"loss": share, "burst": burst}
    if name == "burst":
        return {"burst": None if value <= 1 else value}
    if name == "rate_kbps":
        return {"rate_kbps": None if value >= 10 ** _RATE[1] * 0.99 else round(value, 1)}
    return {name: value}


def _figures(relay: Relay) -> str:
    """What the relay told last, as a table."""
    status = relay.status
    queued = {"up": status.get("queue_up", 0), "down": status.get("queue_down", 0)}
    links = "".join(
        f"<tr><td>{way}</td><td>{html.visible(describe(link, relay.transport))}</td>"
        f'<td class="n">{number(queued[way])} B</td></tr>'
        for way, link in relay.links.items()
    )
    trip = sum(link.delay_ms for link in relay.links.values())
    head = '<thead><tr><th>way</th><th>conditions</th><th class="n">queue</th></tr></thead>'
    table = f'<table class="gdlab-t">{head}{links}</table>'
    if not status:
        return table
    late = f"own lateness: median {status['late_p50_us'] / 1e3:.2f} ms, 99 % {status['late_p99_us'] / 1e3:.2f} ms"
    return (
        f"{table}<div>round trip at least {trip:g} ms; {number(status['arrived'])} packets came, "
        f"{number(status['dropped'])} were lost, {number(status['held'])} are on the line, "
        f"{count(int(status['clients']), 'client')}</div>"
        f'<div class="gdlab-q">{late}; a frame at 60 fps lasts 16.7 ms, which hides smaller jitter</div>'
    )


def relay_view(relay: Relay) -> RelayPanel:
    """Return the panel of a relay; the same one each time, however many cells show it."""
    if relay.view is None or relay.view.comm is None:
        relay.view = RelayPanel(relay)
    view: RelayPanel = relay.view
    return view
