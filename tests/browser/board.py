"""The dashboard as a person at the mouse finds it: by the words on its buttons and fields."""

import re
from typing import Any

from tests.browser.lab import Notebook
from tests.waiting import limit_ms

#: What the kernel process has open: names of gdlab's threads, and how many sockets of the internet protocols.
THREADS = "sorted(t.name for t in __import__('threading').enumerate() if t.name.startswith('gdlab'))"
SOCKETS = "len(__import__('psutil').Process().net_connections())"


#: Parts whose class is not the word on the button.
PARTS = {"Godot": "engine"}


def number(text: str) -> int:
    """The first number in a text, of which the thousands may be set apart."""
    found = re.search(r"\d[\d,]*", text)
    assert found, f"no number in {text!r}"
    return int(re.sub(r"\D", "", found[0]))


class Board:
    """A dashboard in a page; `which` of them where there are several."""

    def __init__(self, page: Any, which: int = 0) -> None:
        self.page = page
        self.root = page.locator(".gdlab-dashboard").nth(which)

    @classmethod
    def of(cls, notebook: Notebook, which: int = 0) -> "Board":
        """Return the dashboard of a notebook as soon as it is there."""
        board = cls(notebook.page, which)
        board.root.wait_for(timeout=limit_ms(60))
        return board

    def listen(self, port: int, transport: str = "UDP") -> None:
        """Fill in the form and press the button."""
        self.root.get_by_label("Transport", exact=True).select_option(transport)
        self.root.get_by_label("Port", exact=True).fill(str(port))
        self.root.get_by_label("Port", exact=True).press("Tab")
        self.button("Listen").click()
        self.words(port).wait_for(timeout=limit_ms(20))

    def button(self, text: str) -> Any:
        """Return the first button that says so."""
        return self.root.locator("button", has_text=text).first

    def row(self, port: int) -> Any:
        """Return the line of a capture."""
        return self.root.locator(".gdlab-row", has_text=f":{port}").first

    def words(self, port: int) -> Any:
        """Return the status of a capture."""
        return self.row(port).locator(".gdlab-words")

    def received(self, port: int) -> int:
        """Return how many messages the line of a capture counts."""
        found = re.search(r"([\d,]+) messages?", self.words(port).inner_text())
        return number(found[1]) if found else 0

    def wait_for_more(self, port: int) -> None:
        """Return when the line of a capture counts more messages than now."""
        self.changes(self.words(port), r"([\d,]+) messages?")

    def changes(self, locator: Any, pattern: str = "(.*)") -> None:
        """Return when what a pattern finds in a text is another than now."""
        found = re.search(pattern, locator.inner_text())
        self.page.wait_for_function(
            "([line, pattern, before]) => ((new RegExp(pattern).exec(line.innerText) || [])[1] ?? null) !== before",
            arg=[locator.element_handle(), pattern, found[1] if found else None],
            timeout=limit_ms(20),
        )

    def changes_picture(self, image: Any) -> None:
        """Return when a picture is another than now."""
        self.page.wait_for_function(
            "([image, before]) => image.src !== before",
            arg=[image.element_handle(), image.get_attribute("src")],
            timeout=limit_ms(20),
        )

    def tab(self, title: str) -> None:
        """Choose a part; return when it is in sight."""
        self.root.locator(".gdlab-tabs button", has_text=title).first.click()
        self.part(PARTS.get(title, title.lower())).wait_for(timeout=limit_ms(20))

    def part(self, name: str) -> Any:
        """Return a part by its class without the prefix: `messages`, `send`, `conversations`."""
        return self.root.locator(f".gdlab-{name}").first

    def filter(self, expression: str) -> None:
        """Write into the field above the list."""
        field = self.part("messages").locator("input[type=text]")
        field.fill(expression)
        field.press("Enter")

    @property
    def lines(self) -> list[str]:
        """Return what the list of messages says, newest first."""
        return self.part("messages").locator("select option").all_inner_texts()

    def choose(self, line: int) -> None:
        """Choose a message of the list."""
        self.part("messages").locator("select").select_option(index=line)
