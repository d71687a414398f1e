"""A step at work: its environment, contexts and command files, and the commands that it runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeport.language import nodes
from homeport.language.tokens import Token
from homeport.plan.evaluation import EvaluationError, evaluate_condition, evaluate_text, evaluate_texts
from homeport.ports.executor import Command, JobEnvironment, Process
from homeport.runner.command_files import CommandFileError, decode, parse_lines, parse_pairs
from homeport.runner.file_set import LONGEST_FILE, CommandFileSet
from homeport.runner.interpreter import BLOCKED_VARIABLES, CommandInterpreter
from homeport.runner.record import StepRecord
from homeport.runner.running import Sink, await_process
from homeport.runner.scope import Scope, without_secrets
from homeport.runner.stop import StepStop

LONGEST_SUMMARY = 1024 * 1024
"""docs: "Adding a job summary": 1 MiB a step"""
_SUMMARY_TOO_LONG = (
    "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {}k, got {}k. For more information see: "
    "https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary"
)


class StepStoppedError(Exception):
    """The step has to end; `StepFrame.stop.cause` says why."""


class CannotStartError(Exception):
    """A program of the step cannot be started."""


class StepFrame:
    """One stage of one step (`name` is what it is shown as). Used by one thread."""

    def __init__(
        self, scope: Scope, written: nodes.RunStep | nodes.UsesStep, record: StepRecord, stop: StepStop, name: str = ""
    ) -> None:
        self.scope = scope
        self.session = scope.session
        self.written = written
        self.record = record
        self.stop = stop
        self.name = name
        self.timeout_minutes = 0.0
        """0: none"""
        self.env: dict[str, str] = {}
        self.own_env: dict[str, str] = {}
        """what `env` here and around an action has set: it hides what the steps inside write to `GITHUB_ENV`, all else does not"""
        self.github: dict[str, Any] = {**self.session.github, "action": written.id, **scope.github}
        self.exit_code: int | None = None
        """of the last command that ended"""
        self.working_directory = self.session.paths.workspace
        self.is_outside = False
        """whether its commands run on the machine although the job is in a container: those of native actions do"""
        self._files: CommandFileSet | None = None
        self._leaves_writers = False

    # --- expressions --------------------------------------------------------------------------------------------------

    def set_env(self, token: nodes.Pairs | None) -> None:
        """Make the environment: what the job has gathered, what surrounds the step, and its own `env`. Raises `EvaluationError`."""
        self.own_env = self.scope.env
        self.env = {**self.record.effects.env, **self.own_env}
        if token is not None:
            written = evaluate_texts(token, self.contexts, self.scope.functions)
            self.own_env = {**self.own_env, **written}
            self.env.update(written)

    @property
    def contexts(self) -> dict[str, Any]:
        """What the step's keys may use."""
        return self.scope.contexts(self.env, self.github)

    def is_wanted(self, condition: nodes.Condition | None) -> bool:
        """Whether an `if` holds; None is `always()`. Raises `EvaluationError`."""
        if condition is None:
            return True
        if condition.expression.source == "success()":
            return self.scope.status == "success"
        return evaluate_condition(condition, without_secrets(self.contexts), self.scope.condition_functions)

    def is_still_wanted(self, condition: nodes.Condition | None) -> bool:
        """The same, asked again while the step runs; a condition that cannot be evaluated any more does not hold."""
        try:
            return self.is_wanted(condition)
        except EvaluationError:
            return False

    def text(self, token: Token | None) -> str:
        """A key of the step as text; empty where it is absent. Raises `EvaluationError`."""
        return "" if token is None else evaluate_text(token, self.contexts, self.scope.functions)

    # --- environment --------------------------------------------------------------------------------------------------

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the step's commands get. Later ones win: the machine's, the step's, `extra`, and the defaults, which nobody sets."""
        session = self.session
        base = self._surroundings.base_environment
        # what the job's container has written to GITHUB_ENV and GITHUB_PATH is not for the machine: it would be a way out
        env = self.own_env if self.is_outside else self.env
        merged = {**base, "CI": "true", **env, **(extra or {}), **session.variables, **self._own_variables()}
        if self.is_outside:
            return merged
        merged["PATH"] = self.record.effects.extend_path(merged.get("PATH", ""))
        return merged

    def _own_variables(self) -> dict[str, str]:
        github = self.github
        return {
            "GITHUB_ACTION": github["action"],
            "GITHUB_ACTION_REF": github["action_ref"],
            "GITHUB_ACTION_REPOSITORY": github["action_repository"],
            **({"GITHUB_ACTION_PATH": github["action_path"]} if self.scope.is_action else {}),
            **(self._files.variables if self._files is not None else {}),
        }

    # --- commands -----------------------------------------------------------------------------------------------------

    @property
    def _surroundings(self) -> JobEnvironment:
        return self.session.outside if self.is_outside else self.session.environment

    def run(self, arguments: Sequence[str], environment: dict[str, str], working_directory: str) -> int:
        """Run a command; its output is the step's. The exit code, 128 and more for a signal.

        Raises `CannotStartError`, and `StepStoppedError` where the step had to end meanwhile (or before).
        """
        command = Command(tuple(arguments), environment, working_directory)
        return self.run_process(environment, lambda: self._start(command))

    def run_process(self, environment: dict[str, str], start: Callable[[], Process]) -> int:
        """The same for what `start` starts. Raises also what that raises."""
        log = self.record.voice.log
        interpreter = CommandInterpreter(self.record, environment)
        log.interpreter = interpreter
        try:
            return self._await(start, log)
        finally:
            log.finish()
            log.interpreter = None
            interpreter.close()

    def run_quietly(
        self, arguments: Sequence[str], environment: dict[str, str], working_directory: str, sink: Sink
    ) -> int:
        """The same, with the output going elsewhere."""
        command = Command(tuple(arguments), environment, working_directory)
        return self._await(lambda: self._start(command), sink)

    def _start(self, command: Command) -> Process:
        try:
            return self._surroundings.start(command)
        except OSError as error:
            raise CannotStartError(_explain(error, command)) from error

    def _await(self, start: Callable[[], Process], sink: Sink) -> int:
        if self.stop.find_cause() is not None:
            raise StepStoppedError
        process = start()
        code, is_output_closed = await_process(process, sink, self.stop, self.session.clock)
        self._leaves_writers |= not is_output_closed
        self.exit_code = code if code >= 0 else 128 - code
        if self.stop.cause is not None:
            raise StepStoppedError
        if code < 0:
            self.record.voice.log.write(f"The command was ended by signal {-code} ({_name_signal(-code)}).")
        return self.exit_code

    # --- command files ------------------------------------------------------------------------------------------------

    def open_files(self) -> None:
        """Make the files through which the step's commands speak. Raises `OSError`."""
        self.session.mend_folders()
        self._files = self.session.take_files()
        self.github.update(self._files.github)

    def read_files(self) -> None:
        """Carry out what was written to them. Safe to call when there are none."""
        files, self._files = self._files, None
        if files is None:
            return
        written = files.find_written()
        for name, size in written.items():
            if size > 0:
                try:
                    self._read_file(files, name, size)
                except (CommandFileError, OSError) as error:
                    self.record.has_failed = True
                    self.record.voice.annotate("error", f"Unable to process file command '{name}' successfully.")
                    self.record.voice.annotate("error", str(error))
        if not written and not self._leaves_writers and files.is_list_untouched:
            self.session.give_back(files)

    def _read_file(self, files: CommandFileSet, name: str, size: int) -> None:
        record = self.record
        if name == "step_summary" and size > LONGEST_SUMMARY:
            record.voice.annotate("error", _SUMMARY_TOO_LONG.format(LONGEST_SUMMARY // 1024, size // 1024))
            return
        if size > LONGEST_FILE:
            raise CommandFileError(f"The file is {size:,} bytes long; the limit is {LONGEST_FILE:,}")
        text = decode(files.read(name))
        match name:
            case "env":
                self._export(text)
            case "output":
                for key, value in parse_pairs(text):
                    record.set_output(key, value)
            case "state":
                for key, value in parse_pairs(text):
                    record.save_state(key, value)
            case "path":
                for folder in parse_lines(text):
                    record.effects.add_path(folder)
            case "artifacts":
                self._declare_artifacts(text)
            case _:
                record.add_summary(text)

    def _declare_artifacts(self, text: str) -> None:
        # hashing is slow to load, and few steps declare anything
        from homeport.runner.artifact_subjects import declare_subjects, render_list  # noqa: PLC0415

        session = self.session
        if session.wall is None:
            subjects = declare_subjects(text, session.subjects, session.paths.workspace)
        else:
            from homeport.runner.walled.questions import declare_inside  # noqa: PLC0415 - sandboxes only

            subjects = declare_inside(session.wall, self.stop, session.paths, text, session.subjects)
        added = len(subjects) - len(session.subjects)
        session.subjects, session.artifacts_list = subjects, render_list(subjects)
        if added:
            total = len(subjects)
            self.record.voice.log.write(f"Captured {added} artifact subject(s) from this step (job total: {total}).")

    def _export(self, text: str) -> None:
        for key, value in parse_pairs(text):
            if key.upper() in BLOCKED_VARIABLES:
                self.record.voice.annotate(
                    "error", f"Can't store {key.upper()} output parameter using '$GITHUB_ENV' command."
                )
            else:
                self.record.effects.export(key, value)


def _explain(error: OSError, command: Command) -> str:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)) and error.filename == command.working_directory:
        return f"The working directory '{command.working_directory}' does not exist"
    reason = error.strerror or str(error)
    return f"'{command.arguments[0]}' could not be started in '{command.working_directory}': {reason}"


def _name_signal(number: int) -> str:
    import signal  # noqa: PLC0415 - its enumerations are slow to make, and signals seldom end a command

    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
