"""MessagePack and CBOR, by the libraries of the extra `formats`."""

from __future__ import annotations

from typing import Any

from gdlab.errors import MissingDependency, PayloadError
from gdlab.facts import Statement


def read_msgpack(payload: bytes) -> tuple[Any, None]:
    """The value of a payload in MessagePack; keys may be of any type, sizes are those of the payload.

    Raises
    ------
    PayloadError : it is none. MissingDependency : msgpack is not installed.
    """
    try:
        import msgpack  # type: ignore[import-untyped,unused-ignore]
    except ModuleNotFoundError:
        raise MissingDependency("codec='msgpack' needs msgpack: pip install 'gdlab[formats]'") from None
    try:
        return msgpack.unpackb(payload, strict_map_key=False), None
    except Exception as error:  # noqa: BLE001 (its errors have no common ancestor but that)
        raise PayloadError(_no("MessagePack", error)) from None


def read_cbor(payload: bytes) -> tuple[Any, None]:
    """The value of a payload in CBOR.

    Raises
    ------
    ValueError : it is none. MissingDependency : cbor2 is not installed.
    """
    try:
        import cbor2
    except ModuleNotFoundError:
        raise MissingDependency("codec='cbor' needs cbor2: pip install 'gdlab[formats]'") from None
    try:
        return cbor2.loads(payload), None
    except Exception as error:  # noqa: BLE001 (as above)
        raise PayloadError(_no("CBOR", error)) from None


def _no(form: str, error: Exception) -> Statement:
    return Statement.of("packed", form=form, problem=str(error) or type(error).__name__)


def write(value: Any, codec: str) -> bytes:
    """A value as MessagePack or CBOR.

    Raises
    ------
    TypeError : the codec has no form for it. MissingDependency : its library is not installed.
    """
    try:
        if codec == "msgpack":
            import msgpack

            packed: bytes = msgpack.packb(value)
        else:
            import cbor2

            packed = cbor2.dumps(value)
    except ModuleNotFoundError:
        raise MissingDependency(f"codec={codec!r} needs a library: pip install 'gdlab[formats]'") from None
    except (ValueError, OverflowError) as error:
        raise TypeError(str(error)) from None
    return packed
