"""Carries out workflow commands and marks problems, line by line, for one command of a step.

Source: actions/runner `ActionCommandManager` with its command extensions, and `OutputManager.ConvertToIssue`. The messages are theirs.
"""

import os
from contextlib import suppress

from homeport.run.facts import Level
from homeport.runner.annotated_files import find_in_repository
from homeport.runner.commands import WorkflowCommand, parse_command
from homeport.runner.folders import read_file
from homeport.runner.matchers import Match, MatcherError, parse_matchers
from homeport.runner.record import Place, StepRecord

BLOCKED_VARIABLES = frozenset({"NODE_OPTIONS"})
"""What a step may not set for later steps, in upper case: it would run code inside of the runner's own actions."""

_ALLOW_UNSECURE = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
_ALLOW_TOKENS = "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS"
_SHORT_TOKEN = 6
_LONGEST_DEFINITION = 1 << 20
"""Longer tokens are masked: who can read one in a log could start commands again."""
_SEVERITIES: dict[str, Level] = {"notice": "notice", "warning": "warning", "error": "error"}
_SILENT = frozenset({"add-mask", "debug", "notice", "warning", "error"})
"""Never echoed: they show what matters themselves, or must not."""
_NAMES = frozenset(
    {
        *_SEVERITIES,
        "debug",
        "group",
        "endgroup",
        "add-mask",
        "add-matcher",
        "remove-matcher",
        "echo",
        "stop-commands",
        "set-output",
        "save-state",
        "set-env",
        "add-path",
    }
)
_DEPRECATED = (
    "The `{}` command is deprecated and will be disabled soon. Please upgrade to using Environment Files. For more information see: "
    "https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
)
_DISABLED = (
    "The `{}` command is disabled. Please upgrade to using Environment Files or opt into unsecure command execution by setting the "
    "`ACTIONS_ALLOW_UNSECURE_COMMANDS` environment variable to `true`. For more information see: "
    "https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
)
_BAD_END_MARK = (
    "Invoking the ::stop-commands:: command with an empty token, 'pause-logging' or the name of a command is not allowed. For more "
    "information see: https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#example-stopping-and-"
    "starting-workflow-commands"
)


class CommandError(Exception):
    """A command that cannot be carried out: it fails its step."""


class CommandInterpreter:
    """Reads the output of one command of a step. Stopping and echoing commands lasts as long as it."""

    def __init__(self, record: StepRecord, environment: dict[str, str]) -> None:
        self._record = record
        self._voice = record.voice
        self._session = record.session
        self._environment = environment
        self._echo = record.session.is_debug
        self._end_token: str | None = None

    @property
    def is_matching(self) -> bool:
        """Whether there are problem matchers."""
        return self._session.matchers.is_active

    def find_command(self, line: str) -> WorkflowCommand | None:
        """The command in a line; while commands are stopped, only the token that starts them again."""
        return parse_command(line, _NAMES if self._end_token is None else {self._end_token})

    def run_command(self, command: WorkflowCommand, line: str) -> None:
        """Carry it out; one that is wrong fails the step."""
        if self._end_token is not None:
            self._end_token = None
            self._voice.log.write(line)
            return
        is_silent = command.name in _SILENT
        if self._echo and not is_silent and command.name != "stop-commands":
            self._voice.log.write(line)
        try:
            self._dispatch(command, line)
        except (CommandError, MatcherError, OSError) as error:
            self._record.has_failed = True
            self._voice.annotate(
                "error", f"Unable to process command '{command.name if is_silent else line.strip()}' successfully."
            )
            self._voice.annotate("error", str(error))

    def match(self, lines: list[str]) -> list[str]:
        """The lines, problems marked as what they are; an annotation is raised for each."""
        if not self.is_matching:
            return lines
        try:
            found, removed = self._session.matchers.match(id(self), lines)
        except MatcherError as error:
            self._voice.annotate("warning", str(error))
            return lines
        for owner, why in removed:
            self._voice.annotate("warning", f"Removing issue matcher '{owner}'. Matcher failed 3 times. Error: {why}")
        return [line if match is None else self._mark(match) for line, match in zip(lines, found, strict=True)]

    def close(self) -> None:
        """No more output will come."""
        with suppress(MatcherError):
            self._session.matchers.end_stream(id(self))

    def _mark(self, match: Match) -> str:
        severity = _SEVERITIES[(match.severity or "error").lower()]
        place = Place(self._find_file(match), _to_int(match.line), _to_int(match.column))
        self._voice.raise_annotation(severity, match.message, place)
        return f"##[{severity}]{match.text}"

    def _find_file(self, match: Match) -> str | None:
        """The file below its repository; what is not there is left out."""
        if not match.file.strip():
            return None
        base = os.path.dirname(match.from_path)
        file = self._record.find_outside(os.path.join(base, match.file) if base else match.file)
        return find_in_repository(file, self._session.paths.workspace, str(self._session.github["repository"]))

    # --- commands -----------------------------------------------------------------------------------------------------

    def _dispatch(self, command: WorkflowCommand, line: str) -> None:
        match command.name:
            case "notice" | "warning" | "error":
                self._annotate(_SEVERITIES[command.name], command)
            case "debug":
                self._voice.debug(command.data)
            case "group" | "endgroup":
                self._voice.log.write(f"##[{command.name}]{command.data if command.name == 'group' else ''}")
            case "add-mask":
                self._add_mask(command.data)
            case "add-matcher":
                self._add_matcher(command.data)
            case "remove-matcher":
                self._remove_matcher(command.properties.get("owner", ""), command.data)
            case "echo":
                self._set_echo(command.data)
            case "stop-commands":
                self._stop_commands(command.data, line)
            case "set-output" | "save-state":
                self._set_value(command)
            case "set-env" | "add-path":
                self._set_unsecured(command)

    def _annotate(self, severity: Level, command: WorkflowCommand) -> None:
        properties = command.properties
        file = properties.get("file")
        line, column, end_line, end_column = check_range(
            *(_to_int(properties.get(name)) for name in ("line", "col", "endline", "endcolumn"))
        )
        place = Place(file and self._record.find_relative(file), line, column, end_line, end_column)
        self._voice.annotate(severity, command.data, place, title=properties.get("title"))

    def _add_mask(self, value: str) -> None:
        if not value.strip():
            self._voice.annotate("warning", "Can't add secret mask for empty string in ##[add-mask] command.")
            return
        self._session.masker.add(value)
        if self._echo:
            self._voice.log.write("::add-mask::***")

    def _add_matcher(self, file: str) -> None:
        if not file:
            self._voice.annotate("warning", "File path must be specified.")
            return
        self._session.matchers.add(parse_matchers(self._read_definition(file)))

    def _remove_matcher(self, owner: str, file: str) -> None:
        if owner and file:
            self._voice.annotate(
                "warning",
                "Either specify an owner name or a file path in ##[remove-matcher] command. Both values cannot be set.",
            )
        elif owner:
            self._session.matchers.remove([owner])
        elif file:
            self._session.matchers.remove([matcher.owner for matcher in parse_matchers(self._read_definition(file))])
        else:
            self._voice.annotate(
                "warning", "Either an owner name or a file path must be specified in ##[remove-matcher] command."
            )

    def _read_definition(self, file: str) -> bytes:
        path = os.path.join(self._session.paths.workspace, self._record.find_outside(file))
        wall = self._session.wall
        return read_file(path) if wall is None else wall.read_file(path, _LONGEST_DEFINITION)

    def _set_echo(self, value: str) -> None:
        switch = value.strip().upper()
        if switch not in {"ON", "OFF"}:
            raise CommandError(
                f"Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{value}'."
            )
        self._echo = switch == "ON"

    def _stop_commands(self, token: str, line: str) -> None:
        folded = token.lower()
        if (not token or folded == "pause-logging" or folded in _NAMES) and not self._is_allowed(_ALLOW_TOKENS):
            raise CommandError(_BAD_END_MARK)
        if len(token) > _SHORT_TOKEN:
            self._session.masker.add(token)
        self._voice.log.write(line)
        self._end_token = folded

    def _set_value(self, command: WorkflowCommand) -> None:
        self._voice.annotate("warning", _DEPRECATED.format(command.name))
        name = command.properties.get("name")
        if not name:
            raise CommandError(f"Required field 'name' is missing in ##[{command.name}] command.")
        if command.name == "set-output":
            self._record.set_output(name, command.data)
        else:
            self._record.save_state(name, command.data)

    def _set_unsecured(self, command: WorkflowCommand) -> None:
        if not self._is_allowed(_ALLOW_UNSECURE):
            raise CommandError(_DISABLED.format(command.name))
        if command.name == "add-path":
            if not command.data:
                raise CommandError("Required value 'path' is missing in ##[add-path] command.")
            self._record.effects.add_path(command.data)
            return
        name = command.properties.get("name")
        if not name:
            raise CommandError("Required field 'name' is missing in ##[set-env] command.")
        if name.upper() in BLOCKED_VARIABLES:
            self._voice.annotate(
                "error", f"Can't update {name.upper()} environment variable using ::set-env:: command."
            )
            return
        self._record.effects.export(name, command.data)

    def _is_allowed(self, variable: str) -> bool:
        return self._environment.get(variable, "").strip().lower() == "true"


def check_range(
    line: int | None, column: int | None, end_line: int | None, end_column: int | None
) -> tuple[int | None, int | None, int | None, int | None]:
    """The part of a place that makes sense: `IssueCommandExtension.ValidateLinesAndColumns`."""
    line = end_line if line is None else line
    column = end_column if column is None else column
    if line is None or (end_line is not None and end_line != line):
        column = end_column = None
    if line is not None and end_line is not None and end_line < line:
        line = end_line = None
    if column is not None and end_column is not None and end_column < column:
        column = end_column = None
    return line, column, end_line, end_column


def _to_int(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
