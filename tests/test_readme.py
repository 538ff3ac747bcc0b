"""The README's table of columns is the schema, written from it.

uv run -m tests.test_readme      writes it again after a change of the schema
"""

import re
from pathlib import Path

from gdlab.messages import SCHEMA

README = Path(__file__).resolve().parent.parent / "README.md"
_PART = re.compile(r"(<!-- schema:.*?-->\n).*?(<!-- /schema -->)", re.DOTALL)


def written() -> str:
    lines = ["| column | dtype | meaning |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.dtype} | {column.meaning} |" for column in SCHEMA]
    return _PART.sub(lambda match: match[1] + "\n" + "\n".join(lines) + "\n\n" + match[2], README.read_text())


def test_the_readme_has_the_columns_of_the_schema():
    assert README.read_text() == written()


def test_the_chinese_readme_gives_the_same_commands():
    def blocks(path):
        return re.findall(
            r"^```(?:sh|python)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )

    chinese = blocks(README.with_name("README.zh.md"))
    assert len(chinese) == 3
    assert set(chinese) <= set(blocks(README))


def test_pictures_and_pages_that_the_readmes_name_are_there():
    for path in (README, README.with_name("README.zh.md")):
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (README.parent / target).is_file(), f"{path.name}: {target}"


if __name__ == "__main__":
    README.write_text(written())
