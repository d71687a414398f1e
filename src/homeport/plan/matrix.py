"""Turns an evaluated `strategy.matrix` into its combinations, in GitHub's order and with GitHub's names.

Source: actions/runner `MatrixBuilder` (cross product, `exclude`, `include`, filters by loose equality of leaves) and `JobNameBuilder`
(scalar leaves joined, at most 100 characters); docs "Running variations of jobs in a workflow". Values that `include` adds to a
combination belong to its name, as the checks of GitHub's own "CMake on multiple platforms" starter workflow show them
(`build (windows-latest, Release, cl, cl)`).
"""

from collections.abc import Iterator, Mapping, Sequence

from homeport.language.expr.coercion import loosely_equal, to_string
from homeport.language.expr.text import fold_case
from homeport.language.expr.values import Value, find_property

MAX_LEGS = 256
MAX_NAME_LENGTH = 100
_MAX_PRODUCT = 100_000
"""An honest matrix is never this large, however much it excludes."""

Combination = dict[str, Value]


class MatrixError(Exception):
    """A matrix that GitHub refuses, in words."""


def build_combinations(matrix: Value) -> list[Combination]:
    """The combinations of an evaluated matrix: the first key varies slowest, those that only `include` makes come last.

    Empty where everything is excluded (the job then runs once, without a matrix, as on GitHub). Raises `MatrixError`.
    """
    if not isinstance(matrix, dict):
        raise MatrixError(f"The matrix is {_describe(matrix)}: a mapping is needed")
    matrix = _fold_keys(matrix)
    vectors = {key: _read_vector(key, value) for key, value in matrix.items() if key not in {"include", "exclude"}}
    include = _read_filters("include", matrix.get("include"))
    exclude = _read_filters("exclude", matrix.get("exclude"))
    if not vectors and not include:
        raise MatrixError("The matrix must define at least one vector")
    _check_exclude(exclude, vectors)
    combinations = [item for item in _cross(vectors) if not any(_matches(entry, item) for entry in exclude)]
    combinations = _include(combinations, vectors, include)
    if len(combinations) > MAX_LEGS:
        raise MatrixError(f"The matrix makes {len(combinations)} jobs, and at most {MAX_LEGS} are allowed")
    return combinations


def leaf_texts(combination: Mapping[str, Value]) -> list[str]:
    """The values that name a combination: its scalars, those inside objects and arrays too; null and empty ones are left out."""
    return [text for text in map(to_string, _leaves(list(combination.values()))) if text]


def name_leg(name: str, values: Sequence[str]) -> str:
    """`name (v1, v2)`, cut to 100 characters as GitHub does."""
    full = f"{name} ({', '.join(values)})" if values else name
    return full if len(full) <= MAX_NAME_LENGTH else full[: MAX_NAME_LENGTH - 3] + "..."


def _read_vector(key: str, value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise MatrixError(f"The matrix vector '{key}' is {_describe(value)}: a list is needed")
    if not value:
        raise MatrixError(f"The matrix vector '{key}' does not contain any values")
    return value


def _read_filters(key: str, value: Value) -> list[Combination]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MatrixError(f"The matrix's '{key}' is {_describe(value)}: a list is needed")
    for item in value:
        if not isinstance(item, dict):
            raise MatrixError(f"An item of the matrix's '{key}' is {_describe(item)}: a mapping is needed")
        if not item:
            raise MatrixError(f"An item of the matrix's '{key}' does not contain any values")
    return [_fold_keys(item) for item in value if isinstance(item, dict)]


def _fold_keys(written: Mapping[str, Value]) -> Combination:
    """Keys ignore case: of those that differ by case alone (an expression may give some) the last value counts."""
    folded: Combination = {}
    _overlay(folded, written)
    return folded


def _check_exclude(exclude: Sequence[Combination], vectors: Mapping[str, list[Value]]) -> None:
    known = {fold_case(key) for key in vectors}
    for entry in exclude:
        for key in entry:
            if fold_case(key) not in known:
                raise MatrixError(f"The matrix exclude key '{key}' does not match any key within the matrix")


def _cross(vectors: Mapping[str, list[Value]]) -> list[Combination]:
    if not vectors:
        return []
    size = 1
    for values in vectors.values():
        size *= len(values)
    if size > _MAX_PRODUCT:
        raise MatrixError(f"The matrix makes {size} combinations, and at most {MAX_LEGS} are allowed")
    combinations: list[Combination] = [{}]
    for key, values in vectors.items():
        combinations = [{**item, key: value} for item in combinations for value in values]
    return combinations


def _include(
    combinations: list[Combination], vectors: Mapping[str, list[Value]], include: Sequence[Combination]
) -> list[Combination]:
    """Each entry goes into every combination that its vector keys match, else becomes a combination of its own."""
    known = {fold_case(key) for key in vectors}
    extras: list[Combination] = [{} for _ in combinations]
    alone: list[Combination] = []
    for entry in include:
        wanted = {key: value for key, value in entry.items() if fold_case(key) in known}
        extra = {key: value for key, value in entry.items() if fold_case(key) not in known}
        matched = [index for index, item in enumerate(combinations) if _matches(wanted, item)]
        for index in matched:
            _overlay(extras[index], extra)
        if not matched:
            alone.append({**wanted, **extra})
    return [{**item, **extra} for item, extra in zip(combinations, extras, strict=True)] + alone


def _overlay(target: Combination, extra: Mapping[str, Value]) -> None:
    for key, value in extra.items():
        same = next((known for known in target if fold_case(known) == fold_case(key)), key)
        target[same] = value


def _matches(wanted: Value, found: Value) -> bool:
    """Whether every leaf of a filter equals, loosely, what stands at the same place of a combination."""
    if isinstance(wanted, dict):
        return all(_matches(value, _at_key(found, key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return all(_matches(value, _at_index(found, index)) for index, value in enumerate(wanted))
    return loosely_equal(found, wanted)


def _at_key(owner: Value, key: str) -> Value:
    return find_property(owner, key)[1] if isinstance(owner, dict) else None


def _at_index(owner: Value, index: int) -> Value:
    return owner[index] if isinstance(owner, list) and index < len(owner) else None


def _leaves(values: Sequence[Value]) -> Iterator[Value]:
    for value in values:
        if isinstance(value, dict):
            yield from _leaves(list(value.values()))
        elif isinstance(value, list):
            yield from _leaves(value)
        else:
            yield value


def _describe(value: Value) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return f"'{to_string(value)}'"
