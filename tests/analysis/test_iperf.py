"""Our measures against those of iperf, as its receiver defines them, where both define a number.

Of iperf 3 (esnet/iperf, ``iperf_udp_recv``) in our words: a counter holds the highest number seen. A number above the
next one expected adds what it skips to the lost. A number at or below the counter adds one to "out of order" and, while
there are lost ones, takes one from them; its comments suppose that no packet comes twice. Jitter is that
of RFC 1889, appendix A.8 (the predecessor of RFC 3550, same formula), over all packets in order of arrival, from 0.
Numbers begin at 1.
"""

from __future__ import annotations

import numpy as np
import pytest

from gdlab import analysis
from tests.traffic import merged, table

MS = 1_000_000


def iperf(number, arrived_s, sent_s):
    """Lost, out of order, and jitter in seconds, one packet after the other."""
    highest = lost = disordered = 0
    jitter, before = 0.0, None
    for n, arrival, sent in zip(number, arrived_s, sent_s, strict=True):
        if n > highest:
            lost += n - highest - 1
            highest = n
        else:
            disordered += 1
            lost = max(lost - 1, 0)
        transit = arrival - sent
        difference = abs(transit - (transit if before is None else before))
        before = transit
        jitter += (difference - jitter) / 16
    return lost, disordered, jitter


def stream(seed, *, duplication=0.0):
    """Numbers, and nanoseconds of arrival and sending, of a path that loses and reorders."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 400))
    kept = np.union1d(1, np.flatnonzero(rng.random(n) >= rng.uniform(0, 0.3)) + 1)
    number = np.concatenate([kept, kept[rng.random(len(kept)) < duplication]])
    sent = number * 10 * MS
    arrived = sent + rng.exponential(rng.choice([0.1, 10, 40]) * MS, len(number)).astype(np.int64)
    arrived[number == 1] = 0  # both count from the first one that arrives
    order = np.argsort(arrived, kind="stable")
    return number[order], arrived[order], sent[order]


@pytest.mark.slow
def test_loss_order_and_jitter_are_iperfs_on_200_seeds():
    streams = {f"{seed}": stream(seed) for seed in range(200)}
    whole = merged(
        *[
            table(arrived, peer=peer, v__seq=number, v__t=sent // 1000)
            for peer, (number, arrived, sent) in streams.items()
        ]
    )
    counted = analysis.sequence(whole, seq="v.seq").set_index("peer")
    jitter = analysis.jitter(whole, sent="v.t").groupby("peer", observed=True)["jitter_ms"].last()
    for peer, (number, arrived, sent) in streams.items():
        lost, disordered, smoothed = iperf(number.tolist(), arrived / 1e9, sent / 1e9)
        row = counted.loc[peer]
        assert row["lost"] == lost, peer
        assert row["reordered"] + row["late"] == disordered, peer
        assert jitter[peer] == pytest.approx(smoothed * 1e3, rel=1e-6, abs=1e-6), peer


def test_duplicates_hide_losses_from_iperf_and_not_from_us():
    # The definitions part here: to iperf each duplicate is out of order, and makes up for a packet that is lost.
    number, arrived, _ = stream(3, duplication=0.2)
    lost, disordered, _ = iperf(number.tolist(), arrived / 1e9, arrived / 1e9)
    ours = analysis.sequence(table(arrived, v__seq=number), seq="v.seq").iloc[0]
    assert ours["duplicates"] > 0
    assert ours["lost"] == number.max() - len(set(number.tolist()))
    assert disordered == ours["duplicates"] + ours["reordered"] + ours["late"]
    assert lost == max(ours["lost"] - ours["duplicates"], 0)
