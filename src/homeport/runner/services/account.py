"""Whose processes services become: an ordinary user's, also where Homeport is root, and what that user can reach."""

import os
import stat

import msgspec

_NOBODY = 65534


class Account(msgspec.Struct, frozen=True):
    """An ordinary user of the machine."""

    name: str
    uid: int
    gid: int

    def can_run(self, path: str) -> bool:
        """Whether the user may start this program: every folder above it lets others pass, and the file lets them read and execute."""
        real = os.path.realpath(path)
        return _lets_others(real, stat.S_IROTH | stat.S_IXOTH) and self.can_pass(os.path.dirname(real))

    def can_pass(self, folder: str) -> bool:
        """Whether the user may go through a folder and all above it."""
        while True:
            if not _lets_others(folder, stat.S_IXOTH):
                return False
            if folder == (above := os.path.dirname(folder)):
                return True
            folder = above


def find_account() -> Account | None:
    """Who services run as where Homeport is root: `nobody`. None: as Homeport's own user."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - only for root

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account("nobody", _NOBODY, _NOBODY)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _lets_others(path: str, bits: int) -> bool:
    try:
        return os.stat(path).st_mode & bits == bits
    except OSError:
        return False
