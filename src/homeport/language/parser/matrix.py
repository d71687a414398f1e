"""What GitHub checks of a matrix before any expression is known.

Source: actions/runner `WorkflowTemplateConverter.ConvertToStrategy` and `MatrixBuilder`.
"""

from math import prod

from homeport.language.names import list_names, quote
from homeport.language.nodes import Strategy
from homeport.language.parser.findings import Findings
from homeport.language.parser.settings import has_expression
from homeport.language.parser.values import fields, literal_entries
from homeport.language.tokens import ExpressionToken, MappingToken, SequenceToken, Token

_CODE = "matrix"
_FILTERS = frozenset({"include", "exclude"})
_MOST_LEGS = 256


def check_matrix(strategy: Strategy | None, findings: Findings) -> None:
    """Report vectors without values, a matrix without vectors, and filters that cannot match."""
    matrix = None if strategy is None else strategy.matrix
    if not isinstance(matrix, MappingToken):
        return
    vectors = [(key, value) for key, value in literal_entries(matrix) if key.value not in _FILTERS]
    for key, vector in vectors:
        if isinstance(vector, SequenceToken) and not vector.items:
            findings.refuse(_CODE, vector.span, f"the matrix vector {quote(key.value)} has no values")
    settings = fields(matrix)
    include, exclude = settings.get("include"), settings.get("exclude")
    is_dynamic = len(literal_entries(matrix)) < len(matrix.entries)
    if not vectors and not is_dynamic and not _may_hold(include):
        findings.refuse(_CODE, matrix.span, "the matrix has no values: expected at least one vector, or 'include'")
    _check_combinations(include, "include", findings)
    _check_combinations(exclude, "exclude", findings)
    if not has_expression(matrix):
        _check_excluded_keys(exclude, {key.value for key, _ in vectors}, findings)
        if exclude is None:
            _check_size(matrix, [vector for _, vector in vectors], findings)


def _check_size(matrix: MappingToken, vectors: list[Token], findings: Findings) -> None:
    legs = prod(len(vector.items) for vector in vectors if isinstance(vector, SequenceToken)) if vectors else 0
    if legs > _MOST_LEGS:
        message = f"the matrix makes {legs:,} jobs; at most {_MOST_LEGS} are allowed"
        findings.refuse(_CODE, matrix.span, message, hint="split the job, or leave combinations out with 'exclude'")


def _may_hold(include: Token | None) -> bool:
    return isinstance(include, ExpressionToken) or (isinstance(include, SequenceToken) and bool(include.items))


def _check_combinations(token: Token | None, name: str, findings: Findings) -> None:
    for item in token.items if isinstance(token, SequenceToken) else ():
        if isinstance(item, MappingToken) and not item.entries:
            findings.refuse(_CODE, item.span, f"an entry of {name!r} is empty; expected at least one key")


def _check_excluded_keys(exclude: Token | None, vectors: set[str], findings: Findings) -> None:
    known = {name.lower() for name in vectors}
    for item in exclude.items if isinstance(exclude, SequenceToken) else ():
        for key, _ in literal_entries(item):
            if key.value.lower() not in known:
                message = f"'exclude' names {quote(key.value)}, which is no vector of this matrix; expected one of {list_names(vectors)}"
                findings.refuse(_CODE, key.span, message, hint=findings.suggester.suggest(key.value, vectors))
