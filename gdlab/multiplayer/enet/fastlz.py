"""FastLZ, levels 1 and 2: unpack within a limit."""

from __future__ import annotations


def unpack(data: bytes, limit: int) -> bytes | None:
    """The bytes a FastLZ block holds; None if it is none, or holds more than `limit`.

    Notes
    -----
    FastLZ 0.5, ``fastlz1_decompress`` and ``fastlz2_decompress``.
    """
    if not data or data[0] >> 5 > 1:
        return None
    level = (data[0] >> 5) + 1
    out = bytearray()
    token = data[0] & 31
    at, end = 1, len(data)
    try:
        while True:
            if token < 32:
                if end - at < token + 1:
                    return None
                out += data[at : at + token + 1]
                at += token + 1
            else:
                length = (token >> 5) + 2
                far = (token & 31) << 8
                if length == 9:
                    more = data[at]
                    at += 1
                    length += more
                    while level == 2 and more == 255 and length <= limit:
                        more = data[at]
                        at += 1
                        length += more
                low = data[at]
                at += 1
                distance = far + low + 1
                if level == 2 and low == 255 and far == 31 << 8:
                    distance = (data[at] << 8) + data[at + 1] + 8192
                    at += 2
                if distance > len(out) or len(out) + length > limit:
                    return None
                if distance >= length:
                    begin = len(out) - distance
                    out += out[begin : begin + length]
                else:  # the copy runs into what it has just written
                    pattern = bytes(out[-distance:])
                    out += (pattern * (length // distance + 1))[:length]
            if len(out) > limit:
                return None
            if at >= end:
                return bytes(out)
            token = data[at]
            at += 1
    except IndexError:
        return None
