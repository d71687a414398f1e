"""The addresses that answers lead to."""

import zlib
from base64 import urlsafe_b64encode
from datetime import datetime

import msgspec


class Links(msgspec.Struct, frozen=True):
    """Where the interface (`https://host/api/v3`) and the pages (`https://host`) are; no slash at the end of either."""

    api: str
    site: str

    def repository(self, full_name: str) -> str:
        """The interface's address of a repository."""
        return f"{self.api}/repos/{full_name}"

    def page(self, full_name: str) -> str:
        """The page of a repository."""
        return f"{self.site}/{full_name}"


def node_id(kind: str, *parts: object) -> str:
    """An id as GraphQL has it: opaque, and the same for the same thing."""
    text = ":".join(map(str, parts))
    return f"{kind}_{urlsafe_b64encode(text.encode('utf-8', 'surrogatepass')).decode().rstrip('=')}"


def number_workflow(repository: str, workflow: str) -> int:
    """A number for a workflow where nobody counts them, made of its file. Small enough for any client's integer."""
    return zlib.crc32(f"{repository.lower()}\0{workflow}".encode("utf-8", "surrogatepass")) & 0x7FFF_FFFF


def format_time(moment: datetime) -> str:
    """As GitHub writes it: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
