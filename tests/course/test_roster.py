from __future__ import annotations

import socket

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import LoadError
from tests.traffic import merged, table
from tests.waiting import limit

SECOND = 1_000_000_000


def played():
    at = np.arange(0, 60 * SECOND, SECOND)
    return merged(
        table(at, b'{"who": "otter", "hp": 1}', peer="10.0.0.1:1000"),
        table(at[:20], b"fox says hello", peer="10.0.0.2:1000"),
        table(at[30:] + 7, b"badgers are no badger!", peer="10.0.0.3:1000"),
        table(at[40:] + 9, b"nobody", peer="10.0.0.4:1000"),
        table(at[5:8], b"otter", peer="10.0.0.1:2000"),
        table(at[:5] + 3, b"x", peer="10.0.0.5:1000"),
    )


NAMES = {"otter": "Ada", "fox": "Bo", "badger": "Cy", "lynx": "Di", "10.0.0.5": "Eve"}


def test_names_instead_of_addresses_and_who_is_silent_or_was_never_heard():
    found = gd.roster(played(), NAMES, exercise={"30 messages": lambda rec: len(rec) >= 30})
    assert found["name"].tolist() == ["Ada", "Bo", "Cy", "Di", "Eve", ""]
    row = found.set_index("name")
    assert row.loc["Ada", "peers"] == "10.0.0.1:1000, 10.0.0.1:2000"
    assert row.loc["Ada", "messages"] == 63
    assert row["state"].tolist() == ["heard", "silent", "heard", "never heard", "silent", "heard"]
    assert row.loc["Bo", "silent_s"] == pytest.approx(40, abs=0.1)
    assert row.loc["Cy", "rate_hz"] == pytest.approx(1)
    assert pd.isna(row.loc["Di", "last"])
    assert "code word" in row.loc["Di", "to_try"]
    assert "still running" in row.loc["Bo", "to_try"]
    assert row.loc["Ada", "to_try"] == ""
    assert row["30 messages"].tolist() == [True, False, True, False, False, False]
    assert row.loc["", "peers"] == "10.0.0.4:1000"


def test_names_from_a_file(tmp_path):
    path = tmp_path / "class.csv"
    path.write_text("otter;Ada L.\nfox;Bo\n\n", encoding="utf-8-sig")
    assert gd.roster(played(), path)["name"].tolist()[:2] == ["Ada L.", "Bo"]
    assert gd.roster(played(), ["fox"])["name"].tolist()[0] == "fox"
    assert len(gd.roster(played())) == 6
    with pytest.raises(LoadError, match="names cannot be read"):
        gd.roster(played(), tmp_path / "missing.csv")


def test_a_running_capture():
    with gd.listen("udp://127.0.0.1:0") as cap, socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"here is otter", ("127.0.0.1", cap.port))
        cap.wait_sync(1, timeout=limit(5))
        found = gd.roster(cap, {"otter": "Ada", "fox": "Bo"})
    assert found["state"].tolist() == ["heard", "never heard"]
    assert found.loc[0, "messages"] == 1
