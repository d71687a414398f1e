"""Draws a terminal as SVG: runs a command in a pseudo-terminal and keeps its screen at one moment, or at the end.

    python scripts/record.py --at "Full suite" docs/images/run.svg -- homeport run ci.yml

`--at TEXT` keeps the first screen that shows the text; without it the last screen is kept.
"""

import argparse
import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from html import escape
from pathlib import Path

import pyte

COLUMNS = 100
CELL_WIDTH, CELL_HEIGHT = 8.4, 18
COLOURS = {
    "default": "#d8dee9",
    "red": "#ef6b73",
    "green": "#8fce7a",
    "brown": "#e5c07b",
    "blue": "#6cb2eb",
    "magenta": "#c792ea",
    "cyan": "#62c8d3",
    "black": "#667080",
}


def watch(command: list[str], folder: Path, wanted: str | None, height: int) -> list[list[pyte.screens.Char]]:
    """The screen's characters, row by row, at the wanted moment."""
    screen = pyte.Screen(COLUMNS, height)
    stream = pyte.ByteStream(screen)
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(height)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    kept: list[list[pyte.screens.Char]] = []
    with contextlib.suppress(OSError):
        while chunk := os.read(controller, 65536):
            stream.feed(chunk)
            if wanted and not kept and any(wanted in row for row in screen.display):
                kept = characters(screen)
    process.wait()
    return kept or characters(screen)


def characters(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
    """A copy of what is shown, without empty rows at the end."""
    rows = [[screen.buffer[row][column] for column in range(COLUMNS)] for row in range(screen.lines)]
    while rows and not "".join(character.data for character in rows[-1]).strip():
        rows.pop()
    return rows


def draw(rows: list[list[pyte.screens.Char]]) -> str:
    """The rows as SVG."""
    width, height = COLUMNS * CELL_WIDTH + 32, len(rows) * CELL_HEIGHT + 32
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">',
        f'<rect width="{width:.0f}" height="{height}" rx="10" fill="#1f2430"/>',
        '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ]
    for number, row in enumerate(rows):
        lines.append(f'<text y="{number * CELL_HEIGHT + 30}">{draw_row(row)}</text>')
    return "\n".join([*lines, "</g>", "</svg>", ""])


def draw_row(row: list[pyte.screens.Char]) -> str:
    """One row as runs of one style, each at its own column, so that no font can shift what follows."""
    runs: list[tuple[int, tuple[str, bool], str]] = []
    for column, character in enumerate(row):
        style = (character.fg, character.bold)
        if runs and runs[-1][1] == style:
            runs[-1] = (*runs[-1][:2], runs[-1][2] + character.data)
        else:
            runs.append((column, style, character.data))
    return "".join(draw_run(*run) for run in runs if run[2].strip())


def draw_run(column: int, style: tuple[str, bool], text: str) -> str:
    """Characters of one style."""
    colour, bold = style
    weight = ' font-weight="bold"' if bold else ""
    fill = COLOURS.get(colour, f"#{colour}")
    return f'<tspan x="{16 + column * CELL_WIDTH:.1f}" fill="{fill}"{weight}>{escape(text.rstrip())}</tspan>'


def main() -> int:
    """Record, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", help="keep the first screen that shows this text")
    parser.add_argument("--rows", type=int, default=26)
    parser.add_argument("--cwd", type=Path, default=Path())
    parser.add_argument("output", type=Path)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(draw(watch(options.command, options.cwd, options.at, options.rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
