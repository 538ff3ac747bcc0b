"""Who may connect from a web page."""

import pytest

from gdlab.transports.origins import is_welcome


@pytest.mark.parametrize(
    ("origin", "allowed", "welcome"),
    [
        (None, (), True),
        ("http://localhost", (), True),
        ("https://LOCALHOST:8060", (), True),
        ("http://127.0.0.1:8888", (), True),
        ("http://127.8.9.1", (), True),
        ("http://[::1]:8888", (), True),
        ("http://192.168.1.20:8060", (), True),  # the address that the client connected to
        ("http://192.168.1.21", (), False),
        ("https://game.example", (), False),
        ("https://game.example", ("https://game.example/",), True),
        ("https://GAME.example", ("https://game.example",), True),
        ("https://game.example:444", ("https://game.example",), False),
        ("http://game.example", ("https://game.example",), False),
        ("https://anything.example", ("*",), True),
        ("", (), False),
        ("null", (), False),
        ("localhost", (), False),
        ("ftp://localhost", (), False),
        ("http://localhost@evil.example", (), False),
        ("http://localhost.evil.example", (), False),
        ("http://evil.example/http://localhost", (), False),
        ("http://[::1", (), False),
        ("http://", (), False),
        ("http://localhost, https://evil.example", (), False),
    ],
)
def test_only_pages_of_this_machine_and_those_allowed_are_welcome(origin, allowed, welcome):
    assert is_welcome(origin, "192.168.1.20", allowed) is welcome
