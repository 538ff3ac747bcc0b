"""`python -m gdlab.cli` is the command `gdlab`."""

import sys

from gdlab.cli import main

sys.exit(main())
