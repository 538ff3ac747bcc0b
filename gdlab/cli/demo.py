"""A demonstration without a browser: capture, summary, CSV and pictures."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gdlab import analysis, plots, traffic
from gdlab.analysis.probes import messages_of
from gdlab.capture import Capture, listen
from gdlab.errors import WaitTimeout
from gdlab.messages import Message
from gdlab.peers import GREETING

#: Below one frame of a game at 60 Hz, so that the round trips fall on all parts of it.
_PING_S = 0.011

_START_S = 20.0

#: How often a long capture says that it goes on.
_TELL_EVERY_S = 5.0

#: Findings that the summary tells, the most certain first.
_FINDINGS = 2

#: Characters of a message that the summary shows.
_SHOWN = 60


def run_demo(out: Path, *, seconds: float, port: int, engine: bool | None) -> int:
    """Capture for so many seconds, or until Ctrl-C; return 0 when messages came, else 1.

    Raises
    ------
    OSError : the folder cannot be made, or not be written to. Nothing has been captured then.
    """
    _prepare(out)
    with listen(f"udp://127.0.0.1:{port}", reply=_greet, ping=_PING_S) as cap:
        print(f"listening on {cap.addresses[0]}")
        with traffic.demo_game(cap.addresses[0], engine=engine) as game:
            print(f"{game.description} sends")
            try:
                cap.wait_sync(1, timeout=_START_S)
            except WaitTimeout as error:
                print(f"gdlab: {error}")
                return 1
            _let_come(cap, seconds)
    print()
    for name, value in _summary(cap).items():
        print(f"{name:<16}{value}")
    print(f"\n{_last(cap)}")
    for finding in cap.findings().head(_FINDINGS).to_dict("records"):
        print(f"\n{finding['what']}\n  {finding['evidence']}")
    paths = [cap.to_csv(out / "capture.csv")]
    for name, ax in (
        ("rates", plots.rates(cap.df, theme="light")),
        ("latency", plots.latency(cap.df, theme="light")),
    ):
        path = out / f"{name}.png"
        plots.save(ax, path)
        paths.append(path)
    print("\nwrote " + ", ".join(str(path) for path in paths))
    return 0


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileExistsError(f"{out} is a file; --out takes the folder to write to") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder {out} cannot be written to; choose another with --out")


def _let_come(cap: Capture, seconds: float) -> None:
    """Let messages come, and tell now and then how many; Ctrl-C ends it early and loses nothing."""
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _TELL_EVERY_S))
            if left > _TELL_EVERY_S:
                print(f"{cap.statistics().received} messages, {left - _TELL_EVERY_S:.0f} s to go", flush=True)
    except KeyboardInterrupt:
        print("ended by Ctrl-C; what has come is written")


def _greet(message: Message) -> bytes | None:
    """Answer the game's greeting, which it repeats until then; its further messages need no answer."""
    return b"hi from Python" if message.payload == GREETING else None


def _summary(cap: Capture) -> dict[str, str]:
    told = cap.statistics()
    table = cap.df
    arrivals = table.loc[messages_of(table, "in"), "time"]
    lasted = max((arrivals.iloc[-1] - arrivals.iloc[0]).total_seconds(), 1e-9)
    trips = analysis.round_trips(table)
    rtt = trips["rtt_ms"].dropna()
    lines = {
        "captured": f"{told.seconds:.1f} s",
        "received": f"{told.received} messages, {told.received_bytes} bytes, from {told.peers} peer(s)",
        "rate": f"{told.received / lasted:.1f} messages per second, from the first to the last",
        "sent": f"{told.sent} messages, and {told.pings_sent} pings",
        "lost here": f"{told.kernel_drops if told.kernel_drops is not None else 'unknown'} (kernel's receive buffer)",
        "time stamps": ", ".join(
            f"{count} by {who}" for who, count in table.time_source.value_counts().items() if count
        ),
        "round trips": f"{len(rtt)} pings answered",
    }
    if len(rtt):
        shown = analysis.percentiles(rtt, (0.05, 0.5, 0.95), missing=int((trips["outcome"] == "lost").sum()))
        pairs = shown.dropna()[["quantile", "value"]].to_numpy()
        said = [f"{quantile * 100:g} % {value:.2f} ms" for quantile, value in pairs]
        lines["round-trip time"] = ", ".join(said) or "too few for a percentile (20 at least)"
    return lines


def _last(cap: Capture) -> str:
    """Return the last messages, a line each."""
    lines = []
    for row in cap.df.query("event == 'message'").tail(5).to_dict("records"):
        arrow = {"in": "<-", "out": "->"}[row["direction"]]
        text = row["payload"].decode(errors="backslashreplace")
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
        lines.append(f"{row['time']:%H:%M:%S.%f} {arrow} {row['peer']} {row['size_bytes']:>4} bytes  {text}")
    return "\n".join(lines)
