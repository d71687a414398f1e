"""Where something stands in a file."""

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A stretch of a file; lines and columns are 1-based and count Unicode code points; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def starts_before(self, other: "Span") -> bool:
        """Whether this span begins earlier in the file than the other."""
        return (self.line, self.column) < (other.line, other.column)


def point(file: str, line: int = 1, column: int = 1) -> Span:
    """An empty span at one place: what to blame when no stretch of text is at fault."""
    return Span(file, line, column, line, column)
