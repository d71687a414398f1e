"""Version specifiers of Python packages: `>=0.5,<0.6`, `~=0.5.1`, `==0.5.*`, `!=0.5.2`.

Source: the version specifiers specification (PEP 440), for final versions of up to three numbers and their prereleases.
"""

import re
from collections.abc import Callable

from homeport.runner.actions.native.semver import Version, parse_version

_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+){0,2}(?:(?:a|b|rc)\d+)?)(\.\*)?")

Admits = Callable[[Version], bool]


def parse_specifiers(text: str) -> Admits | None:
    """What a list of clauses admits; None where it is no such list. A prerelease is admitted only where a clause names one."""
    checks: list[Admits] = []
    named = False
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None or (match[3] and match[1] not in {"==", "!="}):
            return None
        check = _parse_clause(match[1], match[2], wild=bool(match[3]))
        if check is None:
            return None
        checks.append(check)
        named = named or not match[2].replace(".", "").isdigit()
    return lambda version: (named or not version.stage) and all(check(version) for check in checks)


def _parse_clause(operator: str, text: str, *, wild: bool) -> Admits | None:
    numbers = re.match(r"[\d.]+", text)
    known = 0 if numbers is None else numbers[0].count(".") + 1
    version = parse_version(_complete(text, known))
    if version is None or (operator == "~=" and known < 2):
        return None
    if wild:
        start = version.triple[:known]
        return lambda other: (other.triple[:known] == start) is (operator == "==")
    match operator:
        case "~=":
            start = version.triple[: known - 1]
            return lambda other: other.order >= version.order and other.triple[: known - 1] == start
        case ">=":
            return lambda other: other.order >= version.order
        case "<=":
            return lambda other: other.order <= version.order
        case "<":
            return lambda other: other.order < version.order and (bool(version.stage) or other.triple != version.triple)
        case ">":
            return lambda other: other.order > version.order
        case "!=":
            return lambda other: other.order != version.order
        case _:
            return lambda other: other.order == version.order


def _complete(text: str, known: int) -> str:
    """`0.5` as `0.5.0`, `0.5rc1` as `0.5.0rc1`."""
    return re.sub(r"^[\d.]+", lambda numbers: numbers[0] + ".0" * (3 - known), text)
