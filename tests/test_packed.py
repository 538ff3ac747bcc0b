"""Pieces of a block, joined: with Arrow and without it."""

from __future__ import annotations

import numpy as np
import pytest

from gdlab import packed as module


@pytest.mark.parametrize("arrow", [True, False])
@pytest.mark.parametrize("count", [1, 5, 199, 200, 3000])
@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: np.frombuffer(data, np.uint8)])
def test_pieces_are_joined_in_order(monkeypatch, kind, count: int, arrow: bool) -> None:
    if not arrow:
        monkeypatch.setattr(module, "arrow", lambda: None)
    draw = np.random.default_rng(count)
    lengths = draw.integers(0, 40, count)
    gaps = draw.integers(0, 9, count)
    offsets = np.cumsum(gaps + np.concatenate([[0], lengths[:-1]]))
    data = draw.integers(0, 256, int(offsets[-1] + lengths[-1]) + 3, np.uint8).tobytes()
    whole = b"".join(data[at : at + size] for at, size in zip(offsets, lengths, strict=True))
    assert module.packed(kind(data), offsets, lengths).tobytes() == whole
