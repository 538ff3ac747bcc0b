"""Bytes as the texts that Godot makes of them."""

from __future__ import annotations


def get_string_from_utf8(data: bytes) -> str:
    """`PackedByteArray.get_string_from_utf8`.

    It ends at the first NUL, drops one leading byte order mark, and puts U+FFFD for what is not UTF-8.
    """
    return data.partition(b"\0")[0].removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
