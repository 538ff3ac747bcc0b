"""Why a size cannot be told."""

from __future__ import annotations


class NoSize(Exception):
    """There is no size, for the reason given: a package that is missing, or a value the encoding cannot hold."""
