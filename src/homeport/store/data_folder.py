"""Where things stand in the one folder that a server keeps everything in.

    homeport.db                  the database, where it is SQLite
    lock                         held by the server that lives; its address is in it
    repositories/<id>.git        bare repositories, by the repository's number
    job-hooks/                   what git asks before it takes what a job pushes
    keys/                        what secrets are encrypted and links signed with: not in the database
    runner/                      the built-in runner's: its socket, what it has to say, folders of jobs, tools
    artifacts/ caches/ logs/ …   beside them, each as its store keeps it

All of it is readable by its owner only.
"""

import os

import msgspec


class DataFolder(msgspec.Struct, frozen=True):
    """The paths; nothing is made here."""

    path: str
    """absolute"""

    @property
    def database_url(self) -> str:
        """Of the database that is kept in the folder."""
        return f"sqlite:///{os.path.join(self.path, 'homeport.db')}"

    @property
    def lock(self) -> str:
        """The file whose lock is held by the server that lives."""
        return os.path.join(self.path, "lock")

    @property
    def repositories(self) -> str:
        """The folder of all bare repositories."""
        return os.path.join(self.path, "repositories")

    def repository(self, number: int) -> str:
        """The bare repository of a `HostedRepository`."""
        return os.path.join(self.repositories, f"{number}.git")

    @property
    def job_hooks(self) -> str:
        """The folder of git's hooks for what jobs push."""
        return os.path.join(self.path, "job-hooks")

    @property
    def keys(self) -> str:
        """The folder of keys."""
        return os.path.join(self.path, "keys")

    @property
    def runner(self) -> str:
        """The folder of the built-in runner."""
        return os.path.join(self.path, "runner")

    @property
    def runner_socket(self) -> str:
        """Where the built-in runner finds the server."""
        return os.path.join(self.path, "runner", "socket")
