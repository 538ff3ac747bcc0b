"""Kill spilled captures at random moments and check what `load` gives.

``python bench/spill_kills.py [COUNT] [SEED]``
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.files.killed import check  # noqa: E402 (the tests are not a package that is installed)


def main() -> None:
    """Run, check and count."""
    count, seed = map(int, (sys.argv[1:] + ["50", "1"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.files.killed", folder, str(count), str(seed)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=30 + 2 * count,
        )
        flushed = [int(line) for line in done.stdout.split()]
        for number, rows in enumerate(flushed):
            check(Path(folder) / str(number), rows)
    print(f"{len(flushed)} captures killed, each loaded whole: {min(flushed)} to {max(flushed)} rows flushed")


if __name__ == "__main__":
    main()
