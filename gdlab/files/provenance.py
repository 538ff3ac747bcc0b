"""Where rows of several captures come from, told together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def merged(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several captures tell, as one.

    Parameters
    ----------
    told : the provenance of each. Of one alone it stays as it is.

    Returns
    -------
    ``"captures"`` is what each told. ``"endpoints"`` are those of all, ``"began"`` is the first, ``"running"`` whether
    any did, ``"ended_in_order"`` is false where one did not, ``"statistics"`` the sums of the counters that all have.
    """
    if len(told) == 1:
        return dict(told[0])
    together: dict[str, Any] = {"captures": [dict(each) for each in told]}
    endpoints = [
        endpoint for each in told for endpoint in each.get("endpoints") or () if isinstance(endpoint, str)
    ]
    if endpoints:
        together["endpoints"] = list(dict.fromkeys(endpoints))
    began = [each["began"] for each in told if isinstance(each.get("began"), str)]
    if began:
        together["began"] = min(began)
    if any("running" in each for each in told):
        together["running"] = any(each.get("running") is True for each in told)
    if any(each.get("ended_in_order") is False for each in told):
        together["ended_in_order"] = False
    counters = [each["statistics"] for each in told if isinstance(each.get("statistics"), Mapping)]
    if counters and len(counters) == len(told):
        together["statistics"] = {
            name: sum(each[name] for each in counters)
            for name in counters[0]
            if all(_is_count(each.get(name)) for each in counters)
        }
    return together


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
