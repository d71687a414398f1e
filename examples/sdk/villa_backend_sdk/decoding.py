"""Reads JSON answers into typed values, and names the exact place that breaks the contract."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeVar

from villa_backend_sdk.errors import DecodeError

Choice = TypeVar("Choice", bound=Enum)


class JsonObject:
    """One JSON object of an answer, with its path for messages."""

    def __init__(self, value: object, path: str = "$") -> None:
        if not isinstance(value, dict):
            raise DecodeError(path, "an object", value)
        self._fields: dict[str, object] = value
        self._path = path

    def text(self, name: str) -> str:
        """The string field ``name``."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise self._unexpected(name, "a string", value)
        return value

    def optional_text(self, name: str) -> str | None:
        """The string field ``name``, or None where it is absent or null."""
        return None if self._fields.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """The whole number ``name``; ``true`` is not a number here, though Python thinks so."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._unexpected(name, "a whole number", value)
        return value

    def optional_integer(self, name: str) -> int | None:
        """The whole number ``name``, or None where it is absent or null."""
        return None if self._fields.get(name) is None else self.integer(name)

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """The member of ``choices`` that the string field ``name`` names."""
        value = self.text(name)
        for member in choices:
            if member.value == value:
                return member
        expected = "one of " + ", ".join(str(member.value) for member in choices)
        raise self._unexpected(name, expected, value)

    def moment(self, name: str) -> datetime:
        """The field ``name`` as a moment with a time zone (RFC 3339)."""
        value = self.text(name)
        try:
            # datetime.fromisoformat knows the suffix "Z" from Python 3.11 on only.
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise self._unexpected(name, "an RFC 3339 time", value) from None
        if moment.tzinfo is None:
            raise self._unexpected(name, "a time with its zone", value)
        return moment

    def inner(self, name: str) -> JsonObject:
        """The object in the field ``name``."""
        return JsonObject(self._fields.get(name), f"{self._path}.{name}")

    def items(self, name: str) -> list[JsonObject]:
        """The objects of the list ``name``."""
        value = self._fields.get(name)
        if not isinstance(value, list):
            raise self._unexpected(name, "a list", value)
        return [JsonObject(item, f"{self._path}.{name}[{index}]") for index, item in enumerate(value)]

    def broken(self, expected: str, found: object) -> DecodeError:
        """An error about this object as a whole."""
        return DecodeError(self._path, expected, found)

    def _unexpected(self, name: str, expected: str, found: object) -> DecodeError:
        return DecodeError(f"{self._path}.{name}", expected, found)
