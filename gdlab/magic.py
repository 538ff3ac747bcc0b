"""The notebook's magics: ``%%gdscript`` runs a cell of GDScript, ``%gdlab`` lists and stops what runs."""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

from IPython.core.error import UsageError
from pygments import highlight
from pygments.formatters import TerminalFormatter
from pygments.lexers import get_lexer_by_name

from gdlab import capture, godot, watching
from gdlab.errors import GdlabError, GodotEnded
from gdlab.godot import Ending, Level
from gdlab.godot.runner import SOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from gdlab.godot import Engine, Entry, Game, Run
    from gdlab.watching.rows import LogRow

SECONDS: Final = 10.0
#: A notebook of very many lines is slow to show and to save; the rest is in the result.
MAX_LINES: Final = 1000
#: Lines shown before and after the one with the error.
_AROUND: Final = 2
#: How long messages that are on their way are waited for before it is said that none came.
_ON_THE_WAY_S: Final = 0.3

_OF_A_CAPTURE: Final = re.compile(r'Identifier "(HOST|PORT|URL)" not declared')


class CellFailed(GodotEnded):
    """A cell of GDScript that did not do its work; shown without the Python calls that led there.

    Attributes
    ----------
    run : the record of the run, with all it printed.
    """

    def __init__(self, message: str, *, run: Run, excerpt: str) -> None:
        super().__init__(message, exit_code=run.exit_code)
        self.run = run
        self._excerpt = excerpt

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}", *self._excerpt.splitlines()]


class Magics:
    """The magics of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def gdscript(self, line: str, cell: str) -> Run:
        """Run the cell in a real, headless Godot and show what it prints as it comes.

        ::

            %%gdscript [--fps N] [--seconds S] [--listen NAME] [--result NAME] [--keep-going]
                       [--debug] [--watch NAME] [ARGUMENT ...]

            --fps N         frames per second, 60 by default
            --seconds S     the engine quits after so long; 10 by default. A script may quit() earlier
            --listen NAME   NAME is a running capture: the script finds its address in the constants HOST,
                            PORT and URL (also in the environment: GDLAB_HOST, GDLAB_PORT, GDLAB_URL)
            --result NAME   also keep the result under this name
            --keep-going    a script error is reported, and ends neither the engine nor a "Run All"
            --debug         errors come by the engine's debugger link: with the calls that led to them
            --watch NAME    the same, and the watch of the run (`gdlab.debugger`) is kept under this name
            ARGUMENT        for OS.get_cmdline_user_args()

        The script may extend SceneTree (`_initialize`, `_process`) or Node (`_ready`, `get_tree()`, ...). Without
        `extends` gdlab takes what fits; a cell without any function runs from the first line to the last and quits.
        Lines of errors are those of the cell, the magic's own line counted as the first. The stop button ends
        the engine. The cell shows its result, a `gdlab.godot.Run`: `prints`, `errors`, `table`.

        The colours are those of Python: JupyterLab chooses the language by the notebook's kernel, and a magic has no
        way to say that its cell is in another one. The lines quoted with an error are in GDScript's colours.
        """
        options = _parsed(line)
        told = _Address(self._shell, options.listen) if options.listen else None
        source = "\n" + cell  # the magic is line 1 of the cell
        try:
            engine = godot.find()
        except GdlabError as error:
            _shown_briefly(error, f"{type(error).__name__}: {error}")
            raise
        watch = watching.Watch() if options.debug or options.watch else None
        if options.watch:
            self._shell.user_ns[options.watch] = watch
        try:
            run = _Cell(options, told, watch).run(source, engine)
        finally:
            if watch is not None:
                watch.stop()
        if options.result:
            self._shell.user_ns[options.result] = run
        if run.ending is Ending.EXIT and run.seconds >= SECONDS and options.seconds is None:
            print(f"(ended after {SECONDS:g} s; --seconds N sets another time, quit() ends earlier)")
        if told is not None:
            told.report()
        if failure := _failure(run, source, watch, keep_going=options.keep_going):
            raise failure
        return run

    def gdlab(self, line: str) -> None:
        """``%gdlab status`` lists the captures and engines that run in this kernel, ``%gdlab stop`` stops them all."""
        word = line.strip() or "status"
        if word == "status":
            running = [*capture.running(), *watching.running(), *godot.running()]
            for each in running:
                print(each)
            if not running:
                print("no capture and no engine of this kernel is running")
        elif word == "stop":
            captures, watches = len(capture.running()), len(watching.running())
            capture.stop_all()
            told = f"stopped: captures {captures}, engines {godot.stop_all()}"
            print(told + (f", watches {watches}" if watches else ""))
        else:
            raise UsageError(f"%gdlab knows `status` and `stop`, not {word!r}")


def register(shell: InteractiveShell) -> None:
    """Give a shell the magics; what ``%load_ext gdlab`` does."""
    magics = Magics(shell)
    manager = shell.magics_manager
    manager.register_function(magics.gdscript, magic_kind="cell", magic_name="gdscript")
    manager.register_function(magics.gdlab, magic_kind="line", magic_name="gdlab")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in the cell instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%gdscript: {message}\n{self.format_usage()}")


def _parsed(line: str) -> argparse.Namespace:
    parser = _Parser(prog="%%gdscript", add_help=False, allow_abbrev=False)
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--listen", metavar="NAME")
    parser.add_argument("--result", metavar="NAME")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--watch", metavar="NAME")
    parser.add_argument("argument", nargs="*")
    try:
        options = parser.parse_args(shlex.split(line))
    except ValueError as error:  # a quotation mark without its partner
        parser.error(str(error))
    if options.fps < 1:
        parser.error(f"--fps is {options.fps}; it must be 1 or more")
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        parser.error(f"--seconds is {options.seconds}; it must be positive")
    for option, name in (("--result", options.result), ("--watch", options.watch)):
        if name and not name.isidentifier():
            parser.error(f"{option} {name}: that cannot be a name")
    return options


class _Address:
    """The address of the capture that `--listen` names, and how much has come there since."""

    def __init__(self, shell: InteractiveShell, name: str) -> None:
        found = shell.user_ns.get(name)
        if not isinstance(found, capture.Capture):
            known = [key for key, value in shell.user_ns.items() if isinstance(value, capture.Capture)]
            names = [key for key in known if not key.startswith("_")]
            raise UsageError(
                f"--listen {name}: there is no capture of this name. "
                + (
                    f"There is {', '.join(names)}."
                    if names
                    else f'Make one: {name} = gd.listen("udp://127.0.0.1:4242")'
                )
            )
        if found.is_client or not found.running:
            why = "goes to its peer itself" if found.is_client else "has been stopped: start it again"
            raise UsageError(f"--listen {name}: this capture {why}. {found.status.text}")
        self._name, self._capture = name, found
        self._before = found.statistics()
        address = found.endpoints[0].address
        host = "127.0.0.1" if address.host in ("localhost", "lan", "0.0.0.0") else address.host  # noqa: S104
        literal = f"[{host}]" if ":" in host else host
        url = f"{address.transport}://{literal}:{address.port}{address.path}"
        self.constants: dict[str, str | int] = {"HOST": host, "PORT": address.port, "URL": url}
        self.environment = {f"GDLAB_{key}": str(value) for key, value in self.constants.items()}

    def report(self) -> None:
        """Say what came, or why perhaps nothing did."""
        deadline = time.monotonic() + _ON_THE_WAY_S
        while not (count := self._capture.statistics().received - self._before.received):
            if time.monotonic() > deadline:
                hint = self._capture.status.hint
                text = f"{self._name} received nothing from this cell"
                print(f"{text}: {hint}" if hint else text, file=sys.stderr)
                return
            time.sleep(0.01)
        print(f"({self._name} received {count} message{'' if count == 1 else 's'})")


class _Cell:
    """One run of a cell."""

    def __init__(
        self, options: argparse.Namespace, told: _Address | None, watch: watching.Watch | None
    ) -> None:
        self._options = options
        self._told = told
        self._watch = watch

    def run(self, source: str, engine: Engine) -> Run:
        """Run until the engine ends; an interrupt ends it, and goes on upwards."""
        game: Game | None = None
        try:
            # Between the start of the process and its being in our hands an interrupt would lose it.
            with _interrupts_held():
                game = self._start(source, engine)
            self._show(game)
            return game.wait()
        except KeyboardInterrupt as interrupt:
            _shown_briefly(interrupt, "KeyboardInterrupt: the engine has been ended")
            raise
        finally:
            if game is not None:
                with _interrupts_held():
                    game.stop()

    def _start(self, source: str, engine: Engine) -> Game:
        options, told = self._options, self._told
        seconds = SECONDS if options.seconds is None else options.seconds
        return godot.start(
            source=source,
            engine=engine,
            args=options.argument,
            constants=told.constants if told else None,
            env=told.environment if told else None,
            fps=options.fps,
            seconds=seconds,
            # For a script that never gives a frame back. Frames may take longer than they should.
            time_limit_s=1.5 * seconds + 10,
            stop_on="parse" if options.keep_going else "script",
            debugger=self._watch,
            label="cell",
        )

    def _show(self, game: Game) -> None:
        """Print what comes, from the thread that runs the cell: only so it lands in this cell for certain."""
        count = 0
        left_out = self._options.keep_going  # else the first script error is what the cell raises
        for entry in game.follow():
            if entry.level is Level.ENGINE:
                continue
            if entry.level is Level.SCRIPT_ERROR and not left_out:
                left_out = True
                continue
            count += entry.text.count("\n") + 1
            if count <= MAX_LINES:
                to = sys.stdout if entry.level is Level.PRINT else sys.stderr
                print(_told(entry) + self._calls(entry), file=to, flush=True)
            elif count - entry.text.count("\n") - 1 <= MAX_LINES:
                print(
                    f"(more than {MAX_LINES} lines: the others are in the result)",
                    file=sys.stderr,
                    flush=True,
                )

    def _calls(self, entry: Entry) -> str:
        """The calls that led to an error, from the link; nothing for what is none, and without a link."""
        if self._watch is None or entry.level in (Level.PRINT, Level.STDERR):
            return ""
        row = _reported(self._watch, entry)
        return "" if row is None else "".join(f"\n{line}" for line in _stack(row))


def _reported(watch: watching.Watch, entry: Entry) -> LogRow | None:
    """What the link told of an error that the engine printed, too; it comes first, by some milliseconds."""
    kinds = {Level.SCRIPT_ERROR: "script_error", Level.ERROR: "error", Level.WARNING: "warning"}
    rows = (
        row
        for game in watch.games
        for row in game.log.rows()
        if row.kind == kinds.get(entry.level) and row.line == entry.line and row.text in entry.text
    )
    return next(rows, None)


def _stack(row: LogRow) -> list[str]:
    """The calls of a row that are in the cell, the most recent first."""
    inside = [call for call in row.stack if call.file == SOURCE_NAME]
    return [
        f"  {'in' if number == 0 else 'called from'} {call.function}(), line {call.line}"
        for number, call in enumerate(inside)
    ]


def _told(entry: Entry) -> str:
    if entry.level in (Level.PRINT, Level.STDERR):
        return entry.text
    return f"{entry.level}{_place(entry)}: {entry.text}"


def _place(entry: Entry) -> str:
    if entry.file is None:
        return ""
    return f" in line {entry.line}" + ("" if entry.file == SOURCE_NAME else f" of {entry.file}")


def _failure(run: Run, source: str, watch: watching.Watch | None, *, keep_going: bool) -> CellFailed | None:
    """What the cell raises, if anything."""
    first = next((entry for entry in run.errors if entry.level is Level.SCRIPT_ERROR), None)
    if first is not None and not (keep_going and run.ending is Ending.EXIT):
        place = _place(first).removeprefix(" in ")
        text = f"{place}: {first.text}" if place else first.text
        if _OF_A_CAPTURE.search(first.text):
            text += " HOST, PORT and URL are those of a capture: name it, as in %%gdscript --listen cap"
        excerpt = _excerpt(source, first)
        row = _reported(watch, first) if watch is not None else None
        calls = [] if row is None else _stack(row)
        return CellFailed(text, run=run, excerpt="\n".join(filter(None, [excerpt, *calls])))
    if run.ending is Ending.TIME_LIMIT:
        text = "the script did not give a frame back in time and was killed: is there a loop that never ends?"
        return CellFailed(text, run=run, excerpt="")
    if run.ending is Ending.EXIT and run.exit_code < 0:
        return CellFailed(run.reason, run=run, excerpt="")
    return None


def _excerpt(source: str, error: Entry) -> str:
    """The lines around an error, in colours, with an arrow."""
    if error.line is None or error.file != SOURCE_NAME:
        return ""
    lexer = get_lexer_by_name("gdscript", stripnl=False, ensurenl=False)
    lines = highlight(source, lexer, TerminalFormatter(bg="light")).split("\n")
    shown = range(
        max(2, error.line - _AROUND), min(len(source.rstrip("\n").split("\n")), error.line + _AROUND) + 1
    )
    return "\n".join(f"{'---->' if n == error.line else '     '} {n:>3} {lines[n - 1]}" for n in shown)


def _shown_briefly(error: BaseException, text: str) -> None:
    """Have an exception shown without the calls of this module."""
    said: Any = error
    said._render_traceback_ = text.splitlines  # IPython's own hook


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold an interrupt back until the block is left; other threads than the main one get none."""
    # A handler that was not set from Python (None) could not be put back.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    held: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if held:
        raise KeyboardInterrupt
