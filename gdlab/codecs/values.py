"""The column `value`: what payloads hold, made into Python objects only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray, ExtensionDtype, register_extension_dtype, take

from gdlab.codecs.codec import ANY, Judging
from gdlab.codecs.parts import as_objects
from gdlab.payloads import PayloadArray

if TYPE_CHECKING:
    from gdlab.codecs.codec import Codec, Kinds


@register_extension_dtype
class ValueDtype(ExtensionDtype):
    """The dtype `value`: any Python object, decoded on request."""

    name = "value"
    type = object
    kind = "O"
    na_value = None
    _is_immutable = True

    @classmethod
    def construct_array_type(cls) -> type[ValueArray]:  # type: ignore[valid-type]  # `type` is the field above
        """Return the array that holds this dtype."""
        return ValueArray


class ValueArray(ExtensionArray):
    """Payloads and who decodes them; immutable.

    Parameters
    ----------
    payloads : n of them. codec : reads them.
    present : (n,) bool, which of them hold a value; the others are None.
    kinds : (n,) what WebSocket tells of them, for a codec that asks for it.
    """

    def __init__(
        self,
        payloads: PayloadArray,
        codec: Codec | None,
        present: npt.NDArray[np.bool_],
        kinds: Kinds | None = None,
    ) -> None:
        self._payloads, self._codec, self._present, self._kinds = payloads, codec, present, kinds

    @property
    def dtype(self) -> ValueDtype:
        """`value`."""
        return ValueDtype()

    @property
    def nbytes(self) -> int:
        """Memory of the column itself; the payloads are those of the table."""
        return int(self._present.nbytes)

    def __len__(self) -> int:
        return len(self._present)

    def _objects(self) -> npt.NDArray[np.object_]:
        objects = np.empty(len(self), object)
        rows = np.flatnonzero(self._present)
        if len(rows) and self._codec is not None:
            codec = self._codec
            if self._kinds is not None and isinstance(codec, Judging):
                codec = codec.knowing(self._kinds[rows])
            objects[rows] = codec.decode_column(self._payloads[rows]).objects
        return objects

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, np.integer)):
            at = int(item) + (len(self) if item < 0 else 0)
            if not 0 <= at < len(self):
                raise IndexError(f"row {item} of {len(self)}")
            return self[at : at + 1]._objects()[0]
        item = pd.api.indexers.check_array_indexer(self, item)
        kinds = None if self._kinds is None else self._kinds[item]
        return type(self)(self._payloads[item], self._codec, self._present[item], kinds)

    def __iter__(self) -> Any:
        return iter(self._objects().tolist() if not self._present.any() else list(self._objects()))

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "decoded values are made from payloads; make a column of your own with .astype(object)"
        )

    def __eq__(self, other: object) -> Any:
        if isinstance(other, (pd.DataFrame, pd.Series, pd.Index)):
            return NotImplemented
        objects = self._objects()
        others = (
            other
            if isinstance(other, (list, np.ndarray, ExtensionArray)) and len(other) == len(self)
            else None
        )
        pairs = (
            zip(objects, others, strict=True) if others is not None else ((each, other) for each in objects)
        )
        return np.array([bool(a == b) for a, b in pairs], np.bool_)

    __hash__ = None  # type: ignore[assignment]  # as every ExtensionArray

    def isna(self) -> npt.NDArray[np.bool_]:
        """(n,) bool, which rows have no value."""
        return ~self._present

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> ValueArray:
        """Rows by position; with `allow_fill`, -1 gives none."""
        present: Any = take(
            self._present, indices, allow_fill=allow_fill, fill_value=False if allow_fill else None
        )
        kinds: Any = None
        if self._kinds is not None:
            kinds = take(self._kinds, indices, allow_fill=allow_fill, fill_value=ANY if allow_fill else None)
        return type(self)(self._payloads.take(indices, allow_fill=allow_fill), self._codec, present, kinds)

    def copy(self) -> ValueArray:
        """Return the same; nothing of it changes."""
        return type(self)(self._payloads, self._codec, self._present, self._kinds)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Convert; `object` gives the values."""
        if self.dtype == dtype:
            return self
        if np.dtype(object) == dtype:
            return self._objects()
        return super().astype(dtype, copy)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        objects = self._objects()
        return objects if dtype is None else objects.astype(dtype)

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> Any:
        if isinstance(scalars, ValueArray):
            return scalars
        return _kept(list(scalars))

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[ValueArray]) -> Any:
        codecs = {id(part._codec) for part in to_concat if part._codec is not None}
        if len(codecs) > 1 or any(isinstance(part, _Kept) for part in to_concat):
            return _kept([value for part in to_concat for value in part._objects()])
        codec = next((part._codec for part in to_concat if part._codec is not None), None)
        payloads = PayloadArray._concat_same_type([part._payloads for part in to_concat])
        present = np.concatenate([part._present for part in to_concat])
        kinds = [np.zeros(len(part), np.int8) if part._kinds is None else part._kinds for part in to_concat]
        return cls(payloads, codec, present, np.concatenate(kinds))

    def _formatter(self, boxed: bool = False) -> Callable[[Any], str]:
        return repr


class _Kept(ValueArray):
    """Values that are objects already, as of tables of different codecs put together."""

    def __init__(self, payloads: Any, codec: Any, present: Any, objects: Any = None) -> None:
        super().__init__(payloads, codec, present)
        self._kept = objects if objects is not None else np.empty(len(present), object)

    def _objects(self) -> npt.NDArray[np.object_]:
        return self._kept

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, np.integer)):
            return self._kept[item]
        item = pd.api.indexers.check_array_indexer(self, item)
        return _kept(list(self._kept[item]))

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> Any:
        """Rows by position."""
        return _kept(list(take(self._kept, indices, allow_fill=allow_fill, fill_value=None)))

    def copy(self) -> Any:
        """Return the same."""
        return self


def _kept(values: list[Any]) -> _Kept:
    present = np.array([value is not None for value in values], np.bool_)
    payloads = PayloadArray([], np.zeros(len(values), np.int64), np.full(len(values), -1, np.int64))
    return _Kept(payloads, None, present, as_objects(values))
