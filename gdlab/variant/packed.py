"""Godot's packed arrays of numbers, as numpy arrays that know their Godot type.

What the decoder gives is a read-only view of the payload, without a copy where the payload is `bytes`. ``==``
compares element by element, as numpy does; `Array` and `Dictionary` compare the ones inside them as a whole.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from gdlab.variant.kinds import Type


class PackedArray(np.ndarray[Any, np.dtype[Any]]):
    """Base of the packed arrays.

    The result of arithmetic or of indexing is a plain numpy array, unless it is elements of the same kind.

    Attributes
    ----------
    type : the Godot type.
    scalar : dtype of a component; vectors may also be float64, as double-precision builds write them.
    columns : components of an element; 0 where the array is one-dimensional.
    """

    type: ClassVar[Type]
    scalar: ClassVar[np.dtype[Any]]
    columns: ClassVar[int] = 0

    __slots__ = ()

    def __new__(cls, values: npt.ArrayLike = (), *, double: bool = False) -> Self:
        """Copy `values` into a packed array; `double` makes vectors of 64-bit reals."""
        dtype = np.dtype("<f8") if double and cls.has_double() else cls.scalar
        array = np.array(values, dtype=dtype)
        if cls.columns and array.size == 0:
            array = array.reshape(0, cls.columns)
        packed = array.view(cls)
        if not packed.fits():
            expected = f"(n, {cls.columns})" if cls.columns else "(n,)"
            raise ValueError(f"{cls.__name__} has the shape {expected}, not {array.shape}")
        return packed

    @classmethod
    def has_double(cls) -> bool:
        """Whether double-precision builds of Godot write this type with 64-bit reals."""
        return cls.columns > 0 and cls.type is not Type.PACKED_COLOR_ARRAY

    def fits(self) -> bool:
        """Whether dtype and shape are still those of the class."""
        if self.columns:
            if self.ndim != 2 or self.shape[1] != self.columns:
                return False
        elif self.ndim != 1:
            return False
        return self.dtype == self.scalar or (self.has_double() and self.dtype == np.dtype("<f8"))

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        if isinstance(found, PackedArray) and not found.fits():
            return found.view(np.ndarray)
        return found

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if return_scalar or array.ndim == 0:
            return array[()]
        return array.view(np.ndarray)

    def __reduce__(self) -> Any:
        return np.ndarray.view, (self.view(np.ndarray), type(self))

    def __repr__(self) -> str:
        plain = self.view(np.ndarray)
        if not self.fits():
            return repr(plain)
        double = ", double=True" if self.dtype == np.dtype("<f8") and self.has_double() else ""
        shown = plain if self.size <= REPR_ITEMS else plain[: max(1, REPR_ITEMS // (self.columns or 1))]
        text = repr(shown.tolist())
        for name in ("nan", "inf"):
            text = text.replace(name, f"float('{name}')")
        more = "" if shown is plain else ", ..."
        return f"{type(self).__name__}({text[:-1]}{more}]{double})"

    def __str__(self) -> str:
        return str(self.view(np.ndarray))


#: Numbers shown by `repr`; a longer array is cut, since a notebook shows reprs unasked.
REPR_ITEMS: Final = 1000


class PackedInt32Array(PackedArray):
    """``(n,)`` int32."""

    type = Type.PACKED_INT32_ARRAY
    scalar = np.dtype("<i4")
    __slots__ = ()


class PackedInt64Array(PackedArray):
    """``(n,)`` int64."""

    type = Type.PACKED_INT64_ARRAY
    scalar = np.dtype("<i8")
    __slots__ = ()


class PackedFloat32Array(PackedArray):
    """``(n,)`` float32."""

    type = Type.PACKED_FLOAT32_ARRAY
    scalar = np.dtype("<f4")
    __slots__ = ()


class PackedFloat64Array(PackedArray):
    """``(n,)`` float64."""

    type = Type.PACKED_FLOAT64_ARRAY
    scalar = np.dtype("<f8")
    __slots__ = ()


class PackedVector2Array(PackedArray):
    """``(n, 2)`` float32, or float64 from a double-precision build."""

    type = Type.PACKED_VECTOR2_ARRAY
    scalar = np.dtype("<f4")
    columns = 2
    __slots__ = ()


class PackedVector3Array(PackedArray):
    """``(n, 3)`` float32, or float64 from a double-precision build."""

    type = Type.PACKED_VECTOR3_ARRAY
    scalar = np.dtype("<f4")
    columns = 3
    __slots__ = ()


class PackedColorArray(PackedArray):
    """``(n, 4)`` float32: r, g, b, a."""

    type = Type.PACKED_COLOR_ARRAY
    scalar = np.dtype("<f4")
    columns = 4
    __slots__ = ()


class PackedVector4Array(PackedArray):
    """``(n, 4)`` float32, or float64 from a double-precision build."""

    type = Type.PACKED_VECTOR4_ARRAY
    scalar = np.dtype("<f4")
    columns = 4
    __slots__ = ()


#: Class of each packed type that numpy holds.
PACKED: Final[dict[Type, type[PackedArray]]] = {cls.type: cls for cls in PackedArray.__subclasses__()}

#: `PackedByteArray` is Python's own `bytes`.
PackedByteArray = bytes
