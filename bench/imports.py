"""What `import gdlab` costs beyond `import pandas`: CPU time and modules, each in a fresh interpreter."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.rounds import Contender, Metric, Result, Table, Target, interleave

PANDAS, GDLAB = "import pandas", "import gdlab"

_FRESH = """
import json, sys, time
begin = time.process_time()
{statement}
print(json.dumps({{'cpu_ms': 1e3 * (time.process_time() - begin), 'modules': len(sys.modules)}}))
"""


def fresh(statement: str) -> Result:
    """Run one import in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _FRESH.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(json.loads(done.stdout))


def tables(rounds: int) -> Iterator[Table]:
    """The table of this module."""
    contenders = [Contender(name, lambda name=name: fresh(name)) for name in (PANDAS, GDLAB)]
    interleave(contenders, 1)  # the files are in the system's cache then
    results, missing = interleave(contenders, 5 * rounds)
    yield Table(
        "`import gdlab` beyond `import pandas`: CPU in a fresh interpreter",
        [Metric("cpu_ms", "CPU ms", 0, ratio=True), Metric("modules", "modules", 0)],
        PANDAS,
        results,
        missing,
        [Target(GDLAB, "cpu_ms", most=1.10, against=PANDAS, source="issue")],
    )
