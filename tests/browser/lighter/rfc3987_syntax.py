"""Stands before the package of this name on the path of what tests start: see `LIGHTER` in `tests/browser/lab.py`."""

raise ImportError("jsonschema does without it")
