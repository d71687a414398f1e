"""What a sandboxed job may use, as the user says it (`--limit memory=4g`) and by default."""

import os
import re

import msgspec

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?", re.IGNORECASE)

DEFAULT_PROCESSES = 4096
DEFAULT_SPARE_BYTES = 1 << 30


class LimitError(ValueError):
    """A limit that makes no sense; the message says what is expected."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one job, all its processes together; 0 is none."""

    memory: int
    """bytes, with what is in its /tmp and /dev/shm"""
    processes: int = DEFAULT_PROCESSES
    """threads too"""
    cpu: float = 0
    """cores"""
    tmp: int
    """bytes in /tmp, and as many in /dev/shm"""
    file: int = 0
    """bytes in one file"""
    spare: int = DEFAULT_SPARE_BYTES
    """bytes that stay free on the disk with the job's folders: before there are fewer, its processes are ended"""


def read_limits(written: "tuple[str, ...]") -> Limits:
    """The limits of `--limit NAME=VALUE`, over the defaults: 7/8 of this machine's memory, half of that in /tmp. Raises `LimitError`."""
    values: dict[str, int | float] = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals or name not in Limits.__struct_fields__:
            known = ", ".join(Limits.__struct_fields__)
            raise LimitError(f"--limit is {text!r}, expected NAME=VALUE with a NAME out of {known}")
        values[name] = _read(text, name, value)
    memory = int(values.pop("memory", _machine_memory() * 7 // 8))
    tmp = int(values.pop("tmp", (memory or _machine_memory()) // 2))
    limits = Limits(memory=memory, tmp=tmp)
    return msgspec.convert({**msgspec.structs.asdict(limits), **values}, Limits)


def _read(text: str, name: str, value: str) -> int | float:
    if name in {"cpu", "processes"}:
        pattern = r"\d+(\.\d+)?" if name == "cpu" else r"\d+"
        if re.fullmatch(pattern, value) is None:
            raise LimitError(f"--limit {text}: expected a number, such as {name}={'2' if name == 'cpu' else '512'}")
        return float(value) if name == "cpu" else int(value)
    match = _SIZE.fullmatch(value)
    if match is None:
        raise LimitError(f"--limit {text}: expected a size, such as {name}=512m or {name}=4g")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
