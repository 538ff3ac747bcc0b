"""What several modules of the notebooks' tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm


@pytest.fixture(scope="session")
def warm_kernels() -> Iterator[Path]:
    """A parent of warm kernels; the folder for ``JUPYTER_PATH`` that has the kernel `warm.NAME`."""
    with warm.kernels() as folder:
        yield folder
