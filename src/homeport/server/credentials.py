"""What is given out to be shown again: random, told apart by its beginning, and known here by its digest only."""

import hmac
import secrets
from hashlib import sha256

PERSONAL = "hpt_"
"""A token that a person has made for a program."""
JOB = "hpj_"
"""A job's `GITHUB_TOKEN`."""
IDENTITY = "hpi_"
"""By which a job asks for identity tokens."""
LINK = "hpl_"
"""Of a link that is good once."""
SESSION = "hps_"
"""Of a browser's cookie."""
WEBHOOK = "hpw_"
"""A secret by which a forge signs what it sends."""


def make_credential(beginning: str) -> str:
    """A new one: 256 random bits, in letters that need no quoting anywhere."""
    return beginning + secrets.token_urlsafe(32)


def digest_of(credential: str) -> bytes:
    """What is kept of it. There is nothing to guess, so it needs neither salt nor slowness, as a password would."""
    return sha256(credential.encode("utf-8", "surrogatepass")).digest()


def form_token(session: str) -> str:
    """What forms of a session carry, so that no other site can make them up: bound to the cookie, and not leading back to it."""
    return hmac.new(session.encode("utf-8", "surrogatepass"), b"form", sha256).hexdigest()


def is_form_token(session: str, shown: str) -> bool:
    """Takes as long whatever is wrong."""
    return hmac.compare_digest(form_token(session).encode(), shown.encode("utf-8", "surrogatepass"))
