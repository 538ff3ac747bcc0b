"""The relay's own process: sockets in the middle of a path, and what tells the notebook of them.

The process imports nothing of this package but what it needs (`boot`): it must start fast, and pandas takes longer
than everything else together.
"""
