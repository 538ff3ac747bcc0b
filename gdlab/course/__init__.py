"""The course in `notebooks/`: the programs that its lessons show, and checks of the answers to its questions.

::

    gd.course.check("02.1", 16.7)    # right or not, and why
    gd.course.hint("02.1")
    server = gd.course.exhibit("udp_one_a_frame")
"""

from gdlab.course.checking import check, hint
from gdlab.course.exhibits import Exhibit, exhibit, names, source
from gdlab.course.verdicts import Verdict

__all__ = ["Exhibit", "Verdict", "check", "exhibit", "hint", "names", "source"]
