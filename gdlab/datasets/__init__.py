"""Many capture files as one: listed, measured and asked without reading them all into memory."""

from __future__ import annotations

from gdlab.datasets.dataset import Dataset, dataset

__all__ = ["Dataset", "dataset"]
