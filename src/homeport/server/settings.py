"""What a server is told once, at its start."""

import msgspec


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`homeport serve`. `data` is the one folder that everything is kept in."""

    data: str
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    database_url: str = ""
    """empty: SQLite in `data`"""
    public_url: str = ""
    """how others reach this server, without a slash at its end; empty: by the address it listens at"""
    tls_certificate: str = ""
    tls_key: str = ""
    parallel: int = 2
    """jobs at a time of the built-in runner; 0: there is none"""
    executor: str = "process"
    """of the built-in runner: `process` or `sandbox`"""
    keep_failed_minutes: int = 60
    """how long the built-in runner keeps the folders of failed jobs; 0: not at all"""
    internal_forges: tuple[str, ...] = ()
    """hosts of forges that are fetched from although their addresses are inside: private networks, this machine"""

    @property
    def url(self) -> str:
        """What links begin with."""
        scheme = "https" if self.tls_certificate else "http"
        host = "localhost" if self.listen_host in {"0.0.0.0", "::"} else self.listen_host  # noqa: S104 - it is compared
        host = f"[{host}]" if ":" in host else host
        return self.public_url or f"{scheme}://{host}:{self.listen_port}"
