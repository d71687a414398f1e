"""The headers of a tar file (POSIX.1-2001, `pax` interchange format; GNU's long names are read too)."""

import struct

BLOCK = 512

HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x")
"""name, mode, uid, gid, size, mtime, checksum, type, link name, magic, version, user, group, major, minor, prefix"""

REGULAR = frozenset({b"0", b"\0", b"7"})
HARD_LINK = b"1"
SYMBOLIC_LINK = b"2"
FOLDER = b"5"
PAX = b"x"
PAX_GLOBAL = b"g"
GNU_LONG_NAME = b"L"
GNU_LONG_LINK = b"K"

CHECKSUM = slice(148, 156)
LARGEST_OCTAL = 8**11 - 1


def padding(size: int) -> int:
    """How many bytes follow a member of this size up to the next block."""
    return -size % BLOCK
