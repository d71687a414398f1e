"""Lets badges of private repositories be shown on pages elsewhere."""

import hmac
from hashlib import sha256

from homeport.ports.directory import HostedRepository


class BadgeKey:
    """Signs the address of a private repository's badges, so that a page elsewhere can show them to whoever sees that page."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, repository: HostedRepository) -> str:
        """What goes into the query as `key`. It is good for the badges of this repository, and for nothing else."""
        return hmac.new(self._key, f"badge:{repository.id}".encode(), sha256).hexdigest()[:40]

    def is_good(self, repository: HostedRepository, shown: str) -> bool:
        """Takes as long whatever is wrong."""
        return hmac.compare_digest(self.sign(repository).encode(), shown.encode("utf-8", "surrogatepass"))
