"""The words in which a grammar is written: what may stand at one place of a file."""

import msgspec

from homeport.language.yaml_nodes import ScalarKind


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand at one place: any of the listed scalar kinds, a list, a mapping, an expression.

    A scalar of another kind becomes text where text is allowed. `at` is the key of `availability.AVAILABILITY` that says what an
    expression may use here; where it is empty, that of the place above holds, and where none above has one, no expression is allowed.
    """

    title: str
    """what messages call it, with its article"""
    scalars: frozenset[ScalarKind] = frozenset()
    non_empty: bool = False
    one_of: tuple[str, ...] = ()
    """the only texts allowed"""
    ignores_case: bool = False
    """whether `one_of` (in lower case) holds for capitals too"""
    items: "Value | None" = None
    """a list of these"""
    mapping: "Mapping | Choice | None" = None
    anything: bool = False
    """values of any shape, all the way down"""
    at: str = ""
    is_condition: bool = False
    """an `if`: text is a bare expression"""
    code: str = "syntax-check"
    """the rule that a wrong value breaks"""
    is_lenient: bool = False
    """GitHub reads over mistakes here, so they do not make the file invalid"""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with known keys, and perhaps others that the author names."""

    title: str
    keys: dict[str, Value] = {}
    required: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    """keys that GitHub's parser does not ask for, though nothing comes of a mapping without them"""
    named: Value | None = None
    """the value of a key that the author names"""
    key_code: str = "syntax-check"
    """the rule that an unknown key breaks"""
    is_open: bool = False
    """GitHub reads over unknown keys here"""
    moved_keys: frozenset[str] = frozenset()
    """keys which are right in a sibling of this mapping, but not here: `moved_code` is their rule"""
    moved_code: str = "syntax-check"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of several mappings: the first key that decides, in the order of the file, chooses; else one that only suggests it.

    GitHub's schema reader does the same by striking out the definitions that lack a key (`TemplateSchema.MatchPropertyAndFilter`).
    """

    title: str
    decides: dict[str, Mapping]
    suggests: dict[str, Mapping] = {}
    otherwise: Mapping | None = None
    """None: where nothing decides, that is a mistake"""
    key: str = ""
    """a key whose value decides before all others: see `by_value`"""
    by_value: dict[str, Mapping] = {}


TEXT = frozenset[ScalarKind]({"string"})
"""Text; numbers, booleans and null become text."""
BOOLEAN = frozenset[ScalarKind]({"boolean"})
NUMBER = frozenset[ScalarKind]({"number"})
NULL = frozenset[ScalarKind]({"null"})


def text(
    title: str = "text",
    *,
    at: str = "",
    non_empty: bool = False,
    one_of: tuple[str, ...] = (),
    code: str = "syntax-check",
) -> Value:
    """A text."""
    return Value(title=title, scalars=TEXT, at=at, non_empty=non_empty, one_of=one_of, code=code)


def name(title: str = "text", *, at: str = "") -> Value:
    """A text that is not empty."""
    return Value(title=title, scalars=TEXT, at=at, non_empty=True)


def boolean(*, at: str = "") -> Value:
    """`true` or `false`."""
    return Value(title="true or false", scalars=BOOLEAN, at=at)


def number(*, at: str = "") -> Value:
    """A number."""
    return Value(title="a number", scalars=NUMBER, at=at)


def names(title: str, *, at: str = "", code: str = "syntax-check", one_of: tuple[str, ...] = ()) -> Value:
    """One text, or a list of them."""
    item = Value(title="text", scalars=TEXT, non_empty=True, one_of=one_of, code=code)
    return Value(title=title, scalars=TEXT, non_empty=True, one_of=one_of, code=code, items=item, at=at)


def listed(item: Value, title: str) -> Value:
    """A list."""
    return Value(title=title, items=item)


def mapped(
    mapping: Mapping | Choice, *, at: str = "", or_null: bool = False, or_text: bool = False, non_empty: bool = False
) -> Value:
    """A mapping, or nothing at all, or a plain text in its place."""
    scalars = (NULL if or_null else frozenset[ScalarKind]()) | (TEXT if or_text else frozenset[ScalarKind]())
    title = "text or a mapping" if or_text else "a mapping or nothing" if or_null else "a mapping"
    return Value(title=title, mapping=mapping, at=at, scalars=scalars, non_empty=non_empty)


def texts(title: str, *, at: str = "") -> Value:
    """A mapping from names to texts, such as `env`."""
    return mapped(Mapping(title=title, named=text()), at=at)


def condition(at: str) -> Value:
    """An `if`."""
    return Value(title="a condition", scalars=TEXT, at=at, is_condition=True)


ANYTHING = Value(title="a value", anything=True)
