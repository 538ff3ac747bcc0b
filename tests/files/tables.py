"""Tables for the tests of files: any values that a capture, or what users make of one, may hold."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from gdlab.messages import CATEGORIES, SCHEMA
from gdlab.payloads import PayloadDtype

#: The beginning of a program for a Python in which pyarrow is not installed.
NO_PYARROW = """
import importlib.abc, sys
class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")
sys.meta_path.insert(0, NotInstalled())
"""

INT64 = st.integers(-(2**63), 2**63 - 1)

#: Any text, with what breaks files and readers more often than chance would bring it.
#: Addresses come from the system and are Unicode, whatever peers send.
ADDRESSES = st.text(st.characters(codec="utf-8"), max_size=10)
ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("=+-@\t\r\n'\",\\\0\x85\u2028\ud800\udfff\ufeff\uff1d; é"),
    ),
    max_size=12,
)
ANY_PAYLOAD = st.one_of(
    st.binary(max_size=20), ANY_TEXT.map(lambda text: text.encode(errors="surrogatepass"))
)

#: Payloads and texts that have broken somebody's CSV.
AWKWARD = (
    b"",
    b"\0",
    b"a\0b",
    b"\xff\xfe",
    b"\xed\xa0\x80",  # a surrogate, which UTF-8 does not have
    b"\xc2\x85",  # next line, a C1 control
    b"line\nline",
    b"line\r\nline",
    b"\r",
    b'"',
    b'""',
    b'say "hi", or not',
    b",",
    b"=1+1",
    b"+1",
    b"-1",
    b"@SUM(A1)",
    b"\tx",
    b"\nx",
    b"'",
    b"'quoted'",
    b"'=1",
    b"''=1",
    b"\\x00",
    b"NA",
    b"nan",
    b"None",
    b"007",
    b"1e5",
    b" spaces ",
    "grüße, 世界 😀".encode(),
    "\ufeffbom".encode(),
    "\uff1d1+1".encode(),
    b"\xe4\xb8",  # half a character
    b"\x80",
    b"x" * 70_000,
    bytes(range(256)) * 300,
)


def table_of(rows):
    """A table of rows given as dicts; what is left out has a plain value."""
    plain = {
        "time": 1_700_000_000_123_456_789,
        "time_source": "user",
        "endpoint": "udp://127.0.0.1:4242",
        "peer": "127.0.0.1:50000",
        "direction": "in",
        "event": "message",
        "kind": "text",
        "framing": "",
        "payload": b"",
        "reason": "",
        "by": "",
        "code": None,
        "count": None,
        "detail": "",
    }
    rows = [plain | row for row in rows]
    columns = {}
    for column in SCHEMA:
        name = column.name
        if name == "size_bytes":
            values = np.array([row.get(name, len(row["payload"] or b"")) for row in rows], np.int64)
        elif name == "wire_bytes":
            values = np.array([row.get(name, len(row["payload"] or b"") + 28) for row in rows], np.int64)
        else:
            values = [row[name] for row in rows]
        if name == "time":
            values = pd.DatetimeIndex(np.array(values, np.int64).view("datetime64[ns]"), tz="UTC")
        elif name == "payload":
            values = pd.array(values, dtype=PayloadDtype())
        elif name in ("code", "count"):
            values = pd.array(values, dtype=column.dtype)
        elif name == "detail":
            values = pd.array(np.array(values, object), dtype=pd.StringDtype("python"))
        elif column.dtype == "category":
            known = [str(value) for value in CATEGORIES.get(name) or dict.fromkeys(values)]
            values = pd.Categorical.from_codes(
                [known.index(value) for value in values], categories=pd.Index(known, dtype=object)
            )
        columns[name] = values
    return pd.DataFrame(columns)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "time": st.integers(-(2**63) + 1, 2**63 - 1),
            "time_source": st.sampled_from(CATEGORIES["time_source"]),
            "endpoint": ADDRESSES,
            "peer": ADDRESSES,
            "direction": st.sampled_from(CATEGORIES["direction"]),
            "event": st.sampled_from(CATEGORIES["event"]),
            "kind": st.sampled_from(CATEGORIES["kind"]),
            "framing": st.sampled_from(["", "u32le", "json head=0a tail=", "lines reads=3@-5,1@2"]),
            "size_bytes": INT64,
            "wire_bytes": INT64,
            "payload": st.one_of(st.none(), ANY_PAYLOAD),
            "reason": st.sampled_from(list(map(str, CATEGORIES["reason"]))),
            "by": st.sampled_from(CATEGORIES["by"]),
            "code": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
            "count": st.one_of(st.none(), INT64),
            "detail": ANY_TEXT,
        }
    ),
    max_size=6,
)

#: Tables whose categories are not in the order of the rows, and have some that no row has.
TABLES = st.builds(lambda rows, seed: _shuffled(table_of(rows), seed), ROWS, st.integers(0, 2**32 - 1))


def _shuffled(table, seed):
    random = np.random.default_rng(seed)
    for name in ("endpoint", "peer"):
        categories = [*table[name].cat.categories, "=unused"]
        categories = [*dict.fromkeys(categories)]
        random.shuffle(categories)
        table[name] = table[name].cat.set_categories(pd.Index(categories, dtype=object))
    return table
