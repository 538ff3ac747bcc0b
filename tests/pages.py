"""Make the pages of the documentation as `python -m sphinx` does, without what it works out and nobody here reads.

python -m tests.pages OPTIONS

That is the index of the search, and of each module where a thing is defined in it. Garbage is not looked for: trees of
pages are full of cycles, are kept to the end, and to walk them takes a quarter of the whole.
"""

import gc
import sys

from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.cmd.build import main
from sphinx.pycode.parser import Parser

if __name__ == "__main__":
    gc.disable()
    StandaloneHTMLBuilder.search = False  # type: ignore[assignment]
    Parser.parse_definition = lambda self: None  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
