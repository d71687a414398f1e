"""Reads an expression into its tree, checking names, arities and depth on the way.

Source: actions/runner `ExpressionParser` (operator precedence with two stacks, `&&` and `||` flattened) and `ParseException`
for the words.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache

from homeport.language.expr.errors import ErrorKind, ExpressionError
from homeport.language.expr.lexer import (
    CLOSE_CALL,
    CLOSE_GROUP,
    CLOSE_INDEX,
    COMMA,
    DOT,
    FUNCTION,
    ILLEGAL,
    LITERAL,
    MISPLACED,
    NAME,
    OPEN_CALL,
    OPEN_GROUP,
    OPEN_INDEX,
    OPERATOR,
    PROPERTY,
    WILDCARD,
    Token,
    read_tokens,
)
from homeport.language.expr.signatures import HASH_FILES, STATUS_FUNCTIONS, STEP_STATUS_FUNCTIONS, WELL_KNOWN
from homeport.language.expr.syntax import Call, Index, Literal, Name, Node, Operation, Wildcard
from homeport.language.expr.text import fold_case, utf16_length

__all__ = ["HASH_FILES", "STATUS_FUNCTIONS", "STEP_STATUS_FUNCTIONS", "parse_expression"]

MAX_LENGTH = 21_000
MAX_DEPTH = 50
_CACHED_LENGTH = 500

_PRECEDENCE = {"!": 16, ">": 11, ">=": 11, "<": 11, "<=": 11, "==": 10, "!=": 10, "&&": 6, "||": 5}
_OPEN = 0
"""The precedence of an open bracket on the stack: nothing is carried out across it."""
_DANGLING = frozenset({OPERATOR, DOT, OPEN_GROUP, OPEN_INDEX, OPEN_CALL, COMMA})
_WELL_KNOWN = {name.lower(): arity for name, arity in WELL_KNOWN.items()}


def parse_expression(
    source: str,
    *,
    names: Collection[str] | None = None,
    functions: Mapping[str, tuple[int, int]] | None = None,
) -> Node:
    """The tree of an expression (without `${{ }}`); that of an empty one is the constant null.

    `names` are the contexts that may be named (None: any); `functions` those that may be called besides the well-known ones, with
    the least and the greatest number of arguments. Both are compared ignoring case and checked in dead branches too, as GitHub
    does. Raises `ExpressionError` (lexing or parsing) at the first mistake. Trees of short sources are kept and shared.
    """
    known_names = None if names is None else frozenset(names)
    known_functions = tuple(functions.items()) if functions else ()
    if len(source) > _CACHED_LENGTH:
        return _parse(source, known_names, known_functions)
    return _parse_once(source, known_names, known_functions)


def _parse(source: str, names: frozenset[str] | None, functions: tuple[tuple[str, tuple[int, int]], ...]) -> Node:
    if utf16_length(source) > MAX_LENGTH:
        raise ExpressionError("parsing", f"Exceeded max expression length {MAX_LENGTH}", 0)
    return _Parser(source, names, functions).parse()


_parse_once = lru_cache(maxsize=1024)(_parse)


class _Parser:
    """The stacks of one reading. Each operand carries its depth: a leaf's is 1."""

    def __init__(
        self, source: str, names: frozenset[str] | None, functions: tuple[tuple[str, tuple[int, int]], ...]
    ) -> None:
        self._source = source
        self._names = None if names is None else {fold_case(name) for name in names}
        self._functions = {name.lower(): arity for name, arity in functions}
        self._operands: list[tuple[Node, int]] = []
        self._operators: list[tuple[int, str, int, int]] = []
        """(precedence, text, offset, how many operands were there before)"""

    def parse(self) -> Node:
        tokens, unclosed = read_tokens(self._source)
        last = ""
        for token in tokens:
            self._push(token, last)
            last = token[0]
        if not tokens:
            return Literal(None, 0)
        if last in _DANGLING or unclosed:
            raise self._error("parsing", "Unexpected end of expression", tokens[-1], offset=len(self._source))
        self._carry_out(_OPEN + 1)
        root, depth = self._operands[0]
        if depth > MAX_DEPTH:
            raise ExpressionError("parsing", f"Exceeded max expression depth {MAX_DEPTH}", 0)
        return root

    def _push(self, token: Token, last: str) -> None:
        kind, text, offset, value = token
        if kind == LITERAL:
            assert not isinstance(value, list | dict)
            self._operands.append((Literal(value, offset), 1))
        elif kind == NAME:
            self._push_name(token)
        elif kind == PROPERTY:
            self._push_index(Literal(text, offset), 1)
        elif kind == OPERATOR:
            self._push_operator(text, offset)
        elif kind == WILDCARD:
            if last == DOT:
                self._push_index(Wildcard(offset), 1)
            else:
                self._operands.append((Wildcard(offset), 1))
        elif kind == FUNCTION:
            self._find_arity(token)
            self._operators.append((_OPEN, text, offset, len(self._operands)))
        elif kind in {OPEN_GROUP, OPEN_INDEX}:
            self._operators.append((_OPEN, text, offset, len(self._operands)))
        elif kind in {CLOSE_GROUP, CLOSE_INDEX, CLOSE_CALL, COMMA}:
            self._carry_out(_OPEN + 1)
            self._close(kind)
        elif kind in {ILLEGAL, MISPLACED}:
            raise self._error("lexing" if kind == ILLEGAL else "parsing", "Unexpected symbol", token)

    def _push_name(self, token: Token) -> None:
        _, text, offset, _ = token
        if self._names is not None and fold_case(text) not in self._names:
            raise self._error("parsing", "Unrecognized named-value", token)
        self._operands.append((Name(text, offset), 1))

    def _push_index(self, key: Node, depth: int) -> None:
        receiver, receiver_depth = self._operands.pop()
        self._operands.append((Index(receiver, key, receiver.offset), max(receiver_depth, depth) + 1))

    def _push_operator(self, text: str, offset: int) -> None:
        precedence = _PRECEDENCE[text]
        if text != "!":  # which binds from the right
            self._carry_out(precedence)
        self._operators.append((precedence, text, offset, len(self._operands)))

    def _carry_out(self, precedence: int) -> None:
        """Apply the operators on the stack that bind at least as tightly."""
        while self._operators and self._operators[-1][0] >= precedence:
            _, operator, offset, _ = self._operators.pop()
            count = 1 if operator == "!" else 2
            taken = self._operands[-count:]
            del self._operands[-count:]
            parts: list[Node] = []
            depth = 0
            for operand, operand_depth in taken:
                if operator in {"&&", "||"} and isinstance(operand, Operation) and operand.operator == operator:
                    parts.extend(operand.operands)
                    depth = max(depth, operand_depth - 1)
                else:
                    parts.append(operand)
                    depth = max(depth, operand_depth)
            place = offset if operator == "!" else parts[0].offset
            self._operands.append((Operation(operator, tuple(parts), place), depth + 1))

    def _close(self, kind: str) -> None:
        if kind == COMMA:
            return
        _, name, offset, base = self._operators.pop()
        if kind == CLOSE_INDEX:
            self._push_index(*self._operands.pop())
        elif kind == CLOSE_CALL:
            arguments = self._operands[base:]
            del self._operands[base:]
            self._check_arity(name, offset, len(arguments))
            depth = max((depth for _, depth in arguments), default=0)
            self._operands.append((Call(name, tuple(node for node, _ in arguments), offset), depth + 1))

    def _find_arity(self, token: Token) -> tuple[int, int]:
        name = token[1].lower()
        arity = _WELL_KNOWN.get(name) or self._functions.get(name)
        if arity is None:
            raise self._error("parsing", "Unrecognized function", token)
        return arity

    def _check_arity(self, name: str, offset: int, count: int) -> None:
        token: Token = (FUNCTION, name, offset, None)
        least, most = self._find_arity(token)
        if count < least:
            raise self._error("parsing", "Too few parameters supplied", token)
        if count > most:
            raise self._error("parsing", "Too many parameters supplied", token)
        if name.lower() == "case" and count % 2 == 0:
            problem = "Even number of parameters supplied, requires an odd number of parameters"
            raise self._error("parsing", problem, token)

    def _error(self, kind: ErrorKind, problem: str, token: Token, offset: int | None = None) -> ExpressionError:
        _, text, place, _ = token
        message = f"{problem}: '{text}'. Located at position {place + 1} within expression: {self._source}"
        return ExpressionError(kind, message, place if offset is None else offset)
