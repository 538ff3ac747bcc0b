"""The README and the pages it leads to: links hold, both languages agree, and the table of columns is the schema.

uv run -m tests.test_readme      writes the table of columns again after a change of the schema
"""

import re
from pathlib import Path

import pytest

from gdlab.messages import SCHEMA

README = Path(__file__).resolve().parent.parent / "README.md"
TABLE = README.parent / "docs" / "table.md"
PAGES = [
    README,
    README.with_name("README.zh.md"),
    README.with_name("CONTRIBUTING.md"),
    README.with_name("SECURITY.md"),
]
_PART = re.compile(r"(<!-- schema:.*?-->\n).*?(<!-- /schema -->)", re.DOTALL)


def written() -> str:
    lines = ["| column | dtype | meaning |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.dtype} | {column.meaning} |" for column in SCHEMA]
    return _PART.sub(lambda match: match[1] + "\n" + "\n".join(lines) + "\n\n" + match[2], TABLE.read_text())


def test_the_documentation_has_the_columns_of_the_schema():
    assert TABLE.read_text() == written()


def parts(path):
    """What both languages must have alike: commands and code, calls in tables, targets of links, levels of headings."""
    text = path.read_text(encoding="utf-8")
    return {
        "code": re.findall(r"^```(?:sh|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL),
        "rows": [
            re.findall(r"`([^`]+)`", row)
            for row in re.findall(r"^\| [^|]+ \| (`[^|]+) \|", text, re.MULTILINE)
        ],
        "links": [target for target in re.findall(r"\]\(([^)#]+)", text) if not target.startswith("README")],
        "headings": re.findall(r"^(#+) ", text, re.MULTILINE),
    }


def test_the_chinese_readme_has_the_same_shape():
    chinese, english = parts(README.with_name("README.zh.md")), parts(README)
    assert len(english["code"]) == 3
    assert len(english["rows"]) > 5
    assert chinese == english


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pictures_and_pages_that_it_names_are_there(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (README.parent / target).exists(), target


if __name__ == "__main__":
    TABLE.write_text(written())
