"""A sample of the streams of ``python -m bench.stream_kinds``: no guess spoils one, and few are misjudged."""

import pytest

from bench.stream_kinds import FOREIGN, KNOWN, cuts_at_the_writes, judged, streams
from gdlab.framing import StreamReader

COUNT = 340


@pytest.mark.slow
def test_few_streams_are_misjudged_and_known_kinds_are_recognised():
    wrong = known = right = 0
    for made, reads, pauses in streams(COUNT, seed=3):
        name = judged(made, reads, pauses)
        good = name in made.wanted or (name == "raw" and not made.wanted)
        wrong += not good and name != "raw"
        known += made.kind in KNOWN
        right += good and made.kind in KNOWN
    assert wrong <= 0.02 * COUNT
    assert right >= 0.98 * known


def test_few_messages_are_recognised_where_they_are_evidence_enough():
    known = right = wrong = 0
    for made, reads, pauses in streams(COUNT, seed=5, counts=(1, 2, 3, 4)):
        name = judged(made, reads, pauses)
        wrong += name not in (*made.wanted, "raw")
        # A length of one byte in a torn stream is found out by more of them only.
        if made.kind in KNOWN - {"u8"}:
            known += 1
            right += name in made.wanted
    assert wrong <= 0.02 * COUNT
    assert right >= 0.99 * known


@pytest.mark.slow
def test_kinds_that_nobody_knows_are_not_taken_for_others():
    wrong = [
        (made.kind, name)
        for made, reads, pauses in streams(COUNT, seed=6, kinds=FOREIGN)
        if (name := judged(made, reads, pauses)) != "raw" and not cuts_at_the_writes(made, name)
    ]
    assert len(wrong) <= 0.02 * COUNT, wrong


@pytest.mark.slow
def test_no_stream_is_without_rows_and_no_byte_is_lost_by_a_guess():
    for made, reads, pauses in streams(COUNT, seed=4):
        reader, frames, at = StreamReader("auto"), [], 0

        def take(taken, frames=frames, reader=reader):
            assert taken.error is None
            if taken.withdrawn:
                frames.clear()
            frames += [frame for batch in taken.batches for frame in batch.frames]

        for number, one in enumerate(reads):
            taken = reader.receive(one, number)
            if taken.failed is not None:  # as a session does it
                break
            take(taken)
            at += len(one)
            if at in pauses:
                take(reader.pause())
        else:
            take(reader.end())
            assert frames, made.kind
            found = sum(len(frame.payload) + frame.header_bytes for frame in frames)
            assert found >= at - 2, made.kind  # white space behind the last JSON value is in no frame
