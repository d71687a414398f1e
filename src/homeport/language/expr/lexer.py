"""Splits an expression into tokens, and refuses what may not stand where it does.

Source: actions/runner `LexicalAnalyzer`. Reading stops at the first unexpected token, which the parser reports when it gets
there: a name that is unknown further left is the earlier mistake.
"""

import re
from math import isnan

from homeport.language.expr.coercion import parse_number
from homeport.language.expr.text import WHITESPACE
from homeport.language.expr.values import Value
from homeport.language.late_pattern import late_pattern

START = "start"
LITERAL = "literal"
PROPERTY = "property"
NAME = "name"
FUNCTION = "function"
WILDCARD = "wildcard"
OPERATOR = "operator"
DOT = "."
COMMA = ","
OPEN_GROUP = "( of a group"
OPEN_INDEX = "["
OPEN_CALL = "( of a call"
CLOSE_GROUP = ") of a group"
CLOSE_INDEX = "]"
CLOSE_CALL = ") of a call"
ILLEGAL = "not a token"
MISPLACED = "a token that may not stand here"

Token = tuple[str, str, int, Value]
"""(what it is, its text, its offset, the value of a literal)"""

_BEFORE_OPERAND = frozenset({START, COMMA, OPEN_GROUP, OPEN_INDEX, OPEN_CALL, OPERATOR})
_INDEXABLE = frozenset({CLOSE_GROUP, CLOSE_INDEX, CLOSE_CALL, WILDCARD, PROPERTY, NAME})
_OPERAND_END = _INDEXABLE | {LITERAL}
_MAY_FOLLOW = {
    LITERAL: _BEFORE_OPERAND,
    NAME: _BEFORE_OPERAND,
    FUNCTION: _BEFORE_OPERAND,
    OPEN_GROUP: _BEFORE_OPERAND,
    OPEN_CALL: frozenset({FUNCTION}),
    OPEN_INDEX: _INDEXABLE,
    DOT: _INDEXABLE,
    PROPERTY: frozenset({DOT}),
    WILDCARD: frozenset({DOT, OPEN_INDEX}),
    OPERATOR: _OPERAND_END,
    COMMA: _OPERAND_END,
    CLOSE_GROUP: _OPERAND_END,
    CLOSE_INDEX: _OPERAND_END,
    CLOSE_CALL: _OPERAND_END | {OPEN_CALL},
}
_OPENER = {CLOSE_GROUP: OPEN_GROUP, CLOSE_INDEX: OPEN_INDEX, CLOSE_CALL: OPEN_CALL, COMMA: OPEN_CALL}

_BOUNDARIES = frozenset("()[],.!<>=&|" + WHITESPACE)
_TOKEN = late_pattern(
    r"[^\S\x1c-\x1f]*+(?:"
    r"([A-Za-z_][A-Za-z0-9_-]*+)(?=[()\[\],.!<>=&|]|[^\S\x1c-\x1f]|\Z)(?:(?=[^\S\x1c-\x1f]*+(\()))?"
    r"|'([^']*+(?:''[^']*+)*+)'"
    r"|(&&|\|\||[=!<>]=|[!<>])"
    r"|([()\[\],*.])"
    r"|(.))",
    re.DOTALL,
)
"""After white space: 1 a word, 2 if it stands before a parenthesis; 3 a string; 4 an operator; 5 a mark; 6 the start of a number or
of what cannot be read. White space is .NET's: Python's without four control characters (a class of its own compiles slowly)."""
_FUNCTION, _STRING, _OPERATOR, _MARK = 2, 3, 4, 5
_CONSTANTS: dict[str, Value] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}


def read_tokens(source: str) -> tuple[list[Token], bool]:
    """The tokens of an expression, the last of them ILLEGAL or MISPLACED if one is; and whether a bracket stays open."""
    tokens: list[Token] = []
    unclosed: list[str] = []
    last = START
    position = 0
    while match := _TOKEN.match(source, position):
        token = _classify(source, match, last, unclosed)
        kind = token[0]
        if not _may_stand(token, last, unclosed):
            token = (ILLEGAL if kind == ILLEGAL else MISPLACED, *token[1:])
            tokens.append(token)
            break
        tokens.append(token)
        last = kind
        position = token[2] + len(token[1])
    return tokens, bool(unclosed)


def _classify(source: str, match: "re.Match[str]", last: str, unclosed: list[str]) -> Token:
    group = match.lastindex or 0
    if group <= _FUNCTION:
        text, offset = match[1], match.start(1)
        if last == DOT:
            return PROPERTY, text, offset, text
        if text in _CONSTANTS:
            return LITERAL, text, offset, _CONSTANTS[text]
        return FUNCTION if group == _FUNCTION else NAME, text, offset, None
    text, offset = match[group], match.start(group)
    if group == _STRING:
        return LITERAL, f"'{text}'", offset - 1, text.replace("''", "'")
    if group == _OPERATOR:
        return OPERATOR, text, offset, None
    if group == _MARK:
        return _classify_mark(source, text, offset, last, unclosed)
    if text in "+-0123456789":
        return _read_number(source, offset)
    return ILLEGAL, _read_illegal(source, offset), offset, None


def _classify_mark(source: str, text: str, offset: int, last: str, unclosed: list[str]) -> Token:
    kind = text
    if text == "(":
        kind = OPEN_CALL if last == FUNCTION else OPEN_GROUP
    elif text == ")":
        kind = CLOSE_CALL if unclosed and unclosed[-1] == OPEN_CALL else CLOSE_GROUP
    elif text == "*":
        kind = WILDCARD
    elif text == "." and last in _BEFORE_OPERAND:
        return _read_number(source, offset)
    return kind, text, offset, None


def _read_number(source: str, offset: int) -> Token:
    end = offset + 1
    while end < len(source) and (source[end] not in _BOUNDARIES or source[end] == "."):
        end += 1
    text = source[offset:end]
    number = parse_number(text)
    return (ILLEGAL, text, offset, None) if isnan(number) else (LITERAL, text, offset, number)


def _read_illegal(source: str, offset: int) -> str:
    if source[offset] == "'":  # a string that is not closed
        return source[offset:]
    end = offset + 1
    while end < len(source) and source[end] not in _BOUNDARIES:
        end += 1
    return source[offset:end]


def _may_stand(token: Token, last: str, unclosed: list[str]) -> bool:
    kind, text = token[0], token[1]
    if kind == ILLEGAL:
        return False
    allowed = _BEFORE_OPERAND if text == "!" and kind == OPERATOR else _MAY_FOLLOW[kind]
    if last not in allowed:
        return False
    opener = _OPENER.get(kind)
    if opener is not None:
        if not unclosed or unclosed[-1] != opener:
            return False
        if kind != COMMA:
            unclosed.pop()
    elif kind in {OPEN_GROUP, OPEN_INDEX, OPEN_CALL}:
        unclosed.append(kind)
    return True
