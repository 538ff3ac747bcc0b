"""Which rows of a relay's table belong to a packet of its truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gdlab.analysis.columns import equals, messages, times_ns

_KEY = ["who", "way", "time_ns"]


def placed(truth: pd.DataFrame, rows: pd.DataFrame, front: str, onward: Mapping[str, str]) -> pd.DataFrame:
    """The truth with the positions of its packets in the table: columns `row_in` and `row_out`, Int64.

    A row and its packet have the same client, way and time; of several at one time, the same order. Where their
    numbers at one time differ, as when a read of a stream brought several messages, no row is of one packet alone.

    Parameters
    ----------
    truth : in order of arrival. rows : the relay's table.
    front : the relay's own address, as `endpoint` has it.
    onward : the clients' names by the endpoints that stand for them towards the server.
    """
    at_front = equals(rows, "endpoint", front)
    out = equals(rows, "direction", "out")
    endpoints, peers = rows["endpoint"].astype(object), rows["peer"].astype(object)
    places = pd.DataFrame(
        {
            "who": np.where(at_front, peers, endpoints.map(onward)),
            "way": np.where(at_front ^ out, "up", "down"),
            "time_ns": times_ns(rows),
            "place": np.arange(len(rows)),
        }
    )
    is_message = messages(rows)
    settled = pd.DataFrame(
        {
            "who": truth["peer"].astype(object),
            "way": truth["way"].astype(object),
            "time_ns": times_ns(truth),
            "sent": truth["sent"].to_numpy(dtype="datetime64[ns]").view(np.int64),
        }
    )
    first = truth["copy"].to_numpy() == 0
    went = truth["sent"].notna().to_numpy()
    came_in = _found(settled[first], places[is_message & ~out])
    # A copy came in with its first one.
    number = truth.groupby(["client", "way", "n"], observed=True, sort=False).ngroup().to_numpy()
    by_number = pd.Series(came_in.to_numpy(), index=number[first]).reindex(number)
    left = settled[went].assign(time_ns=settled["sent"][went]).sort_values("time_ns", kind="stable")
    went_out = _found(left, places[is_message & out]).reindex(truth.index)
    return truth.assign(row_in=by_number.astype("Int64").array, row_out=went_out.astype("Int64").array)


def _found(packets: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """The place of each packet among the rows, by its index; NaN where there is none."""
    ranked = [
        part.assign(
            rank=part.groupby(_KEY, sort=False).cumcount(),
            several=part.groupby(_KEY, sort=False)["time_ns"].transform("size"),
        )
        for part in (packets[_KEY], rows)
    ]
    joined = ranked[0].merge(ranked[1], how="left", on=[*_KEY, "rank", "several"])
    return pd.Series(joined["place"].to_numpy(dtype=np.float64), index=packets.index)
