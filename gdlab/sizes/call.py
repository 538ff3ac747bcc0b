"""The size laboratory as users call it: `sizes(message)`, `sizes.tree(message)`, `sizes.types()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import pandas as pd

from gdlab.errors import VariantEncodeError
from gdlab.payloads import PayloadArray

if TYPE_CHECKING:
    from gdlab.sizes import RpcReport, SizeReport


class Sizes:
    """What messages cost; called like a function."""

    @overload
    def __call__(
        self,
        value: object,
        *,
        as_rpc: str,
        calls_per_frame: int = ...,
        loss: float = ...,
        double: bool = ...,
    ) -> RpcReport: ...

    @overload
    def __call__(
        self,
        value: object,
        *,
        each: bool = ...,
        rate_hz: float | None = ...,
        peers: int | None = ...,
        over: str | None = ...,
        double: bool = ...,
        as_rpc: None = ...,
    ) -> SizeReport: ...

    def __call__(
        self,
        value: object,
        *,
        each: bool = False,
        rate_hz: float | None = None,
        peers: int | None = None,
        over: str | None = None,
        double: bool = False,
        as_rpc: str | None = None,
        calls_per_frame: int = 10,
        loss: float = 0.05,
    ) -> SizeReport | RpcReport:
        """What a message costs in memory, in each encoding and on the wire.

        Parameters
        ----------
        value : a message; or captured ones: a capture (anything with a `df`), its table, its column `payload`, or a
            column of decoded values. Captured payloads are decoded as `codecs.decode` guesses; those that do not
            decode are left out, and a note says how many.
        each : every element of a list is a message of its own; otherwise a list is one message, an Array.
        rate_hz : messages per second, to each peer; adds bytes per second.
        peers : receivers, 1 by default.
        over : ``udp``, ``tcp`` or ``ws``; all three by default.
        double : in a double-precision build of Godot.
        as_rpc : ``unreliable``, ``unreliable_ordered``, ``reliable`` or ``websocket``: what the message costs as the
            argument of an RPC sent so, layer by layer; a tuple is several arguments.
        calls_per_frame, loss : with `as_rpc`: how many such calls a frame makes, and the network's loss (0 to 1).

        Returns
        -------
        A `SizeReport`, which shows itself; its `table` has the figures. With `as_rpc` an `RpcReport`.

        Raises
        ------
        VariantEncodeError : Godot could not hold the value; `path` says where in it.
        ValueError : options that make no sense, or no message to measure.
        """
        from gdlab.sizes import measure, rpc_report

        if as_rpc is not None:
            return rpc_report(value, as_rpc, calls_per_frame=calls_per_frame, loss=loss, double=double)
        captured = _captured(value)
        if captured is None:
            return measure(value, each=each, rate_hz=rate_hz, peers=peers, over=over, double=double)
        from gdlab.codecs import decode

        decoded = decode(captured)
        good = decoded["codec"].notna() & decoded["decode_error"].isna()
        values = decoded.loc[good, "value"].tolist()
        if not values:
            raise ValueError("none of the captured payloads decodes to a value that could be measured")
        measured = [each_one for each_one in values if _fits(each_one, double=double)]
        if not measured:
            raise ValueError("none of the captured payloads decodes to a value that Godot could hold")
        report = measure(measured, each=True, rate_hz=rate_hz, peers=peers, over=over, double=double)
        left_out = int((decoded["codec"].notna() & ~good).sum())
        foreign = len(values) - len(measured)
        notes = [f"Captured payloads, {decoded.attrs['codec']}."]
        if left_out:
            notes.append(f"Left out: {left_out} payload{'s' if left_out != 1 else ''} that did not decode.")
        if foreign:
            notes.append(
                f"Left out: {foreign} payload{'s' if foreign != 1 else ''} whose value no Variant holds."
            )
        return report.with_notes(*notes)

    def tree(self, value: object) -> pd.DataFrame:
        """Which key costs what; see `gdlab.sizes.tree`."""
        from gdlab.sizes import tree

        return tree(value)

    def types(self) -> pd.DataFrame:
        """What one value of each Variant type costs; see `gdlab.sizes.type_table`."""
        from gdlab.sizes import type_table

        return type_table()

    def __repr__(self) -> str:
        return "<sizes: sizes(message), sizes.tree(message), sizes.types()>"


def _fits(value: object, *, double: bool) -> bool:
    """Whether Godot could hold a value: JSON has longer integers, and halves of surrogate pairs."""
    from gdlab.variant import dumps

    try:
        dumps(value, double=double)
    except VariantEncodeError:
        return False
    return True


def _captured(value: object) -> pd.DataFrame | None:
    """A table with a column `payload`, if that is what was given."""
    table = getattr(value, "df", value)
    if isinstance(table, pd.DataFrame) and "payload" in table.columns:
        return table
    column = table.array if isinstance(table, pd.Series) else table
    return pd.DataFrame({"payload": column}) if isinstance(column, PayloadArray) else None


sizes = Sizes()
