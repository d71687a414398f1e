"""What is wrong with an expression: it cannot be read, or it cannot be evaluated."""

from typing import Literal

ErrorKind = Literal["lexing", "parsing", "evaluation"]


class ExpressionError(Exception):
    """An expression that GitHub would refuse, in GitHub's words.

    `kind` says when: at the characters (lexing), at their order or names (parsing), or with the values (evaluation). `offset`
    is the 0-based place in the source that is to blame; the length of the source where more was expected.
    """

    def __init__(self, kind: ErrorKind, message: str, offset: int) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.offset = offset
