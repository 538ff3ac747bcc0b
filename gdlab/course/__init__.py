"""The course in `notebooks/`: the programs that its lessons show."""

from gdlab.course.exhibits import Exhibit, exhibit, names, source

__all__ = ["Exhibit", "exhibit", "names", "source"]
