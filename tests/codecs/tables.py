"""Message tables of given payloads, as a capture would have them."""

import pandas as pd

from gdlab.payloads import PayloadArray


def table_of(*payloads, event="message"):
    """One row a payload."""
    events = [event] * len(payloads) if isinstance(event, str) else event
    return pd.DataFrame(
        {
            "event": pd.Categorical(events, categories=["message", "open", "close", "error", "gap"]),
            "size_bytes": [len(payload) for payload in payloads],
            "payload": PayloadArray._from_sequence(list(payloads)),
        }
    )
