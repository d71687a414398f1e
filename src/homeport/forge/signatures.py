"""Says whether a delivery was signed with a secret: HMAC-SHA256 over the body as it was sent, compared in constant time.

Source: docs "Validating webhook deliveries" (`X-Hub-Signature-256: sha256=<hex>`); Gitea's documentation, "Webhooks"
(`X-Gitea-Signature: <hex>`, of the JSON, also where that is sent as a form).
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256


def sign(secret: str, body: bytes) -> str:
    """The signature, in hexadecimal digits."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def is_signed(shown: str, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether the signature that was shown is by one of the secrets. An empty secret signs nothing."""
    given = shown.strip().lower().removeprefix("sha256=").encode("utf-8", "replace")
    matches = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets if secret]
    return any(matches)
