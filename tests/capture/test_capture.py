"""The capture as users meet it: start, look, wait, stop, start again."""

import asyncio
import gc
import logging
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import AddressError, PortInUse, WaitTimeout
from gdlab.messages import SCHEMA
from gdlab.store.table import COPY_ON_WRITE
from tests.waiting import limit, wait_until

FREE = "udp://127.0.0.1:0"


@pytest.fixture(autouse=True)
def stop_everything():
    yield
    gd.stop_all()


def port_of(capture):
    return int(capture.addresses[0].rpartition(":")[2])


def send(capture, *payloads, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for payload in payloads:
            sock.sendto(payload, (host, port_of(capture)))


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_it_listens_at_once_and_the_table_is_a_snapshot():
    cap = gd.listen(FREE)
    assert [(name, dtype.name) for name, dtype in cap.df.dtypes.items()] == [
        (c.name, c.dtype) for c in SCHEMA
    ]
    send(cap, b"one", b"two")
    cap.wait_sync(2)
    before = cap.df
    assert list(before.payload) == [b"one", b"two"]
    send(cap, b"three")
    cap.wait_sync(3)
    assert len(before) == 2
    assert list(cap.df.payload) == [b"one", b"two", b"three"]
    assert list(cap.tail(1).payload) == [b"three"]


def test_changing_the_table_changes_nothing_in_the_capture():
    cap = gd.listen(FREE)
    send(cap, b"one")
    cap.wait_sync()
    mine = cap.df
    mine["note"] = "mine"
    mine["size_bytes"] = -1
    assert "note" not in cap.df
    assert list(cap.df.size_bytes) == [3]


def test_the_same_cell_gives_back_the_running_capture_and_its_rows():
    cap = gd.listen(FREE)
    send(cap, b"one")
    cap.wait_sync()
    again = gd.listen(cap.addresses[0], reply=b"new answer")
    assert again is cap
    assert len(again.df) == 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(limit(5))
        sock.sendto(b"?", ("127.0.0.1", port_of(cap)))
        assert sock.recv(100) == b"new answer"


def test_another_limit_replaces_the_capture_and_says_so(caplog):
    cap = gd.listen(FREE)
    with caplog.at_level(logging.WARNING):
        other = gd.listen(cap.addresses[0], limit=1000)
    assert other is not cap
    assert other.addresses == cap.addresses
    assert not cap.running
    assert "replaced" in caplog.text
    assert "1000 rows" in caplog.text


def test_fresh_begins_anew():
    cap = gd.listen(FREE)
    send(cap, b"old")
    cap.wait_sync()
    other = gd.listen(cap.addresses[0], restart=True)
    assert len(other.df) == 0
    assert len(cap.df) == 1


def test_a_stopped_capture_keeps_its_data_and_frees_the_port():
    with gd.listen(FREE) as cap:
        send(cap, b"kept")
        cap.wait_sync()
        port = port_of(cap)
        assert not is_free(port)
    assert is_free(port)
    assert list(cap.df.payload) == [b"kept"]
    cap.stop()
    assert "stopped" in repr(cap)
    assert gd.listen(cap.addresses[0]) is not cap


def test_starting_again_goes_on_at_the_same_address_and_the_pause_is_a_row():
    cap = gd.listen(FREE)
    address = cap.addresses
    send(cap, b"before")
    cap.wait_sync(1)
    cap.stop()
    cap.start()
    assert cap.addresses == address
    send(cap, b"after")
    cap.wait_sync(2)
    assert list(cap.df.event) == ["message", "gap", "message"]
    assert "stopped for" in cap.df.detail.iloc[1]
    assert gd.listen(address[0]) is cap


def test_starting_again_on_a_port_that_was_taken_meanwhile():
    cap = gd.listen(FREE)
    cap.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", port_of(cap)))
        with pytest.raises(PortInUse):
            cap.start()
    assert not cap.running
    cap.start()
    assert cap.running


def test_several_endpoints_share_one_table_in_order_of_time():
    cap = gd.listen(FREE, "udp://[::1]:0")
    four, six = (int(address.rpartition(":")[2]) for address in cap.addresses)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as b,
    ):
        for number in range(20):
            if number % 2:
                a.sendto(b"%d" % number, ("127.0.0.1", four))
            else:
                b.sendto(b"%d" % number, ("::1", six))
    cap.wait_sync(20)
    assert [int(payload) for payload in cap.df.payload] == list(range(20))
    assert set(cap.df.endpoint) == set(cap.addresses)
    assert cap.statistics().peers == 2


def test_one_taken_port_of_several_leaves_none_open():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse):
            gd.listen("udp://[::1]:0", f"udp://127.0.0.1:{port}")
    assert gd.stop_all() == 0


def test_a_port_of_another_cell_is_named_with_the_way_out():
    cap = gd.listen(FREE)
    with pytest.raises(PortInUse, match="another capture of this notebook"):
        gd.listen(f"udp://localhost:{port_of(cap)}")
    assert cap.running


@pytest.mark.parametrize("bad", ["4242", "http://127.0.0.1:1", "udp://192.168.1.1:5"])
def test_a_bad_address_is_an_error_in_the_cell(bad):
    with pytest.raises(AddressError):
        gd.listen(bad)
    with pytest.raises(AddressError, match="nothing to listen on"):
        gd.listen()


# ---- waiting


def test_waiting_in_a_coroutine_and_without():
    cap = gd.listen(FREE)

    async def both():
        waiting = asyncio.create_task(cap.wait(2, timeout=5))
        await asyncio.sleep(0)
        send(cap, b"1", b"2")
        return await waiting

    assert asyncio.run(both()) is cap
    assert cap.wait_sync(2, timeout=limit(5)) is cap


def test_a_wait_for_more_counts_from_its_call_on():
    cap = gd.listen(FREE)
    send(cap, b"1", b"2")
    assert cap.wait_sync(2, timeout=limit(5)) is cap
    assert cap.wait_sync(2, timeout=0) is cap  # all since the beginning
    with pytest.raises(WaitTimeout, match="0 of 2 more messages") as nothing:
        cap.wait_sync(more=2, timeout=0.05)
    assert (nothing.value.arrived, nothing.value.wanted) == (0, 2)

    async def both():
        waiting = asyncio.create_task(cap.wait(more=2, timeout=limit(5)))
        await asyncio.sleep(0)
        send(cap, b"3", b"4")
        await waiting

    asyncio.run(both())
    assert list(cap.df.payload) == [b"1", b"2", b"3", b"4"]
    with pytest.raises(TypeError, match="give one of the two"):
        cap.wait_sync(2, more=2)


def test_status_and_statistics_are_read_with_and_without_brackets():
    cap = gd.listen(FREE)
    send(cap, b"one")
    cap.wait_sync()
    assert cap.statistics.received == cap.statistics().received == 1
    assert cap.status().text.startswith("listening on")
    cap.stop()
    assert cap.status() == cap.status


def test_a_reply_function_that_raises_is_in_the_status_at_once():
    def fails(message):
        raise KeyError(message.text)

    cap = gd.listen(FREE, reply=fails)
    send(cap, b"one", b"two")
    wait_until(lambda: "raised KeyError" in cap.status.hint and "2 times" in cap.status.hint)
    assert "set_reply" in cap.status.hint
    cap.set_reply(b"mended")
    send(cap, b"three")
    wait_until(lambda: cap.statistics.sent == 1)
    assert "raised" not in cap.status.hint


def test_a_wait_ends_in_a_diagnosis():
    cap = gd.listen(FREE)
    with pytest.raises(WaitTimeout) as nothing:
        cap.wait_sync(1, timeout=0.05)
    said = str(nothing.value)
    assert "0 of 1 messages" in said
    assert cap.addresses[0] in said
    assert f"port {port_of(cap)}" in said
    assert 'host="lan"' in said
    assert str(cap.status).endswith(cap.status.hint)
    send(cap, b"one")
    cap.wait_sync(1)
    with pytest.raises(WaitTimeout, match="1 of 5 messages") as some:
        cap.wait_sync(5, timeout=0.05)
    assert (some.value.arrived, some.value.wanted) == (1, 5)
    cap.stop()
    with pytest.raises(WaitTimeout, match="stopped capture"):
        cap.wait_sync(5, timeout=limit(30))


@pytest.mark.slow
def test_an_interrupt_ends_the_wait_and_not_the_capture():
    code = textwrap.dedent(
        """
        import signal, socket, gdlab as gd
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background would ignore it
        cap = gd.listen("udp://127.0.0.1:0")
        try:
            print("waiting", flush=True)
            cap.wait_sync(1, timeout=60)
        except KeyboardInterrupt:
            assert cap.running
            port = int(cap.addresses[0].rpartition(":")[2])
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
            cap.wait_sync(1, timeout=60)
            print("goes on", flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "goes on\n"
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exit", "kill"])
def test_the_port_is_free_after_the_process_has_gone(way):
    code = "import gdlab as gd; cap = gd.listen('udp://127.0.0.1:0'); print(cap.addresses[0], flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        assert not is_free(port)
        if way == "kill":
            process.kill()
        else:
            process.stdin.write("\n")
            process.stdin.flush()
        process.wait(20)
    assert is_free(port)
    assert way == "kill" or process.returncode == 0


# ---- showing


def test_the_repr_tells_what_is_and_what_is_not():
    cap = gd.listen(FREE)
    assert "nothing received" in repr(cap)
    send(cap, b"1", b"2")
    cap.wait_sync(2)
    assert f"listening on {cap.addresses[0]}, 2 messages, 1 peer, 0 dropped" in repr(cap)
    assert "\n" not in repr(cap)
    cap.stop()
    assert "stopped" in repr(cap)
    assert "2 messages" in repr(cap)


HOSTILE = [
    b"<script>alert(1)</script>",
    b'"><img src=x onerror=alert(1)>',
    b"\x00\x1b[31m\xff",
    "\u202egnp.exe".encode(),
    b"A" * 60_000,
    "ü".encode() * 30_000,
    b"",
]


def test_the_html_form_escapes_what_peers_send_and_stays_small():
    cap = gd.listen(FREE)
    send(cap, *HOSTILE)
    cap.wait_sync(len(HOSTILE))
    shown = cap._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert len(shown) < 20_000


def test_statistics_count_both_directions():
    cap = gd.listen(FREE, reply=b"four")
    send(cap, b"123", b"45")
    wait_until(lambda: cap.statistics().sent == 2)
    told = cap.statistics()
    assert (told.received, told.received_bytes, told.sent, told.sent_bytes) == (2, 5, 2, 8)
    assert told.rows_kept == 4
    assert told.seconds > 0
    if sys.platform == "linux":
        assert told.kernel_drops == 0
        assert told.receive_buffer_bytes > 100_000


def test_what_is_kept_of_decoded_payloads_is_in_the_statistics():
    cap = gd.listen(FREE)
    send(cap, *[b'{"seq": %d}' % number for number in range(50)])
    cap.wait_sync(50)
    assert cap.statistics.decoded_bytes == 0
    cap.decoded()
    assert cap.statistics.decoded_bytes > cap.statistics.received_bytes


def test_evicted_rows_are_in_the_statistics_and_the_words():
    cap = gd.listen(FREE, limit=64)
    for number in range(4):
        send(cap, *[b"x"] * 50)
        cap.wait_sync(50 * (number + 1))
    told = cap.statistics()
    assert told.evicted_rows == 200 - told.rows_kept > 0
    assert f"{told.evicted_rows:,} oldest row" in repr(cap)
    assert cap.df.event.iloc[0] == "gap"


@pytest.mark.slow
def test_pictures_of_what_has_arrived():
    cap = gd.listen(FREE)
    assert any("no messages" in text.get_text() for text in cap.plot.rates().texts)
    for _ in range(5):
        send(cap, b"1", b"2")
    cap.wait_sync(10)
    for ax in (cap.plot.rates(), cap.plot.latency()):
        assert ax.get_xlabel()
        assert "s)" in ax.get_ylabel() + ax.get_xlabel() or "second" in ax.get_ylabel()
        assert ax._repr_png_().startswith(b"\x89PNG")


def test_a_capture_that_nobody_holds_goes_on_until_stop_all():
    port = port_of(gd.listen(FREE))
    gc.collect()
    assert not is_free(port)
    assert gd.stop_all() == 1
    assert is_free(port)
    assert gd.stop_all() == 0


def test_the_public_names_are_there():
    for name in gd.__all__:
        assert getattr(gd, name) is not None


def test_listening_from_many_threads_gives_one_capture():
    first = gd.listen(FREE)
    found = []
    threads = [threading.Thread(target=lambda: found.append(gd.listen(first.addresses[0]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(map(id, found)) == {id(first)}


def test_csv_and_back(tmp_path):
    payloads = [
        b"",
        b"\x00\xff",
        b'a,b\n"c"\r\n',
        b"\xed\xa0\x80",
        b"=1+1",
        "grüße".encode(),
        b"9223372036854775807",
    ]
    cap = gd.listen(FREE, reply=b"@answer")
    send(cap, *payloads)
    cap.wait_sync(len(payloads))
    path = cap.to_csv(tmp_path / "run1.csv")
    cap.stop()
    again = gd.load(path)
    pd.testing.assert_frame_equal(again.df, cap.df)
    assert list(again.df.query("direction == 'in'").payload) == payloads
    assert again.provenance["endpoints"] == list(cap.addresses)
    assert "14 rows" in repr(again)
    assert again.plot.rates().get_xlabel()
    assert "&#9679;" in again._repr_html_()
    (tmp_path / "run1.gdlab.json").unlink()
    assert gd.load(path).notes


def test_a_spilled_capture_is_on_the_disk_whole_also_what_memory_has_let_go(tmp_path):
    folder = tmp_path / "spilled"
    cap = gd.listen(FREE, limit=64, spill=folder)
    assert gd.listen(cap.addresses[0], limit=64, spill=folder) is cap
    for number in range(6):
        send(cap, *[b"%d" % (50 * number + index) for index in range(50)])
        cap.wait_sync(50 * (number + 1))
        wait_until(lambda number=number: cap.spilled.rows >= 50 * (number + 1))
    assert cap.statistics().evicted_rows > 0
    assert f"300 rows in {folder}" in repr(cap)
    cap.stop()
    cap.start()
    send(cap, b"300")
    cap.wait_sync(301)
    cap.stop()
    again = gd.load(folder)
    messages = again.df.query("event == 'message'")
    assert [int(payload) for payload in messages.payload] == list(range(301))
    assert (again.df.event == "gap").sum() == 1  # the pause
    # What is told of it is how it was at its end, and not before its first message.
    assert again.provenance["endpoints"] == list(cap.addresses)
    assert again.provenance["statistics"]["received"] == 301


@pytest.mark.slow
def test_what_a_killed_process_had_spilled_is_there(tmp_path):
    code = (
        "import sys, gdlab as gd; cap = gd.listen('udp://127.0.0.1:0', spill=sys.argv[1]);"
        "print(cap.addresses[0], flush=True); cap.wait_sync(20, timeout=30);"
        "\nwhile cap.spilled.rows < 20: pass\nprint('spilled', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(20):
                sock.sendto(b"%d" % number, ("127.0.0.1", port))
        assert process.stdout.readline() == "spilled\n"
        process.kill()
        process.wait(20)
    loaded = gd.load(tmp_path / "s")
    assert [int(payload) for payload in loaded.df.payload] == list(range(20))
    assert loaded.notes


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux receives in batches and bounds address space")
def test_without_memory_for_batches_a_capture_runs_all_the_same_and_says_so():
    code = (
        "import re, resource, socket, gdlab as gd\n"
        "size = int(re.search(r'VmSize:\\s+(\\d+)', open('/proc/self/status').read())[1]) * 1024\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (40 << 20), resource.RLIM_INFINITY))\n"
        "cap = gd.listen('udp://127.0.0.1:0', limit='4MiB')\n"
        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for number in range(100): sock.sendto(b'%d' % number, ('127.0.0.1', cap.endpoints[0].address.port))\n"
        "cap.wait_sync(100, timeout=30)\n"
        "print(cap.status.hint)\n"
        "print(list(map(int, cap.df.payload)) == list(range(100)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=limit(60), check=True
    )
    hint, arrived = done.stdout.splitlines()
    assert "one by one" in hint
    assert "refuses the memory" in hint
    assert arrived == "True"


@pytest.mark.skipif(not COPY_ON_WRITE, reason="before pandas 3 every table is made anew")
def test_a_decoded_table_goes_on_with_the_columns_of_the_last_though_nobody_holds_the_table():
    seen = []
    with gd.listen(FREE, restart=True) as cap:
        for number in range(3):
            send(cap, b'{"who": "p%d", "seq": %d}' % (number, number))
            wait_until(lambda: len(cap) > len(seen))
            seen.append(cap.decoded())
    for name in ("size_bytes", "v.seq"):
        _, before, after = (table[name].to_numpy(dtype="int64") for table in seen)
        assert np.shares_memory(before, after)
    assert [table["v.who"].tolist() for table in seen] == [["p0"], ["p0", "p1"], ["p0", "p1", "p2"]]


@pytest.mark.parametrize("way", ["<B type, H seq", {1: "<B type, H seq", 2: "<B type, I t_us"}, "json"])
def test_how_payloads_are_read_is_saved_with_them(way, tmp_path):
    payloads = [b'{"seq": 1}'] if way == "json" else [struct.pack("<BH", 1, 7), struct.pack("<BH", 1, 9)]
    with gd.listen(FREE, decode=way, restart=True) as cap:
        send(cap, *payloads)
        cap.wait_sync(len(payloads), timeout=limit(5))
    expected = cap.decoded()["v.seq"].tolist()
    for again in (gd.load(cap.to_csv(tmp_path / "run.csv")), gd.load(tmp_path / "run.csv")):
        assert again.decode_with == way
        assert again.decoded()["v.seq"].tolist() == expected
        assert again.sequence(seq="v.seq").iloc[0].messages == len(payloads)
        again.to_csv(tmp_path / "run.csv")


@pytest.mark.parametrize(
    "told", ['"<nonsense"', "7", '{"300": "<B type"}', '{"x": "<B type"}', "null", '["json"]']
)
def test_a_file_that_says_nonsense_of_how_to_read_it_is_read_by_guess(told, tmp_path):
    with gd.listen(FREE, decode="json", restart=True) as cap:
        send(cap, b'{"seq": 1}')
        cap.wait_sync(1, timeout=limit(5))
    cap.to_csv(tmp_path / "run.csv")
    sidecar = tmp_path / "run.gdlab.json"
    sidecar.write_text(sidecar.read_text().replace('"decode": "json"', f'"decode": {told}'))
    assert told in sidecar.read_text()
    assert gd.load(tmp_path / "run.csv").decode_with == "auto"
