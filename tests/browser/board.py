"""The dashboard as a person at the mouse finds it: by the words on its buttons and fields."""

import re
from typing import Any

from tests.browser.lab import Notebook
from tests.waiting import limit_ms

#: What the kernel process has open: names of gdlab's threads, and how many sockets of the internet protocols.
THREADS = "sorted(t.name for t in __import__('threading').enumerate() if t.name.startswith('gdlab'))"
SOCKETS = "len(__import__('psutil').Process().net_connections())"


#: How often a page is asked whether something has come true. Playwright asks at each frame if it is not told otherwise,
#: which draws the page for nothing but that.
EVERY_MS = 100

#: Parts whose class is not the word on the button; the list of messages where the browser draws, or is a menu.
PARTS = {"Godot": "engine", "Messages": "grid, .gdlab-messages"}


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
            polling=EVERY_MS,
            timeout=limit_ms(20),
        )

    def changes_picture(self, image: Any) -> None:
        """Return when a picture is another than now; a canvas has no source but what it draws.

        What is beyond the edge of the page is not drawn: it is brought into sight first.
        """
        image.evaluate("(image) => image.scrollIntoView({block: 'nearest'})")
        now = "(image) => image.src ?? image.toDataURL()"
        self.page.wait_for_function(
            f"([image, before]) => ({now})(image) !== before",
            arg=[image.element_handle(), image.evaluate(now)],
            polling=EVERY_MS,
            timeout=limit_ms(20),
        )

    @property
    def plots(self) -> Any:
        """What is drawn of the plots, without the cursor over it."""
        return self.part("tl").locator("canvas").first

    def tab(self, title: str) -> None:
        """Choose a part; return when it is in sight."""
        self.root.locator(".gdlab-tabs button", has_text=title).first.click()
        self.part(PARTS.get(title, title.lower())).wait_for(timeout=limit_ms(20))

    def part(self, name: str) -> Any:
        """Return a part by its class without the prefix: `grid`, `send`, `conversations`."""
        return self.root.locator(f".gdlab-{name}").first

    def filter(self, expression: str) -> None:
        """Write into the field above the list."""
        field = self.part("grid").get_by_label("filter of the messages")
        field.fill(expression)
        field.press("Enter")

    def follow(self, follow: bool) -> None:
        """Have the list stay at the newest message, or stand still."""
        button = self.part("grid").locator("button", has_text="Follow")
        if (button.get_attribute("aria-pressed") == "true") != follow:
            button.click()

    @property
    def rows(self) -> Any:
        """The rows of the list that are in sight, and filled."""
        return self.part("grid").locator(".gdlab-gr-row:visible")

    @property
    def lines(self) -> list[str]:
        """Return what the messages say that are in sight, top to bottom."""
        texts: list[str] = self.rows.evaluate_all("rows => rows.map(row => row.lastElementChild.textContent)")
        return texts

    def choose(self, words: str) -> None:
        """Choose a message in sight by what it says."""
        self.follow(False)
        self.rows.filter(has_text=words).first.click()
