"""`.plot`: the pictures of a table, with the names, arguments and defaults of `gdlab.plots`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from gdlab.analysis.source import Source
    from gdlab.plots.style import ThemeName


class Plots:
    """Draws what a table shows; each method returns the Axes it drew on, which a notebook shows by itself.

    matplotlib is loaded when the first plot is drawn. Each method is the function of the same name in
    `gdlab.plots`, of this capture or table. All take `ax` (where to draw; by default a figure of its own) and
    `theme` (``auto``, ``light`` or ``dark``).
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def __repr__(self) -> str:
        pictures = sorted(name for name in vars(Plots) if not name.startswith("_"))
        return f"<Pictures of {self._source!r}: {'(), '.join(pictures)}()>"

    def rates(
        self,
        ax: Axes | None = None,
        *,
        value: str = "messages_hz",
        bin_s: float | None = None,
        by: str | Sequence[str] = ("endpoint", "peer", "direction"),
        probes: bool = False,
        theme: ThemeName = "auto",
    ) -> Axes:
        """Messages per second over time, of each peer and direction or what `by` tells apart.

        Parameters
        ----------
        value : ``messages_hz``, ``goodput_bytes_s`` (payload) or ``wire_bytes_s`` (with headers).
        bin_s : width of a bin in seconds; chosen by default.
        by : columns that tell the lines apart, or one, such as ``"v.type"``; ``()`` for one line of all messages.
        probes : include our own pings and their answers.
        """
        from gdlab import plots

        return plots.rates(self._source, ax, value=value, bin_s=bin_s, by=by, probes=probes, theme=theme)

    def field(
        self,
        name: str,
        ax: Axes | None = None,
        *,
        by: str = "peer",
        against: str | None = None,
        distribution: bool = False,
        theme: ThemeName = "auto",
    ) -> Axes:
        """A field of the messages over time, against another one, or as a distribution.

        Parameters
        ----------
        name : the field, such as ``"v.pos.x"``, or another column of numbers.
        by : column that tells groups apart, such as ``"v.id"``; by default the peer.
        against : another field, in place of the time.
        distribution : draw which share of the values is below each value.
        """
        from gdlab import plots

        return plots.field(
            self._source, name, ax, by=by, against=against, distribution=distribution, theme=theme
        )

    def latency(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
        """Round-trip times where probes were answered, otherwise the time between arrivals."""
        from gdlab import plots

        return plots.latency(self._source, ax, theme=theme)

    def percentiles(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
        """The same delays as a distribution, on a scale that shows its tail."""
        from gdlab import plots

        return plots.percentiles(self._source, ax, theme=theme)

    def histogram(self, ax: Axes | None = None, *, theme: ThemeName = "auto") -> Axes:
        """The same delays as counts: how often which delay occurred."""
        from gdlab import plots

        return plots.histogram(self._source, ax, theme=theme)

    def jitter(
        self, ax: Axes | None = None, *, sent: str | None = None, unit: str = "us", theme: ThemeName = "auto"
    ) -> Axes:
        """Inter-arrival jitter (RFC 3550) over time.

        Parameters
        ----------
        sent, unit : column and unit of the sender's clock, as for `analysis.jitter`; by default that of probes.
        """
        from gdlab import plots

        return plots.jitter(self._source, ax, sent=sent, unit=unit, theme=theme)

    def sequence(
        self,
        ax: Axes | None = None,
        *,
        seq: str | None = None,
        window: int = 64,
        bits: int | None = None,
        theme: ThemeName = "auto",
    ) -> Axes:
        """Sequence numbers: what was lost, duplicated, reordered.

        Parameters
        ----------
        seq, window, bits : as for `analysis.numbered`; by default the numbers of probes.
        """
        from gdlab import plots

        return plots.sequence(self._source, ax, seq=seq, window=window, bits=bits, theme=theme)

    def frame_phase(
        self, ax: Axes | None = None, *, hz: float | None = None, theme: ThemeName = "auto"
    ) -> Axes:
        """Times folded on the length of a frame: a game that reads once per frame shows itself.

        Parameters
        ----------
        hz : rate to fold on; by default the frame rate that `analysis.frame_rate` finds.
        """
        from gdlab import plots

        return plots.frame_phase(self._source, ax, hz=hz, theme=theme)

    def overhead(self, ax: Axes | None = None, *, probes: bool = False, theme: ThemeName = "auto") -> Axes:
        """How many of the bytes are payload, and how many are headers of each layer.

        Parameters
        ----------
        probes : include our own pings and their answers.
        """
        from gdlab import plots

        return plots.overhead(self._source, ax, probes=probes, theme=theme)

    def ladder(
        self,
        ax: Axes | None = None,
        *,
        peer: str | None = None,
        first: int = 0,
        probes: bool = False,
        theme: ThemeName = "auto",
    ) -> Axes:
        """Messages between the two sides as arrows down a time axis.

        Parameters
        ----------
        peer : which one; by default the one with the most messages.
        first : position of the first message of that peer to draw.
        probes : include our own pings and their answers.
        """
        from gdlab import plots

        return plots.ladder(self._source, ax, peer=peer, first=first, probes=probes, theme=theme)

    def timeline(self, ax: Axes | None = None, *, probes: bool = False, theme: ThemeName = "auto") -> Axes:
        """Messages and events of each peer over time.

        Parameters
        ----------
        probes : include our own pings and their answers.
        """
        from gdlab import plots

        return plots.timeline(self._source, ax, probes=probes, theme=theme)

    def truth(self, ax: Axes | None = None, *, kind: str = "time", theme: ThemeName = "auto") -> Axes:
        """What a relay did: how long it held each packet, and what it took away.

        Parameters
        ----------
        kind : ``"time"``; ``"diagonal"`` draws the delay as meant against the one measured; ``"queue"`` the bytes that
            waited.
        """
        from gdlab import plots

        return plots.truth(self._source, ax, kind=kind, theme=theme)
