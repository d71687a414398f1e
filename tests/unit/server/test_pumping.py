"""What is written is sent meanwhile, and whatever ends the one ends the other."""

import threading
from collections.abc import Iterator
from typing import IO

import pytest

from homeport.server.pumping import pump

LONG = 60.0


def take_all(pieces: Iterator[bytes]) -> tuple[bytes, list[Exception]]:
    """Everything that comes, and what was raised in the end: by a thread that is left alone where it hangs."""
    found = bytearray()
    raised: list[Exception] = []

    def take() -> None:
        try:
            for piece in pieces:
                found.extend(piece)
        except Exception as error:  # it is what is looked at
            raised.append(error)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "it waits for what will never come"
    return bytes(found), raised


def test_all_that_is_written_comes_in_its_order() -> None:
    def write(target: IO[bytes]) -> None:
        for number in range(100_000):
            target.write(b"%d\n" % number)

    found, raised = take_all(pump(write))
    assert (found, raised) == (b"".join(b"%d\n" % number for number in range(100_000)), [])


def test_what_ends_the_writing_is_raised_where_it_is_read() -> None:
    def write(target: IO[bytes]) -> None:
        target.write(b"so far")
        raise ZeroDivisionError

    found, raised = take_all(pump(write))
    assert found == b"so far"
    assert [type(each) for each in raised] == [ZeroDivisionError]


def test_who_takes_no_more_ends_the_writing() -> None:
    has_ended = threading.Event()

    def write(target: IO[bytes]) -> None:
        try:
            while True:
                target.write(b"x" * 100_000)
        finally:
            has_ended.set()

    pieces = pump(write)
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert has_ended.wait(LONG)
    with pytest.raises(StopIteration):
        next(pieces)
