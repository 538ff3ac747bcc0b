"""The size laboratory: what a message costs in memory, on the wire and as an RPC argument, and why.

::

    measure({"id": 7, "pos": Vector2(1, 2)}, rate_hz=20, peers=8, over="udp")
    tree({"id": 7, "pos": Vector2(1, 2)})     # which key costs what
    type_table()                              # every Variant type
"""

from __future__ import annotations

from gdlab.sizes.footnotes import DECLARED
from gdlab.sizes.measure import measure
from gdlab.sizes.memory import memory_bytes
from gdlab.sizes.report import SizeReport
from gdlab.sizes.rpc import call_bytes
from gdlab.sizes.tree import tree
from gdlab.sizes.type_table import type_table

__all__ = ["DECLARED", "SizeReport", "call_bytes", "measure", "memory_bytes", "tree", "type_table"]
