"""Writes the seccomp filter of a sandboxed job: what a build never needs and an attacker of the kernel does.

Classic BPF, as seccomp(2) describes it. Refused are the kernel's keyrings, loading of code into the kernel, observing other programs
through it, opening files by handle, namespaces of one's own (they open most of the kernel to whoever makes them), io_uring, and
pushing input into a terminal. 32-bit programs are refused whole: their calls have other numbers.
"""

import struct

_PROGRAMS = {
    "x86_64": (0xC000003E, 56, 272, 435, 16, (248, 249, 250, 321, 298, 323, 246, 320, 175, 313, 176, 304, 308, 425)),
    "aarch64": (0xC00000B7, 220, 97, 435, 29, (217, 218, 219, 280, 241, 282, 104, 294, 105, 273, 106, 265, 268, 425)),
}
"""machine → audit name, clone, unshare, clone3, ioctl, and: add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd,
kexec_load, kexec_file_load, init_module, finit_module, delete_module, open_by_handle_at, setns, io_uring_setup"""

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026
"""let it be; fail with EPERM; fail with ENOSYS"""
_NEW_USER = 0x10000000
_FOREIGN_BIT = 0x40000000
"""x86-64's x32 calls"""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI, TIOCLINUX"""


def write_filter(machine: str) -> bytes:
    """The filter for a machine (`os.uname().machine`); empty for one whose calls are not known here."""
    known = _PROGRAMS.get(machine)
    if known is None:
        return b""
    architecture, clone, unshare, clone3, ioctl, refused = known
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN_BIT),
        (_RETURN, 0, 0, _UNKNOWN),
        (_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _UNKNOWN),  # its flags are out of sight; without it libraries use clone
    ]
    for number in refused:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for number in (clone, unshare):
        lines += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_ANY_BIT, 0, 1, _NEW_USER),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        ]
    lines += [(_EQUAL, 0, 3, ioctl), (_LOAD, 0, 0, _SECOND_ARGUMENT)]
    lines += [(_EQUAL, 2, 0, _TERMINAL_INPUT[0]), (_EQUAL, 1, 0, _TERMINAL_INPUT[1])]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
