"""The size laboratory: what a message costs in memory, on the wire and as an RPC argument, and why.

::

    measure({"id": 7, "pos": Vector2(1, 2)}, rate_hz=20, peers=8, over="udp")
    tree({"id": 7, "pos": Vector2(1, 2)})     # which key costs what
    type_table()                              # every Variant type
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdlab.sizes.call_costs import RpcReport, rpc_report
    from gdlab.sizes.footnotes import DECLARED
    from gdlab.sizes.key_costs import tree
    from gdlab.sizes.measurement import measure
    from gdlab.sizes.memory import memory_bytes
    from gdlab.sizes.report import SizeReport
    from gdlab.sizes.rpc import call_bytes
    from gdlab.sizes.types import type_table

__all__ = [
    "DECLARED",
    "RpcReport",
    "SizeReport",
    "call_bytes",
    "measure",
    "memory_bytes",
    "rpc_report",
    "tree",
    "type_table",
]

#: Where each name comes from. Loaded when first used: `gdlab.sizes`, the function, is there from the beginning.
_HOMES = {
    "DECLARED": "footnotes",
    "SizeReport": "report",
    "call_bytes": "rpc",
    "RpcReport": "call_costs",
    "measure": "measurement",
    "rpc_report": "call_costs",
    "memory_bytes": "memory",
    "tree": "key_costs",
    "type_table": "types",
}


def __getattr__(name: str) -> Any:
    """Load what is used for the first time; no module here has the name of a function, which it would hide."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
