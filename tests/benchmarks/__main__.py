"""Measure everything side by side, and say what is met: `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from replicator.demo.servers import FLAVOURS, Flavour, find_flavours
from tests.benchmarks import applying, copying, decoding, lag, memory, report, stalling
from tests.benchmarks.figures import FULL, HEADINGS, QUICK, Figure, Sizes, failed

SECTIONS: dict[str, Callable[[Flavour, Sizes], list[Figure]]] = {
    "a": decoding.measure,
    "b": copying.measure,
    "c": applying.measure,
    "d": lag.measure,
    "e": memory.measure,
    "f": stalling.measure,
}


def main() -> int:
    """1 when a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="a,b,…",
        default=",".join(SECTIONS),
        help="a decoding, b copying, c applying, d lag, e memory, f stall",
    )
    parser.add_argument("--flavour", choices=FLAVOURS, action="append", help="default: all that are installed")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all of it runs, and judges nothing")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE.relative_to(report.ROOT)}")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"--only knows {', '.join(SECTIONS)}, not {', '.join(sorted(unknown))}")
    if arguments.write and (arguments.quick or arguments.flavour):
        parser.error("--write keeps what was measured on all flavours and in full: without --flavour and --quick")
    figures = []
    began = time.monotonic()
    for flavour in arguments.flavour or find_flavours():
        for letter in chosen:
            figures += _measured(letter, flavour, QUICK if arguments.quick else FULL)
    _print(figures)
    if arguments.quick:
        print("quick: too little for a judgement")
        return 0
    if arguments.write:
        report.write(figures, time.monotonic() - began, whole=set(chosen) == set(SECTIONS))
    missed = [figure for figure in figures if figure.met is False]
    print(f"{len(missed)} of {sum(figure.met is not None for figure in figures)} limits are not met")
    return 1 if missed else 0


def _measured(letter: str, flavour: Flavour, sizes: Sizes) -> list[Figure]:
    """A section's figures, told as soon as they are known; one that fails does not cost the others."""
    began = time.monotonic()
    try:
        figures = SECTIONS[letter](flavour, sizes)
    except Exception as error:
        traceback.print_exc()
        figures = [failed(letter, flavour, SECTIONS[letter].__module__.rpartition(".")[2], error)]
    for figure in figures:
        print(" · ".join(cell for cell in figure.cells if cell), flush=True)
    print(f"    {time.monotonic() - began:.0f} s", flush=True)
    return figures


def _print(figures: list[Figure]) -> None:
    table = Table(*HEADINGS)
    for figure in sorted(figures, key=lambda figure: figure.letter):
        table.add_row(*figure.cells, style="red" if figure.met is False else None)
    Console(width=None if sys.stdout.isatty() else 200).print(table)


if __name__ == "__main__":
    sys.exit(main())
