"""The course in `notebooks/`: the programs that its lessons show, and checks of the answers to its questions.

::

    gd.course.check("02.1", 16.7)    # right or not, and why
    gd.course.hint("02.1")
    server = gd.course.program("udp_one_a_frame")
"""

from gdlab.course.checking import check, hint
from gdlab.course.mystery import Mystery, mystery
from gdlab.course.own import Own, begin
from gdlab.course.programs import Program, names, program, source
from gdlab.course.project import Playable, playable
from gdlab.course.verdicts import Verdict

__all__ = [
    "Mystery",
    "Own",
    "Playable",
    "Program",
    "Verdict",
    "begin",
    "check",
    "hint",
    "mystery",
    "names",
    "playable",
    "program",
    "source",
]
