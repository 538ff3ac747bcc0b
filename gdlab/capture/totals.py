"""The counters of a whole capture: those of its stores and endpoints taken together."""

from __future__ import annotations

from collections.abc import Sequence

from gdlab import clock
from gdlab.capture.lifetime import Lifetime
from gdlab.capture.status import Statistics
from gdlab.store import Store
from gdlab.words import sentence


def totals(life: Lifetime, decoded_bytes: int = 0) -> Statistics:
    """Return the counters as they are now; `decoded_bytes` is what the capture keeps of its decoded table."""
    stores = [store.statistics() for store in life.caught_up()]
    endpoints = [endpoint.statistics() for endpoint in life.endpoints]
    drops = [endpoint.kernel_drops for endpoint in endpoints if endpoint.kernel_drops is not None]
    now_ns = clock.now_ns()
    last_ns = max(store.last_received_ns for store in stores)
    problem_ns, problem = _problem(life.stores)
    return Statistics(
        seconds=(life.until_ns - life.began_ns) / 1e9,
        received=sum(store.received - store.probes.received for store in stores),
        received_bytes=sum(store.received_bytes - store.probes.received_bytes for store in stores),
        sent=sum(store.sent - store.probes.sent for store in stores),
        sent_bytes=sum(store.sent_bytes - store.probes.sent_bytes for store in stores),
        peers=sum(store.peers for store in stores),
        errors=sum(store.errors for store in stores),
        kernel_drops=sum(drops) if drops else None,
        evicted_rows=sum(store.evicted_rows for store in stores),
        rows_kept=sum(store.rows_kept for store in stores),
        bytes_kept=sum(store.bytes_kept for store in stores),
        receive_buffer_bytes=min((endpoint.receive_buffer_bytes for endpoint in endpoints), default=0),
        last_received_s=max(0.0, (now_ns - last_ns) / 1e9) if last_ns else None,
        connections=sum(endpoint.connections for endpoint in endpoints),
        opening=sum(endpoint.opening for endpoint in endpoints),
        waiting_bytes=sum(endpoint.waiting_bytes for endpoint in endpoints),
        awaited_bytes=max((endpoint.awaited_bytes for endpoint in endpoints), default=0),
        unsent_bytes=sum(endpoint.unsent_bytes for endpoint in endpoints),
        decoded_bytes=decoded_bytes,
        problem=problem,
        problem_s=(now_ns - problem_ns) / 1e9 if problem else None,
        pings_sent=sum(store.probes.sent for store in stores),
        answers_received=sum(store.probes.received for store in stores),
    )


def _problem(stores: Sequence[Store]) -> tuple[int, str]:
    """The last thing that went wrong: when, and in words."""
    problems = [store.last_problem for store in stores if store.last_problem is not None]
    time_ns, fact = max(problems, key=lambda one: one[0], default=(0, None))
    return time_ns, "" if fact is None else sentence(fact)
