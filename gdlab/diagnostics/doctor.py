"""All checks at once, within a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from gdlab import surroundings
from gdlab.diagnostics import network, notebook, packages, tools
from gdlab.diagnostics.report import Line, Report, State
from gdlab.errors import NotPossibleHere

#: A program that is to tell its version gets so much of the time: what it does not say is no news either.
_SHARE: Final = 0.8


def doctor(*, time_limit_s: float = 2.0) -> Report:
    """Check what gdlab needs on this machine, and report what to do where something is amiss.

    Looks at versions, kernel, widgets, where the kernel runs, the ports of the lessons, IPv6, time stamps, receive
    buffers, the network and Godot. It raises nothing, and sends nothing to other machines.

    Parameters
    ----------
    time_limit_s : what is not known after so many seconds is left open, in a line that says so.

    Returns
    -------
    A DataFrame with the columns `check`, `state` (ok, warn, fail), `found` and `what to do`, which shows itself.
    """
    if not surroundings.have_threads():
        return run({"versions": packages.versions, "place": _no_network}, time_limit_s)
    return run(
        {
            "versions": packages.versions,
            "kernel": notebook.kernel,
            "place": lambda: [notebook.place()],
            "ports": network.ports,
            "IPv6": network.ipv6,
            "sockets": network.sockets,
            "network": network.firewall,
            "Godot": lambda: tools.engine(_SHARE * time_limit_s),
            "offline": tools.offline,
        },
        time_limit_s,
    )


def run(checks: Mapping[str, Callable[[], list[Line]]], time_limit_s: float) -> Report:
    """The report of these checks, in their order; one that fails itself or takes too long is a line, too."""
    deadline = time.monotonic() + time_limit_s
    results: dict[str, list[Line]] = {}
    threads = [
        threading.Thread(target=_check, args=(name, check, results), name=f"gdlab doctor {name}", daemon=True)
        for name, check in checks.items()
    ]
    if surroundings.have_threads():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    else:
        for thread in threads:
            thread.run()
    late = f"no answer within {time_limit_s:g} s"
    return Report.of(
        line
        for name in checks
        for line in results.get(name)
        or [Line(name, State.WARN, late, "doctor(time_limit_s=20) waits longer")]
    )


def _no_network() -> list[Line]:
    """What is to be known where there is nothing to check."""
    try:
        surroundings.demand("gd.listen needs")
    except NotPossibleHere as error:
        return [Line("place", State.WARN, "no threads, sockets or processes", str(error))]
    return []


def _check(name: str, check: Callable[[], list[Line]], results: dict[str, list[Line]]) -> None:
    try:
        results[name] = check()
    except Exception as error:  # noqa: BLE001 (a doctor who falls ill himself helps nobody)
        results[name] = [
            Line(
                name,
                State.WARN,
                f"could not be checked: {type(error).__name__}: {error}",
                "please report this; everything else was checked",
            )
        ]
