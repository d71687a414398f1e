"""Chooses who looks on: JSON lines, plain text, or a live picture on a terminal."""

import os
from collections.abc import Sequence

from homeport.cli.console import Console
from homeport.cli.execution import Execution
from homeport.cli.session import Onlookers
from homeport.plan.model import Plan
from homeport.present.view import JsonLinesView, View


def make_view(
    execution: Execution, console: Console, runs: Sequence[tuple[str, Plan]], failed_command: str
) -> Onlookers:
    """The view for runs (by id, with their plans), as the command line and the terminal want it.

    `failed_command` is what a person is told to call for the failed part.
    """
    return Onlookers(_choose(execution, console, runs, failed_command))


def _choose(execution: Execution, console: Console, runs: Sequence[tuple[str, Plan]], failed_command: str) -> View:
    if execution.output == "json":
        return JsonLinesView(console.write)
    from homeport.cli.needs import list_needs  # noqa: PLC0415 - JSON needs none of it

    needs = {run: list_needs(plan.workflow) for run, plan in runs}
    colour = console.is_terminal and not console.environment.get("NO_COLOR")

    if execution.output == "plain":
        from homeport.present.plain import PlainView  # noqa: PLC0415 - only one of the views is needed

        return PlainView(console.write, needs=needs, colour=colour, failed_command=failed_command)
    from homeport.present.live_view import LiveView  # noqa: PLC0415

    def write(text: str) -> None:
        console.write(text.encode("utf-8", "backslashreplace"))

    return LiveView(write, _terminal_size, needs=needs, colour=colour, failed_command=failed_command)


def _terminal_size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(1)
    except OSError:
        return 80, 24
    return size.columns or 80, size.lines or 24
