"""Checks the arguments of a function call against what the function can make sense of."""

from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.functions import from_json, split_format
from homeport.language.expr.syntax import Call, Literal
from homeport.language.expr.types import (
    ANY,
    BOOLEAN,
    SIGNATURES,
    ScalarType,
    Signature,
    Type,
    TypeMistake,
    accepts,
    describe_type,
    merge_all,
    render_type,
    type_of,
)

_MOST_PLACES = 256


def check_call(node: Call, types: list[Type]) -> tuple[Type, list[TypeMistake]]:
    """The type of what a call gives, and the mistakes in its arguments, whose types are given."""
    name = node.function.lower()
    if name == "case":
        return _check_case(node, types)
    signatures = SIGNATURES.get(name)
    if signatures is None:
        return ANY, []
    fitting = next((signature for signature in signatures if _find_misfit(signature, types) is None), None)
    if fitting is None:
        return signatures[0].result, [_explain_misfit(node, signatures, types)]
    if name == "format":
        return fitting.result, _check_format(node)
    if name == "fromjson":
        return _check_json(node)
    return fitting.result, []


def _check_case(node: Call, types: list[Type]) -> tuple[Type, list[TypeMistake]]:
    mistakes = []
    for place in range(0, len(types) - 1, 2):
        if types[place] not in (ANY, BOOLEAN):
            problem = f"argument {place + 1} of 'case' is {describe_type(types[place])}; boolean was expected"
            hint = "compare it with something, so that it is true or false"
            mistakes.append(TypeMistake(node.arguments[place].offset, problem, hint))
    return merge_all([*types[1::2], types[-1]]), mistakes


def _check_format(node: Call) -> list[TypeMistake]:
    template = _constant_text(node)
    if template is None:
        return []
    try:
        parts = split_format(template, _MOST_PLACES)
    except ExpressionError as error:
        return [TypeMistake(node.offset, error.message, "a brace that is meant as such is doubled: '{{'")]
    given = len(node.arguments) - 1
    used = {part[0] for part in parts if not isinstance(part, str)}
    mistakes = []
    if used and max(used) >= given:
        problem = f"the format string has the place {{{max(used)}}}, but only {given} arguments follow it"
        mistakes.append(TypeMistake(node.offset, problem, "places are counted from {0}"))
    for unused in sorted(set(range(given)) - used):
        problem = f"the format string has no place {{{unused}}}, so that argument {unused + 2} of 'format' is not used"
        mistakes.append(TypeMistake(node.offset, problem, "remove the argument, or use it"))
    return mistakes


def _check_json(node: Call) -> tuple[Type, list[TypeMistake]]:
    text = _constant_text(node)
    if text is None:
        return ANY, []
    try:
        return type_of(from_json(text)), []
    except ExpressionError as error:
        reason = error.message.partition(",")[2]
        return ANY, [TypeMistake(node.arguments[0].offset, f"the text is not JSON: {reason}")]


def _constant_text(node: Call) -> str | None:
    match node.arguments[0]:
        case Literal(value=str() as text):
            return text
        case _:
            return None


def _explain_misfit(node: Call, signatures: tuple[Signature, ...], types: list[Type]) -> TypeMistake:
    """Blames the argument that keeps the call from the signature that fits longest."""
    misfits = [
        (number, signature) for signature in signatures if (number := _find_misfit(signature, types)) is not None
    ]
    number = max(place for place, _ in misfits)
    parameters = [_parameter(signature, number) for place, signature in misfits if place == number]
    wanted = [render_type(parameter) for parameter in parameters if parameter is not None]
    if not wanted:
        return TypeMistake(node.offset, f"'{node.function}' takes {number} arguments, and {len(types)} are given")
    found = types[number]
    message = (
        f"argument {number + 1} of '{node.function}' is {describe_type(found)}; {' or '.join(wanted)} was expected"
    )
    hint = "toJSON gives its text" if not isinstance(found, ScalarType) and "string" in wanted else None
    return TypeMistake(node.arguments[number].offset, message, hint)


def _find_misfit(signature: Signature, types: list[Type]) -> int | None:
    """The first argument that does not fit, None where all do."""
    for number, known in enumerate(types):
        parameter = _parameter(signature, number)
        if parameter is None or not accepts(parameter, known):
            return number
    return None


def _parameter(signature: Signature, number: int) -> Type | None:
    return signature.parameters[number] if number < len(signature.parameters) else signature.rest
