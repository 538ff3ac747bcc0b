"""What failed without anybody being told."""

import logging


class Failures(logging.Handler):
    """Keeps, as text, what was logged as an error, and what came with an exception at whatever level.

    A view that fails shows it in its place and logs it for developers only, so a test that does not look there would
    pass. Only text is kept: an exception holds the frames it came through, and with them the views a test lets go.
    """

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.found = []

    def emit(self, record):
        if record.levelno >= logging.ERROR or record.exc_info:
            self.found.append(self.format(record))

    @classmethod
    def installed(cls):
        """One that listens to all of gdlab from now on."""
        handler, logger = cls(), logging.getLogger("gdlab")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        return handler
