"""`homeport check`: every mistake in the workflows and action files, with its place and a hint."""

import sys
from collections.abc import Sequence
from os import path

import msgspec

from homeport.cli.checked_files import FolderFiles, Target, find_root_of_text, find_targets
from homeport.cli.console import Console
from homeport.cli.errors import FAILED, OK, UsageError
from homeport.cli.options import Command, Option, Options
from homeport.diagnostics.diagnostic import Diagnostic
from homeport.diagnostics.span import Span
from homeport.language.lint import LintResult, lint
from homeport.language.rules import CODES, OPTIONAL_CODES

COMMAND = Command(
    name="check",
    summary="every mistake in the workflows and action files",
    arguments="[PATH…]",
    most=None,
    options=(
        Option(
            name="--format",
            value="text|json|sarif|github",
            help="how to print (default: text)",
            choices=("text", "json", "sarif", "github"),
        ),
        Option(
            name="--enable",
            value="CODE",
            help=f"run an optional rule: {', '.join(sorted(OPTIONAL_CODES))}",
            repeat=True,
            choices=tuple(sorted(OPTIONAL_CODES)),
        ),
        Option(
            name="--disable",
            value="CODE",
            help="leave out what has this code, unless GitHub would refuse the file for it",
            repeat=True,
            choices=tuple(CODES),
        ),
        Option(name="--strict", help="fail on warnings too"),
    ),
    details=(
        "PATH is a file, a folder, or - for standard input. Without one, all of the repository's workflows are checked, its\n"
        "action files, and the actions of the repository that these use.\n\n"
        "A comment `# homeport: ignore[CODE] reason`, on the line or above it, leaves out what is right in its place.\n"
        "Codes: " + ", ".join(CODES) + "."
    ),
)
_TEXT_NAME = "<stdin>"


class _Report(msgspec.Struct):
    """What was found in all files, named as the user sees them."""

    diagnostics: list[Diagnostic] = []
    sources: dict[str, str] = {}


def main(options: Options, console: Console) -> int:
    """Print what is wrong; exit 0 where nothing is (warnings aside, unless `--strict`), else 1. Raises `UsageError`."""
    report = _Report()
    paths = [name for name in options.arguments if name != "-"]
    if "-" in options.arguments:
        _check_text(report, options, console)
    if paths or not options.arguments:
        for target in find_targets(paths, console.folder):
            _check_target(target, report, options, console)
    _print(report, options.get("--format", "text"), console)
    fails = [found for found in report.diagnostics if found.severity == "error" or options.flag("--strict")]
    return FAILED if fails else OK


# --- checking --------------------------------------------------------------------------------------------------------


def _check_target(target: Target, report: _Report, options: Options, console: Console) -> None:
    files = FolderFiles(target.root)
    texts: dict[str, str | bytes] = {}
    for file in target.files:
        text = files.read(file)
        if text is None:
            raise UsageError(f"cannot read {path.join(target.root, file)}")
        texts[file] = text
    result = lint(
        texts,
        others=files,
        follow=target.is_whole,
        enabled=options.all("--enable"),
        disabled=options.all("--disable"),
    )
    shown = {file: _show(path.join(target.root, file), console.folder) for file in _name_files(result)}
    _add(report, result, {file: texts.get(file) or files.read(file) or b"" for file in shown}, shown)


def _check_text(report: _Report, options: Options, console: Console) -> None:
    """Standard input: a workflow of the repository around, or an action, of whose folder nothing is known."""
    text = sys.stdin.buffer.read()
    is_action = text.startswith(b"runs:") or b"\nruns:" in text
    name = f"{_TEXT_NAME}/action.yml" if is_action else _TEXT_NAME
    others = None if is_action else FolderFiles(find_root_of_text(console.folder))
    result = lint({name: text}, others=others, enabled=options.all("--enable"), disabled=options.all("--disable"))
    shown = {file: file for file in _name_files(result)} | {name: _TEXT_NAME}
    _add(report, result, {name: text}, shown)


def _name_files(result: LintResult) -> list[str]:
    """Every file that was checked, or that a diagnostic points to."""
    places = [
        span.file for found in result.diagnostics for span in (found.span, *(other.span for other in found.related))
    ]
    return list(dict.fromkeys([*result.workflows, *result.actions, *places]))


def _show(file: str, folder: str) -> str:
    """A path as it is seen from the folder where the command was called."""
    return path.relpath(file, folder)


def _add(report: _Report, result: LintResult, texts: dict[str, str | bytes], shown: dict[str, str]) -> None:
    def move(span: Span) -> Span:
        return msgspec.structs.replace(span, file=shown[span.file])

    for found in result.diagnostics:
        related = tuple(msgspec.structs.replace(other, span=move(other.span)) for other in found.related)
        report.diagnostics.append(msgspec.structs.replace(found, span=move(found.span), related=related))
    for file, text in texts.items():
        report.sources[shown[file]] = text if isinstance(text, str) else text.decode("utf-8", "replace")


# --- printing --------------------------------------------------------------------------------------------------------


def _print(report: _Report, form: str, console: Console) -> None:
    """Each form is imported where it is asked for."""
    diagnostics: Sequence[Diagnostic] = report.diagnostics
    if form == "json":
        from homeport.present.diagnostics.json_list import render_json  # noqa: PLC0415

        text = render_json(diagnostics)
    elif form == "sarif":
        from homeport import __version__  # noqa: PLC0415
        from homeport.present.diagnostics.sarif import render_sarif  # noqa: PLC0415

        text = render_sarif(diagnostics, version=__version__)
    elif form == "github":
        from homeport.present.diagnostics.annotations import render_annotations  # noqa: PLC0415

        text = render_annotations(diagnostics)
    else:
        from homeport.present.diagnostics.text import render_text  # noqa: PLC0415

        colour = console.is_terminal and not console.environment.get("NO_COLOR")
        text = render_text(diagnostics, report.sources, colour=colour)
    console.write(text.encode("utf-8", "backslashreplace"))
    if not diagnostics and form in {"text", "github"}:
        count = len(report.sources)
        console.say(f"nothing is wrong in {count} {'file' if count == 1 else 'files'}")
