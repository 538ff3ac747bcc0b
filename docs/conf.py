"""Settings of the documentation; `python -m sphinx -W -b html docs docs/_build` makes it."""

import re
from importlib import metadata

project = "gdlab"
copyright = "the gdlab developers"
version = release = metadata.version("gdlab")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "gdlab"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
# Returned things are described in sentences here, not by a type and an indented text.
napoleon_custom_sections = ["Returns", "Yields"]
# `size` and `position` are attributes of several Godot types and words of our prose.
suppress_warnings = ["ref.python"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "code"

_SECTIONS = {"Parameters", "Attributes", "Raises", "Returns", "Yields", "Warns"}
_ENTRY = re.compile(r"(?P<name>[\w`*.,\s]+?) : (?P<text>.*)")


def describe(app, what, name, obj, options, lines):
    """Turn our `name : what it is` into numpydoc's form, where a type follows the colon: types stand in signatures."""
    rewritten, section = [], ""
    for number, line in enumerate(lines):
        underline = lines[number + 1] if number + 1 < len(lines) else ""
        if line and underline and set(underline) == {"-"}:
            section = line.strip()
        entry = _ENTRY.fullmatch(line) if section in _SECTIONS and not line.startswith(" ") else None
        if entry:
            rewritten += [entry["name"], f"    {entry['text']}"]
        else:
            rewritten.append(line)
    lines[:] = rewritten


def setup(app):
    """Run before napoleon, whose priority is 500."""
    app.connect("autodoc-process-docstring", describe, priority=400)
