"""The relay's process from its first line to its end."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

from gdlab.errors import GdlabError
from gdlab.impair import Link, Path, Scenario
from gdlab.transports.relaying import replayer
from gdlab.transports.relaying.datagram_core import DatagramCore
from gdlab.transports.relaying.outlet import Outlet
from gdlab.transports.relaying.stream_core import StreamCore
from gdlab.transports.relaying.worker import Worker


def _listen_to_commands(worker: Worker, stream: Any) -> None:
    """Read commands until the pipe ends, which it does with the notebook's kernel, however that ends."""
    for line in stream:
        worker.command(line)
    os._exit(0)


def main() -> None:
    """Run: the first line says what, then commands come; blocks go out."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not disturb the blocks
    outlet = Outlet(out)
    first = json.loads(sys.stdin.readline())
    if first.get("mode") == "replay":
        replayer.run(first, outlet, sys.stdin)
        return
    try:
        worker = Worker(
            Path(
                first["seed"],
                Link.from_json(first["up"]),
                Link.from_json(first["down"]),
                shared=first["share"] == "all",
                streams=first["transport"] != "udp",
                header_bytes=first["header_bytes"],
            ),
            outlet,
        )
        if first["transport"] == "udp":
            core: Any = DatagramCore(worker, first)
        else:
            core = StreamCore(worker, first)
    except GdlabError as error:
        facts = {"error": type(error).__name__, "message": str(error), "holder": getattr(error, "holder", "")}
        outlet.tell(**facts)
        outlet.close(5.0)
        return
    worker.core = core
    core.register(worker.selector)
    outlet.drive(worker.selector)
    if first.get("scenario"):
        worker.path.run(Scenario.from_json(first["scenario"]), time.time_ns())
    outlet.tell(ready=core.address, precise=worker.precise, pid=os.getpid())
    threading.Thread(target=_listen_to_commands, args=(worker, sys.stdin), daemon=True).start()
    worker.run()
