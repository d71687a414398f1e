"""What is fuzzed: each target takes bytes and may end in any way but an exception that is not its own, or a hang."""

from collections.abc import Callable

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.evaluator import evaluate
from homeport.language.expr.parser import parse_expression
from homeport.language.expr.values import Value
from homeport.language.parser.action import parse_action
from homeport.language.parser.workflow import parse_workflow
from homeport.language.yaml_reader import read_yaml
from homeport.runner.command_files import CommandFileError, parse_pairs
from homeport.runner.commands import parse_command

CONTEXTS: dict[str, Value] = {
    "github": {"ref": "refs/heads/main", "event": {"commits": [{"id": "1"}, {"id": "2"}]}},
    "matrix": {"n": 1.0},
}


COMMANDS = frozenset({"error", "group", "add-mask", "set-output", "stop-commands"})


def reader(data: bytes) -> None:
    """Any bytes as YAML."""
    read_yaml(data, "fuzz.yml")


def workflow(data: bytes) -> None:
    """Any bytes as a workflow and as an action."""
    parse_workflow(data, "fuzz.yml")
    parse_action(data, "action.yml")


def expression(data: bytes) -> None:
    """Any text as an expression, evaluated where it can be read."""
    try:
        evaluate(parse_expression(data.decode("utf-8", "replace")), CONTEXTS)
    except ExpressionError:
        return


def commands(data: bytes) -> None:
    """Any line as a workflow command, any text as a command file."""
    text = data.decode("utf-8", "replace")
    parse_command(text, COMMANDS)
    try:
        list(parse_pairs(text))
    except CommandFileError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": reader,
    "workflow": workflow,
    "expression": expression,
    "commands": commands,
}
