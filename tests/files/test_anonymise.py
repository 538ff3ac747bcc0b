"""Anonymised files: no address of anybody is left in them, and the same address has the same name everywhere."""

import json

import pandas as pd
import pytest

from gdlab.files import load, write_csv
from gdlab.files.sidecar import path_for
from tests.files.tables import table_of


def written(tmp_path, rows, **more):
    path = write_csv(table_of(rows), tmp_path / "run.csv", anonymise=True, **more)
    return load(path).table, path.read_text() + path_for(path).read_text()


def test_peers_have_the_same_name_in_every_row_and_in_details(tmp_path):
    table, text = written(
        tmp_path,
        [
            {"peer": "192.168.1.7:5001"},
            {"peer": "[fe80::1%eth0]:9"},
            {"peer": "192.168.1.7:5002", "detail": "192.168.1.7:5001 went, [fe80::1%eth0]:9 stayed"},
            {"peer": "192.168.1.7:5001", "detail": "from 192.168.1.7 (10.0.0.9, 2001:db8::5)"},
            {"peer": ""},
        ],
    )
    assert list(table.peer) == ["P01", "P02", "P03", "P01", ""]
    assert list(table.detail) == ["", "", "P01 went, P02 stayed", "from A01 (A02, A03)", ""]
    for address in ("192.168", "fe80", "10.0.0.9", "2001:db8", "5001"):
        assert address not in text


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("udp://192.168.1.2:4242", "udp://E01:4242"),
        ("ws://[2001:db8::1]:80/path", "ws://E01:80/path"),
        ("tcp://my-laptop.local:1", "tcp://E01:1"),
        ("udp://127.0.0.1:4242", "udp://127.0.0.1:4242"),
        ("udp://[::1]:4242", "udp://[::1]:4242"),
        ("udp://0.0.0.0:4242", "udp://0.0.0.0:4242"),
        ("udp://localhost:1", "udp://localhost:1"),
    ],
)
def test_endpoints_of_a_lan_lose_their_address_and_loopback_stays(tmp_path, endpoint, name):
    table, _ = written(tmp_path, [{"endpoint": endpoint, "detail": f"bound to {endpoint}"}])
    assert table.endpoint[0] == name
    assert table.detail[0] == f"bound to {name}"


def test_the_provenance_has_the_same_names(tmp_path):
    _, text = written(
        tmp_path,
        [{"endpoint": "udp://192.168.1.2:4242", "peer": "192.168.1.7:5001"}],
        provenance={"endpoints": ["udp://192.168.1.2:4242"], "by peer": {"192.168.1.7:5001": 3}, "rate": 1.5},
    )
    document = json.loads(text[text.index("{") :])
    assert document["provenance"] == {"endpoints": ["udp://E01:4242"], "by peer": {"P01": 3}, "rate": 1.5}
    assert document["anonymised"] is True
    assert "192.168" not in text


def test_two_endpoints_on_one_host_share_its_name(tmp_path):
    table, _ = written(tmp_path, [{"endpoint": "udp://10.0.0.1:1"}, {"endpoint": "tcp://10.0.0.1:2"}])
    assert list(table.endpoint) == ["udp://E01:1", "tcp://E01:2"]


def test_payloads_times_and_versions_are_not_touched(tmp_path):
    rows = [{"payload": b"I am 192.168.1.7", "detail": "12:30:45 version 1.2.3, 1:2, 300.1.1.1 and a::word"}]
    table, _ = written(tmp_path, rows)
    expected = table_of(rows)
    assert list(table.payload) == list(expected.payload)
    assert list(table.detail) == list(expected.detail)
    pd.testing.assert_series_equal(table.time, expected.time)


def test_more_than_a_hundred_peers_have_names_of_one_length(tmp_path):
    table, _ = written(tmp_path, [{"peer": f"10.0.0.{number}:1"} for number in range(120)])
    assert table.peer[0] == "P001"
    assert table.peer[119] == "P120"
