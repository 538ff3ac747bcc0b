"""The command `gdlab`: the lab in a browser; in a terminal captures, reports, a demonstration, a check-up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from gdlab.errors import GdlabError
from gdlab.words import LANGUAGES

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "lab":
        _parser().error(f"unknown arguments: {' '.join(rest)}")
    # Each command imports what it needs: matplotlib alone takes a second, for one of them.
    try:
        if options.command == "lab":
            from gdlab.cli.lab import open_lab

            return open_lab(
                Path(options.folder), rest, traffic_on=not options.no_traffic, language=options.lang
            )
        if options.command == "capture":
            from gdlab.cli import serve

            return serve.capture(
                options.address,
                spill=None if options.spill is None else Path(options.spill),
                parts=options.parts,
                limit=options.limit,
                host=options.host,
                seconds=options.seconds,
                framing=options.framing,
            )
        if options.command == "report":
            from gdlab.cli import files

            return files.report(options.source, None if options.out is None else Path(options.out))
        if options.command == "convert":
            from gdlab.cli import files

            return files.convert(options.source, Path(options.target))
        if options.command == "mcp":
            from gdlab.cli import mcp

            return mcp.serve(Path(options.folder), options.listen, port=options.port)
        if options.command == "course":
            from gdlab.course import handout, printed

            folder = Path(options.folder)
            if options.part == "print":
                written = printed.print_out(folder, options.lang, run=options.run)
            else:
                written = handout.hand_out(folder, options.lang)
            print(f"{len(written)} files in {options.folder}: {', '.join(path.name for path in written)}")
            return 0
        if options.command == "doctor":
            from gdlab.diagnostics import doctor

            report = doctor(time_limit_s=options.seconds)
            print(report)
            return 0 if report.ok else 1
        from gdlab.cli.demo import run_demo

        return run_demo(
            Path(options.out), seconds=options.seconds, port=options.port, engine=_engine(options.source)
        )
    except (GdlabError, OSError) as error:
        print(f"gdlab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _engine(source: str) -> bool | None:
    return {"auto": None, "godot": True, "embedded": False}[source]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gdlab", description="See, measure and teach what a Godot 4 game does on the network."
    )
    parser.add_argument("--version", action="version", version=f"gdlab {metadata.version('gdlab')}")
    commands = parser.add_subparsers(dest="command", required=True)

    for_lab = commands.add_parser(
        "lab",
        help="open JupyterLab on the first notebook, with a game sending",
        description="Open JupyterLab on the first notebook, while a game (a real Godot where one is found) sends to "
        "UDP port 4242. Other arguments go to JupyterLab, such as --no-browser or --port=9999.",
    )
    for_lab.add_argument("--folder", default=".", help="where to look for, or put, the notebooks")
    _language(for_lab)
    for_lab.add_argument("--no-traffic", action="store_true", help="start no game")

    for_demo = commands.add_parser(
        "demo",
        help="capture some seconds of real traffic, print a summary, write CSV and PNG",
        description="Capture some seconds of real traffic in this terminal, print a summary, write CSV and PNG.",
    )
    for_demo.add_argument("--seconds", type=_positive, default=5.0, help="how long to capture (default 5)")
    for_demo.add_argument("--out", default="demo", help="the folder to write to (default demo)")
    for_demo.add_argument("--port", type=int, default=4242, help="UDP port to listen on; 0 takes a free one")
    for_demo.add_argument(
        "--source",
        choices=("auto", "godot", "embedded"),
        default="auto",
        help="what sends: a real Godot, the embedded source, or whichever is available (default)",
    )

    for_capture = commands.add_parser(
        "capture",
        help="capture without a notebook, until Ctrl-C or SIGTERM",
        description="Listen and capture in this terminal, or as a service (Type=exec), until Ctrl-C or SIGTERM, which "
        "end it cleanly. The exit status is 1 where rows were lost on their way to the disk, or nothing was received "
        "because of errors.",
    )
    for_capture.add_argument("address", nargs="+", help="such as udp://127.0.0.1:4242")
    for_capture.add_argument("--spill", help="the folder that all rows are written to as they arrive")
    for_capture.add_argument(
        "--parts",
        help="with --spill, how long closed Parquet parts are, such as 1min; any query engine reads them",
    )
    for_capture.add_argument("--limit", help="what is kept in memory, such as 64MiB or 10min")
    for_capture.add_argument("--host", choices=("lan",), help="lan lets other machines send")
    for_capture.add_argument("--seconds", type=_duration, help="how long (default: until it is ended)")
    for_capture.add_argument("--framing", default="auto", help="how TCP streams are divided (default auto)")

    for_report = commands.add_parser(
        "report",
        help="write a page that documents a captured file or folder",
        description="Write a folder with a page that documents a captured file, folder or pattern, and its data as "
        "CSV.",
    )
    for_report.add_argument("source", help="a file, a folder, or a pattern in quotes")
    for_report.add_argument("--out", help="the folder to write to (default: the source's name and -report)")

    for_convert = commands.add_parser(
        "convert",
        help="write a captured file in another format",
        description="Write what a file, folder or pattern holds as CSV (also .csv.gz, .csv.zst, .csv.lz4), Parquet or "
        "pcapng, as the name of the target says.",
    )
    for_convert.add_argument("source", help="a file, a folder, or a pattern in quotes")
    for_convert.add_argument("target", help="the file to write, such as run.parquet")

    for_course = commands.add_parser(
        "course",
        help="copy or print the students' part of the course",
        description="For teachers: hand out the course.",
    )
    parts = for_course.add_subparsers(dest="part", required=True)
    new = parts.add_parser(
        "new",
        help="copy the notebooks, with open questions and without outputs",
        description="Copy the students' part of the course: the notebooks, with open questions and without outputs, "
        "and a list of them. Files that are there are never overwritten.",
    )
    new.add_argument("folder", help="the folder to write to; it is created if needed")
    _language(new)
    on_paper = parts.add_parser(
        "print",
        help="write the lessons as pages to print, with room for answers",
        description="Write each lesson as an HTML page laid out for A4, with room for answers in place of the checks. "
        "Any browser prints it.",
    )
    on_paper.add_argument("folder", help="the folder to write to; it is created if needed")
    on_paper.add_argument(
        "--run", action="store_true", help="run the lessons first, for their tables and plots"
    )
    _language(on_paper)

    for_mcp = commands.add_parser(
        "mcp",
        help="answer questions about captures over the Model Context Protocol",
        description="Answer questions about the captures of a folder, and the samples, over the Model Context "
        "Protocol, on standard input and output or on a port of 127.0.0.1. Nothing is written, and nothing captured "
        "unless --listen asks for it.",
    )
    for_mcp.add_argument(
        "folder", nargs="?", default=".", help="the folder whose captures may be asked about"
    )
    for_mcp.add_argument(
        "--listen", action="append", default=[], metavar="ADDRESS", help="also capture at this address"
    )
    for_mcp.add_argument("--port", type=int, help="answer by HTTP on this port of 127.0.0.1")

    for_doctor = commands.add_parser(
        "doctor",
        help="check what gdlab needs on this machine",
        description="Check what gdlab needs on this machine, and report what to do where something is amiss. The exit "
        "status is 1 where something has failed.",
    )
    for_doctor.add_argument("--seconds", type=_positive, default=2.0, help="time limit (default 2)")
    return parser


def _language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=sorted(LANGUAGES), default="en", help="the notebooks' language")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, such as 10 or 0.5") from None


def _positive(text: str) -> float:
    value = _seconds(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600 seconds")
    return value


def _duration(text: str) -> float:
    value = _seconds(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is no time to capture for")
    return value
