"""Finds mistakes of kinds in an expression before it runs: properties that cannot exist, arguments that make no sense.

GitHub accepts these expressions, and gives null or false; actionlint's `expression` rule is the model of what to report, and of
the place: undefined properties are reported where the whole chain (`steps.build.outputs`) starts.
"""

from collections.abc import Mapping
from typing import Protocol, assert_never

from homeport.language.expr.calls import check_call
from homeport.language.expr.coercion import parse_number
from homeport.language.expr.syntax import (
    STATUS_NAMES,
    Call,
    Index,
    Literal,
    Name,
    Node,
    Operation,
    Wildcard,
    render_expression,
)
from homeport.language.expr.types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    ArrayType,
    ObjectType,
    ScalarType,
    Type,
    TypeMistake,
    describe_type,
    merge_all,
    noun_of,
    render_type,
    type_of,
)
from homeport.language.names import Suggester, list_names

__all__ = ["Allowed", "TypeMistake", "check", "examine"]


class Allowed(Protocol):
    """What may be named at a key (`language.availability.Availability`)."""

    @property
    def contexts(self) -> frozenset[str]:
        """The contexts, in lower case."""
        ...

    @property
    def functions(self) -> frozenset[str]:
        """The special functions, as GitHub writes them."""
        ...


def check(node: Node, scope: Mapping[str, Type], allowed: Allowed | None = None) -> list[TypeMistake]:
    """Every mistake of an expression, in the order of the source.

    `scope` has the type of each context by its lower-case name (`types.CONTEXTS`, with what the workflow tells about `steps`,
    `needs`, `matrix` …); `allowed` is what the key permits, where that has not been checked by the parser.
    """
    return examine(node, scope, allowed)[1]


def examine(
    node: Node, scope: Mapping[str, Type], allowed: Allowed | None = None, suggester: Suggester | None = None
) -> "tuple[Type, list[TypeMistake]]":
    """The type of an expression, and every mistake in it; see `check`. Expressions of one file share a `suggester`."""
    checker = _Checker(scope, allowed, suggester or Suggester())
    found = checker.infer(node)
    return found, sorted(checker.mistakes, key=lambda mistake: mistake.offset)


class _Checker:
    """One examination. A part with a mistake has any type, so that nothing is reported twice."""

    def __init__(self, scope: Mapping[str, Type], allowed: Allowed | None, suggester: Suggester) -> None:
        self._suggester = suggester
        self._scope = scope
        self._allowed = allowed
        self.mistakes: list[TypeMistake] = []

    def _report(self, offset: int, message: str, hint: str | None = None) -> Type:
        self.mistakes.append(TypeMistake(offset, message, hint))
        return ANY

    def infer(self, node: Node) -> Type:
        match node:
            case Literal():
                return type_of(node.value)
            case Name():
                return self._infer_name(node)
            case Wildcard():
                return STRING
            case Index():
                return self._infer_index(node)
            case Call():
                return self._infer_call(node)
            case Operation():
                return self._infer_operation(node)
            case _:
                assert_never(node)

    def _infer_name(self, node: Name) -> Type:
        name = node.name.lower()
        known = self._scope if self._allowed is None else self._allowed.contexts
        if name in known:
            return self._scope.get(name, ANY)
        what = "is not allowed here" if name in self._scope else "is not defined"
        available = list_names(known)
        return self._report(
            node.offset, f"context '{node.name}' {what}; available: {available}", self._suggester.suggest(name, known)
        )

    # --- properties and indexes --------------------------------------------------------------------------------------

    def _infer_index(self, node: Index) -> Type:
        receiver = self.infer(node.receiver)
        match node.key:
            case Wildcard():
                return self._filter(node, receiver)
            case Literal(value=str() as name):
                return self._infer_property(node, receiver, name)
            case key:
                return self._infer_element(node, receiver, self.infer(key))

    def _infer_property(self, node: Index, receiver: Type, name: str) -> Type:
        match receiver:
            case ObjectType():
                found = receiver.find(name)
                return self._undefined(node, receiver, name) if found is None else found
            case ArrayType(filtered=True):
                return self._infer_filtered_property(node, receiver, name)
            case ArrayType():
                return self._infer_array_property(node, receiver, name)
            case ScalarType(kind="any"):
                return ANY
            case ScalarType():
                text = render_expression(node.receiver)
                problem = f"'{text}' is {describe_type(receiver)}, and has no property '{name}'; an object was expected"
                return self._report(node.offset, problem)
            case _:
                assert_never(receiver)

    def _infer_array_property(self, node: Index, receiver: ArrayType, name: str) -> Type:
        if parse_number(name) >= 0:  # `array['0']` is the first item: the text is converted
            return receiver.element
        text = render_expression(node.receiver)
        problem = f"'{text}' is an array, and has no property '{name}'; an object was expected"
        return self._report(node.offset, problem, f"'{text}.*.{name}' is that property of every item")

    def _infer_filtered_property(self, node: Index, receiver: ArrayType, name: str) -> Type:
        match receiver.element:
            case ObjectType() as element:
                found = element.find(name)
                return self._undefined(node, element, name) if found is None else ArrayType(found, filtered=True)
            case ScalarType(kind="any"):
                return ArrayType(ANY, filtered=True)
            case ArrayType() as element if parse_number(name) >= 0:
                return ArrayType(element.element, filtered=True)
            case element:
                problem = f"every item of '{render_expression(node.receiver)}' is {describe_type(element)}, and has no property"
                return self._report(node.offset, f"{problem} '{name}'; objects were expected")

    def _undefined(self, node: Index, owner: ObjectType, name: str) -> Type:
        text = render_expression(node.receiver)
        if not owner.properties:
            return self._report(node.offset, f"property '{name}' is not defined: '{text}' has no properties here")
        problem = f"property '{name}' is not defined in '{text}', which is {render_type(owner)}"
        return self._report(node.offset, problem, self._suggester.suggest(name, owner.properties))

    def _infer_element(self, node: Index, receiver: Type, key: Type) -> Type:
        """`receiver[key]`, where the key is no constant text."""
        text = render_expression(node.receiver)
        match receiver:
            case ObjectType():
                if key not in (ANY, STRING):
                    problem = (
                        f"'{text}' is an object, whose properties are named by strings; found {describe_type(key)}"
                    )
                    return self._report(node.key.offset, problem)
                return ANY if receiver.rest is None else merge_all([*receiver.properties.values(), receiver.rest])
            case ArrayType():
                if key not in (ANY, NUMBER):
                    problem = f"'{text}' is an array, whose items are named by numbers; found {describe_type(key)}"
                    return self._report(node.key.offset, problem)
                return ANY if receiver.filtered else receiver.element
            case ScalarType(kind="any"):
                return ANY
            case ScalarType():
                problem = f"'{text}' is {describe_type(receiver)}, and has no items; an object or an array was expected"
                return self._report(node.offset, problem)
            case _:
                assert_never(receiver)

    def _filter(self, node: Index, receiver: Type) -> Type:
        """`receiver.*`: the values of an object, or the items of an array; of each of them, after another `.*`."""
        match receiver:
            case ArrayType(filtered=True):
                element = receiver.element
                if isinstance(element, ScalarType) and element != ANY:
                    text = render_expression(node.receiver)
                    return self._report(
                        node.offset, f"every item of '{text}' is {describe_type(element)}, so '.*' finds nothing"
                    )
                return ArrayType(_values_of(element), filtered=True)
            case ScalarType(kind="null" | "boolean" | "number" | "string"):
                text = render_expression(node.receiver)
                problem = (
                    f"'{text}' is {describe_type(receiver)}, so '.*' finds nothing; an array or an object was expected"
                )
                return self._report(node.offset, problem)
            case _:
                return ArrayType(_values_of(receiver), filtered=True)

    # --- operators ---------------------------------------------------------------------------------------------------

    def _infer_operation(self, node: Operation) -> Type:
        if node.operator == "&&":
            return self._infer_and(node)[0]
        if node.operator == "||":
            return self._infer_or(node)
        types = [self.infer(operand) for operand in node.operands]
        if node.operator in {"==", "!="}:
            self._check_equality(node, types[0], types[1])
        elif node.operator != "!":
            self._check_order(node, types[0], types[1])
        return BOOLEAN

    def _infer_and(self, node: Operation) -> tuple[Type, Type]:
        """The type of `a && b`, and the one that it has where it is truthy: that of `b`."""
        types = [self.infer(operand) for operand in node.operands]
        falsy: list[Type] = [known for known in types[:-1] if isinstance(known, ScalarType)]  # the others never are
        return _either([*falsy, types[-1]]), types[-1]

    def _infer_or(self, node: Operation) -> Type:
        """The type of `a || b`: that of `a` where it is truthy, or that of `b`; so `condition && 'x' || 'y'` is a string."""
        types: list[Type] = []
        for operand in node.operands:
            is_last = operand is node.operands[-1]
            if isinstance(operand, Operation) and operand.operator == "&&":
                types.append(self._infer_and(operand)[0 if is_last else 1])
            else:
                types.append(self.infer(operand))
        return _either(types)

    def _check_equality(self, node: Operation, left: Type, right: Type) -> None:
        if ANY in (left, right) or NULL in (left, right) or noun_of(left) == noun_of(right):
            return
        if isinstance(left, ScalarType) and isinstance(right, ScalarType):
            return
        result = "false" if node.operator == "==" else "true"
        problem = f"comparing {describe_type(left)} with {describe_type(right)} by '{node.operator}' is always {result}"
        self._report(node.offset, problem, _comparison_hint(left, right))

    def _check_order(self, node: Operation, left: Type, right: Type) -> None:
        odd = next((known for known in (left, right) if noun_of(known) in {"boolean", "array", "object"}), None)
        if odd is not None:
            problem = f"comparing {describe_type(left)} with {describe_type(right)} by '{node.operator}' makes no sense"
            self._report(node.offset, f"{problem}; numbers or strings were expected")

    # --- functions ---------------------------------------------------------------------------------------------------

    def _infer_call(self, node: Call) -> Type:
        types = [self.infer(argument) for argument in node.arguments]
        self._check_allowed(node)
        result, mistakes = check_call(node, types)
        self.mistakes += mistakes
        return result

    def _check_allowed(self, node: Call) -> None:
        name = node.function.lower()
        if self._allowed is None or name in {known.lower() for known in self._allowed.functions}:
            return
        if name in STATUS_NAMES:
            hint = "status functions are called in the 'if' of a job or a step"
        elif name == "hashfiles":
            hint = "it is called in the keys of a step, which the runner evaluates"
        else:
            return
        self._report(node.offset, f"function '{node.function}' is not allowed here", hint)


def _either(types: list[Type]) -> Type:
    """What is known of a value that is one of several: of a text or a number, nothing."""
    if all(isinstance(known, ScalarType) for known in types) and len(set(types)) > 1:
        return ANY
    return merge_all(types)


def _values_of(container: Type) -> Type:
    match container:
        case ArrayType():
            return container.element
        case ObjectType():
            others = () if container.rest is None else (container.rest,)
            return merge_all([*container.properties.values(), *others])
        case _:
            return ANY


def _comparison_hint(left: Type, right: Type) -> str | None:
    nouns = {noun_of(left), noun_of(right)}
    if "array" in nouns and not nouns & {"object"}:
        return "contains(array, item) finds an item in an array"
    return "compare one of its properties" if "object" in nouns else None
