"""Reads a GraphQL request as far as clients of Actions write them: one query, its fields, arguments, aliases and fragments.

Source: the GraphQL specification (October 2021), section 2, "Language".
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_TOKEN = re.compile(
    r'[\s,\ufeff]+|#[^\n]*|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<spread>\.\.\.)|(?P<number>-?\d+(?:\.\d+)?)'
    r"|(?P<name>[A-Za-z_]\w*)|(?P<mark>[{}()\[\]:!=$@|&])"
)
_DEEPEST = 20
_MOST_FIELDS = 500


class DocumentError(Exception):
    """It is no query, or more than is understood here."""


class Selection(msgspec.Struct, frozen=True):
    """A field that is asked for, under the name of its answer."""

    alias: str
    name: str
    arguments: Mapping[str, Any]
    fields: "tuple[Selection, ...]" = ()


class _Spread(msgspec.Struct, frozen=True):
    """A named fragment that stands for its fields."""

    name: str


_Item = Selection | _Spread


def read_query(text: str, variables: Mapping[str, Any]) -> tuple[Selection, ...]:
    """The fields at the top of the one query. Raises `DocumentError`; variables that are not given are null."""
    reader = _Reader(text, variables)
    query: tuple[_Item, ...] | None = None
    fragments: dict[str, tuple[_Item, ...]] = {}
    while not reader.is_at_end:
        if reader.takes("fragment"):
            name = reader.take_name()
            reader.skip_to_fields()
            fragments[name] = reader.read_fields(0)
        elif query is not None:
            raise DocumentError("there is more than one operation")
        else:
            if reader.looks_at("mutation") or reader.looks_at("subscription"):
                raise DocumentError("only queries are answered here")
            reader.skip_to_fields()
            query = reader.read_fields(0)
    if query is None:
        raise DocumentError("there is no query")
    return _Expansion(fragments).expand(query, 0)


class _Expansion:
    """Puts fragments in where they are named; what names itself, or grows without end, is refused."""

    def __init__(self, fragments: Mapping[str, tuple[_Item, ...]]) -> None:
        self._fragments = fragments
        self._count = 0

    def expand(self, items: tuple[Any, ...], depth: int) -> tuple[Selection, ...]:
        """All of it as fields."""
        self._count += len(items)
        if depth > _DEEPEST or self._count > _MOST_FIELDS:
            raise DocumentError("the query is too large")
        found: dict[str, Selection] = {}
        for item in items:
            if isinstance(item, _Spread):
                if item.name not in self._fragments:
                    raise DocumentError(f"there is no fragment {item.name}")
                inner = self.expand(self._fragments[item.name], depth + 1)
            else:
                inner = (msgspec.structs.replace(item, fields=self.expand(item.fields, depth + 1)),)
            found.update({each.alias: each for each in inner})
        return tuple(found.values())


class _Reader:
    """Where reading stands."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _split(text)
        self._place = 0
        self._variables = variables

    @property
    def is_at_end(self) -> bool:
        """Whether all was read."""
        return self._place >= len(self._tokens)

    def looks_at(self, token: str) -> bool:
        """Whether this comes next."""
        return not self.is_at_end and self._tokens[self._place] == token

    def takes(self, token: str) -> bool:
        """The same, and past it."""
        found = self.looks_at(token)
        self._place += found
        return found

    def take(self) -> str:
        """What comes next."""
        if self.is_at_end:
            raise DocumentError("the query ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def take_name(self) -> str:
        """A name."""
        token = self.take()
        if not (token[0].isalpha() or token[0] == "_"):
            raise DocumentError(f"expected a name, found {token[:40]!r}")
        return token

    def skip_to_fields(self) -> None:
        """Past the operation's name, its variables and the type of a fragment: defaults of variables are not looked at."""
        while not self.looks_at("{"):
            if self.takes("("):
                while not self.takes(")"):
                    self.take()
            else:
                self.take()

    def read_fields(self, depth: int) -> tuple[Any, ...]:
        """What stands between braces."""
        if depth > _DEEPEST:
            raise DocumentError("the query is too large")
        self._expect("{")
        found: list[Any] = []
        while not self.takes("}"):
            if self.takes("..."):
                found += self._read_spread(depth)
            else:
                found.append(self._read_field(depth))
        return tuple(found)

    def _read_spread(self, depth: int) -> tuple[Any, ...]:
        """An inline fragment counts whatever the type: there is one type for everything here."""
        if self.takes("on"):
            self.take_name()
            return self.read_fields(depth + 1)
        return self.read_fields(depth + 1) if self.looks_at("{") else (_Spread(self.take_name()),)

    def _read_field(self, depth: int) -> Selection:
        alias = name = self.take_name()
        if self.takes(":"):
            name = self.take_name()
        arguments: dict[str, Any] = {}
        if self.takes("("):
            while not self.takes(")"):
                argument = self.take_name()
                self._expect(":")
                arguments[argument] = self._read_value(depth)
        if self.looks_at("@"):
            raise DocumentError("directives are not understood here")
        fields = self.read_fields(depth + 1) if self.looks_at("{") else ()
        return Selection(alias, name, arguments, fields)

    def _read_value(self, depth: int) -> Any:
        word = self.take()
        if depth > _DEEPEST:
            raise DocumentError("the query is too large")
        if word == "$":
            return self._variables.get(self.take_name())
        if word == "[":
            items = []
            while not self.takes("]"):
                items.append(self._read_value(depth + 1))
            return items
        if word == "{":
            members = {}
            while not self.takes("}"):
                member = self.take_name()
                self._expect(":")
                members[member] = self._read_value(depth + 1)
            return members
        return _read_scalar(word)

    def _expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            raise DocumentError(f"expected {token!r}, found {found[:40]!r}")


def _read_scalar(token: str) -> Any:
    """A literal; the names of enumerations are text here."""
    if token[0] == '"' or token[0] == "-" or token[0].isdigit():
        try:
            return msgspec.json.decode(token)
        except msgspec.DecodeError as error:
            raise DocumentError(f"{token[:40]} is no value") from error
    literals = {"true": True, "false": False, "null": None}
    return literals.get(token, token)


def _split(text: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise DocumentError(f"unexpected {text[place : place + 20]!r}")
        if found.lastgroup is not None:
            tokens.append(found.group())
        place = found.end()
    return tokens
