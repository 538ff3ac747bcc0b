"""The size laboratory: what a message costs in memory, on the wire and as an RPC argument, and why.

::

    measure({"id": 7, "pos": Vector2(1, 2)}, rate_hz=20, peers=8, over="udp")
    tree({"id": 7, "pos": Vector2(1, 2)})     # which key costs what
    type_table()                              # every Variant type
"""

from __future__ import annotations

from gdlab.variant.sizes.footnotes import DECLARED
from gdlab.variant.sizes.measure import measure
from gdlab.variant.sizes.memory import memory_bytes
from gdlab.variant.sizes.report import SizeReport
from gdlab.variant.sizes.rpc import call_bytes
from gdlab.variant.sizes.tree import tree
from gdlab.variant.sizes.type_table import type_table

__all__ = ["DECLARED", "SizeReport", "call_bytes", "measure", "memory_bytes", "tree", "type_table"]
