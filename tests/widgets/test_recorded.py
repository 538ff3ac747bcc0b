"""Recordings in every view: each shows what it would show of the capture that was recorded."""

import socket

import pytest

import gdlab as gd
from gdlab.errors import EndpointClosed
from gdlab.live.peer_totals import EventCounts
from gdlab.live.rows import last_rows
from gdlab.store import table as tables
from gdlab.store.held import held
from gdlab.widgets import Dashboard, TimelinePanel
from gdlab.widgets.recorded import as_capture


@pytest.fixture
def recording(tmp_path):
    """A capture with messages of two peers, an answer, and an error, loaded from its file."""

    def reply(message):
        if message.payload == b"bad":
            raise ValueError("no answer")
        return b"ok"

    with gd.listen("udp://127.0.0.1:0", restart=True, reply=reply) as cap:
        for _ in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for number in range(5):
                    sock.sendto(b'{"seq": %d}' % number, ("127.0.0.1", cap.port))
                sock.sendto(b"bad", ("127.0.0.1", cap.port))
        cap.wait_sync(12)
    return gd.load(cap.to_csv(tmp_path / "run.csv"))


def test_a_table_held_as_blocks_gives_the_same_rows(recording):
    table = recording.df
    built = tables.build(held(table))
    for column in ("time", "peer", "direction", "event", "size_bytes", "payload", "detail"):
        assert built[column].astype(str).tolist() == table[column].astype(str).tolist(), column
    rows = [row for snapshot in held(table) for row in last_rows(snapshot, 10**6)]
    assert sorted(row.detail for row in rows if row.detail) == sorted(d for d in table.detail if d)


def test_its_errors_are_counted_by_their_reason(recording):
    counts = EventCounts()
    counts.follow(held(recording.df))
    assert sum(counts.errors.values()) == (recording.df.event == "error").sum() == 2


def test_the_dashboard_shows_a_recording_with_all_its_parts(sent, recording):
    board = Dashboard(recording)
    try:
        for title in board.tabs.bar.options:
            board.tabs.bar.value = title
            for panel in board.panels():
                panel.refresh()
                assert panel.error.value == "", title
        row = next(iter(board._rows.values()))
        assert "run.csv" in row.words.value
        assert row.toggle.layout.display == "none"
    finally:
        board.close()


def test_a_timeline_of_a_recording_selects_from_it(sent, recording):
    panel = TimelinePanel(recording)
    panel.update()
    panel.mark(recording.df.time.iloc[0], recording.df.time.iloc[3])
    assert len(panel.selection) == 4
    panel.close()


def test_what_a_recording_cannot_do_is_refused_with_what_can(recording):
    shown = as_capture(recording)
    assert as_capture(recording) is shown
    for call in (shown.start, lambda: shown.send("x"), lambda: shown.set_ping(1)):
        with pytest.raises(EndpointClosed, match=r"is a recording; gd\.listen"):
            call()
    assert shown.statistics().received == 12
