"""Gives an expression its value, evaluating no more than GitHub does.

Source: actions/runner, the classes of `Expressions2/Sdk/Operators` and `Functions`, and `ExpressionNode.Evaluate` for the memory.
"""

from collections.abc import Callable, Mapping
from math import floor
from typing import TypeVar, assert_never

from homeport.language.expr import functions as library
from homeport.language.expr.coercion import is_truthy, kind_of, less_than, loosely_equal, to_number, to_string
from homeport.language.expr.errors import ExpressionError
from homeport.language.expr.memory import (
    LIMIT,
    OBJECT_SIZE,
    POINTER_SIZE,
    Counter,
    EvaluationMemory,
    MemoryExceeded,
    string_size,
)
from homeport.language.expr.syntax import Call, Index, Literal, Name, Node, Operation, Wildcard, render_expression
from homeport.language.expr.text import fold_case
from homeport.language.expr.values import CaseSensitiveObject, FilteredArray, Value, find_property

Function = Callable[[list[Value]], Value]
_INT32_MAXIMUM = 2_147_483_647
_SMALL_OBJECT = 32
"""How many properties are searched one by one."""
_Result = TypeVar("_Result")
_NO_FUNCTIONS: Mapping[str, Function] = {}


def evaluate(
    node: Node,
    contexts: Mapping[str, Value],
    functions: Mapping[str, Function] = _NO_FUNCTIONS,
    *,
    memory_limit: int = LIMIT,
) -> Value:
    """The value of an expression.

    `contexts` are the values of the names (a name that is missing is null), `functions` those called besides the well-known ones
    (`success`, `hashFiles` …); both are found ignoring case. The values are not changed and not copied. Raises `ExpressionError`
    of kind evaluation, at the call that is to blame: one of the `functions` may raise it too, and is given its place.
    """
    evaluation = _Evaluation(contexts, functions, memory_limit)
    try:
        return evaluation.evaluate(node, 0)
    except MemoryExceeded:
        raise _memory_error(node) from None


class _Evaluation:
    """One evaluation: what it may use, and the memory it holds. Every method counts the value it returns."""

    def __init__(self, contexts: Mapping[str, Value], functions: Mapping[str, Function], memory_limit: int) -> None:
        self._contexts = contexts
        self._functions = functions
        self._memory = EvaluationMemory(memory_limit)
        self._folded: dict[int, tuple[dict[str, Value], dict[str, Value]]] = {}
        """large objects by their ids (they are kept, so that no other gets the id), each with its properties by folded name"""

    def evaluate(self, node: Node, level: int) -> Value:
        match node:
            case Literal():
                return self._hold_made(node.value, level)
            case Index():
                return self._evaluate_index(node, level)
            case Name():
                return self._hold_found(self._find_context(node.name), level)
            case Operation():
                return self._hold_made(self._evaluate_operation(node, level), level)
            case Call():
                return self._evaluate_call(node, level)
            case Wildcard():
                return self._hold_made("*", level)
            case _:
                assert_never(node)

    # --- memory, as `ExpressionNode.Evaluate` counts it --------------------------------------------------------------

    def _hold_made(self, value: Value, level: int) -> Value:
        """Count a value that an operator or function made: scalars let go of what they were made from."""
        if isinstance(value, str):
            self._memory.add(level, string_size(value), release_deeper=True)
        else:
            self._memory.add(level, OBJECT_SIZE, release_deeper=not isinstance(value, list | dict))
        return value

    def _hold_found(self, value: Value, level: int) -> Value:
        """Count a value that was found in a context: the runner counts its wrapper too, and lets go of nothing but for null."""
        if isinstance(value, str):
            self._memory.add(level, OBJECT_SIZE + string_size(value), release_deeper=False)
        elif value is None:
            self._memory.add(level, OBJECT_SIZE, release_deeper=True)
        else:
            wrapped = 0 if isinstance(value, list | dict) else OBJECT_SIZE
            self._memory.add(level, OBJECT_SIZE + wrapped, release_deeper=False)
        return value

    def _hold_filtered(self, items: list[Value], level: int, overhead: int) -> Value:
        size = overhead + POINTER_SIZE * len(items)
        self._memory.add(level, size, release_deeper=False)
        return FilteredArray(items)

    # --- names and indexes -------------------------------------------------------------------------------------------

    def _find_context(self, name: str) -> Value:
        if name in self._contexts:
            return self._contexts[name]
        folded = fold_case(name)
        return next((value for known, value in self._contexts.items() if fold_case(known) == folded), None)

    def _find_property(self, owner: dict[str, Value], key: str) -> tuple[bool, Value]:
        if len(owner) <= _SMALL_OBJECT or key in owner or isinstance(owner, CaseSensitiveObject):
            return find_property(owner, key)
        if id(owner) not in self._folded:
            self._folded[id(owner)] = owner, {fold_case(name): value for name, value in reversed(owner.items())}
        _, folded = self._folded[id(owner)]
        name = fold_case(key)
        return name in folded, folded.get(name)

    def _evaluate_index(self, node: Index, level: int) -> Value:
        receiver = self.evaluate(node.receiver, level + 1)
        is_wildcard = isinstance(node.key, Wildcard)
        if not isinstance(receiver, list | dict):  # the key is not evaluated then
            return self._hold_made(FilteredArray() if is_wildcard else None, level)
        key = self.evaluate(node.key, level + 1)
        if isinstance(receiver, FilteredArray):
            items = self._index_items(receiver, key, is_wildcard=is_wildcard)
            return self._hold_filtered(items, level, 0)
        if is_wildcard:
            return self._hold_filtered(_values_of(receiver), level, OBJECT_SIZE)
        _, value = self._index_one(receiver, key)
        return self._hold_found(value, level)

    def _index_items(self, items: FilteredArray, key: Value, *, is_wildcard: bool) -> list[Value]:
        """The key applied to each array and object among the items; those without it are dropped."""
        found: list[Value] = []
        for item in items:
            if not isinstance(item, list | dict):
                continue
            if is_wildcard:
                found.extend(_values_of(item))
            else:
                has_key, value = self._index_one(item, key)
                if has_key:
                    found.append(value)
        return found

    def _index_one(self, owner: "list[Value] | dict[str, Value]", key: Value) -> tuple[bool, Value]:
        if isinstance(owner, dict):
            return (False, None) if isinstance(key, list | dict) else self._find_property(owner, to_string(key))
        number = to_number(key)
        if 0 <= number <= _INT32_MAXIMUM and floor(number) < len(owner):  # NaN is neither
            return True, owner[floor(number)]
        return False, None

    # --- operators ---------------------------------------------------------------------------------------------------

    def _evaluate_operation(self, node: Operation, level: int) -> Value:
        operator = node.operator
        if operator in {"&&", "||"}:
            return self._evaluate_logic(node, level)
        left = self.evaluate(node.operands[0], level + 1)
        if operator == "!":
            return not is_truthy(left)
        right = self.evaluate(node.operands[1], level + 1)
        match operator:
            case "==":
                return loosely_equal(left, right)
            case "!=":
                return not loosely_equal(left, right)
            case "<":
                return less_than(left, right)
            case ">":
                return less_than(right, left)
            case "<=":
                return loosely_equal(left, right) or less_than(left, right)
            case _:
                return loosely_equal(left, right) or less_than(right, left)

    def _evaluate_logic(self, node: Operation, level: int) -> Value:
        """The first operand that decides, else the last."""
        decides = node.operator == "||"
        value: Value = None
        for operand in node.operands:
            value = self.evaluate(operand, level + 1)
            if is_truthy(value) is decides:
                break
        return value

    # --- functions ---------------------------------------------------------------------------------------------------

    def _evaluate_call(self, node: Call, level: int) -> Value:
        name = node.function.lower()
        try:
            if name == "fromjson":
                text = to_string(self.evaluate(node.arguments[0], level + 1))
                return self._hold_found(_blame(node, library.from_json, text), level)
            return self._hold_made(self._call(name, node, level + 1), level)
        except MemoryExceeded:
            raise _memory_error(node) from None

    def _call(self, name: str, node: Call, level: int) -> Value:
        match name:
            case "contains":
                return self._contains(node, level)
            case "startswith":
                return self._compare_texts(node, level, library.starts_with)
            case "endswith":
                return self._compare_texts(node, level, library.ends_with)
            case "format":
                return self._format(node, level)
            case "join":
                return self._join(node, level)
            case "tojson":
                return library.to_json(self.evaluate(node.arguments[0], level), limit=self._memory.limit)
            case "case":
                return self._case(node, level)
        function = self._find_function(node)
        return _blame(node, function, [self.evaluate(argument, level) for argument in node.arguments])

    def _find_function(self, node: Call) -> Function:
        name = node.function.lower()
        for known, function in self._functions.items():
            if known.lower() == name:
                return function
        raise ExpressionError("evaluation", f"Unrecognized function: '{node.function}'", node.offset)

    def _contains(self, node: Call, level: int) -> Value:
        where = self.evaluate(node.arguments[0], level)
        if isinstance(where, dict) or where == []:  # what is looked for is not evaluated then
            return False
        wanted = self.evaluate(node.arguments[1], level)
        if isinstance(where, list):
            return library.contains_item(where, wanted)
        return not isinstance(wanted, list | dict) and library.contains_text(to_string(where), to_string(wanted))

    def _compare_texts(self, node: Call, level: int, compare: Callable[[str, str], bool]) -> Value:
        text = self.evaluate(node.arguments[0], level)
        if isinstance(text, list | dict):  # the other is not evaluated then
            return False
        part = self.evaluate(node.arguments[1], level)
        return not isinstance(part, list | dict) and compare(to_string(text), to_string(part))

    def _join(self, node: Call, level: int) -> Value:
        items = self.evaluate(node.arguments[0], level)
        if not isinstance(items, list):
            return "" if isinstance(items, dict) else to_string(items)
        separator = ","
        if len(items) > 1 and len(node.arguments) > 1:
            given = self.evaluate(node.arguments[1], level)
            separator = separator if isinstance(given, list | dict) else to_string(given)
        return library.join_items(items, separator, Counter(self._memory.limit))

    def _format(self, node: Call, level: int) -> Value:
        template = to_string(self.evaluate(node.arguments[0], level))
        parts = _blame(node, library.split_format, template, len(node.arguments) - 1)
        counter = Counter(self._memory.limit)
        for part in parts:
            if isinstance(part, str):
                counter.add_string(part)
        values: dict[int, Value] = {}
        texts: list[str] = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            number, specifiers = part
            if number not in values:
                values[number] = self.evaluate(node.arguments[number + 1], level)
            if specifiers:
                kind = kind_of(values[number])
                problem = f"The format specifiers '{specifiers}' are not valid for objects of type '{kind}'"
                raise ExpressionError("evaluation", problem, node.offset)
            texts.append(to_string(values[number]))
            if texts[-1]:
                counter.add_string(texts[-1])
        return "".join(texts)

    def _case(self, node: Call, level: int) -> Value:
        for place in range(0, len(node.arguments) - 1, 2):
            predicate = self.evaluate(node.arguments[place], level)
            if not isinstance(predicate, bool):
                problem = "case predicate must evaluate to a boolean value"
                raise ExpressionError("evaluation", problem, node.arguments[place].offset)
            if predicate:
                return self.evaluate(node.arguments[place + 1], level)
        return self.evaluate(node.arguments[-1], level)


def _values_of(container: "list[Value] | dict[str, Value]") -> list[Value]:
    return list(container.values() if isinstance(container, dict) else container)


def _blame(node: Call, function: Callable[..., _Result], *arguments: object) -> _Result:
    """What a function gives; where it fails, the call is the place."""
    try:
        return function(*arguments)
    except ExpressionError as error:
        raise ExpressionError(error.kind, error.message, node.offset) from None


def _memory_error(node: Node) -> ExpressionError:
    problem = "The maximum allowed memory size was exceeded while evaluating the following expression"
    return ExpressionError("evaluation", f"{problem}: {render_expression(node)}", node.offset)
