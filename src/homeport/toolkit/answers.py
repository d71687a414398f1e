"""How the services say no: one shape of answer that every client finds its own words in.

Twirp clients read `code` and `msg`, REST clients and cache v1 `message`, the blob client the header `x-ms-error-code`.
"""

import errno
import os

from starlette.responses import JSONResponse, Response

TWIRP_CODES = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    409: "already_exists",
    413: "out_of_range",
    416: "out_of_range",
    499: "canceled",
    500: "internal",
    501: "unimplemented",
    507: "resource_exhausted",
}
_FULL = {errno.ENOSPC, errno.EDQUOT}


class RefusalError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def answer_refusal(status: int, message: str) -> Response:
    """The answer to a request that cannot be carried out. None of these is tried again by the client packages but 500."""
    code = TWIRP_CODES.get(status, "unknown")
    body = {"code": code, "msg": message, "message": message, "status": str(status)}
    return JSONResponse(body, status, headers={"x-ms-error-code": code})


def explain_failure(error: OSError) -> RefusalError:
    """A failure of the disk, in words that do not tell where things are kept."""
    if error.errno in _FULL:
        return RefusalError(507, "There is no space left on the disk of this machine; nothing of this upload was kept.")
    if error.errno == errno.EFBIG:
        return RefusalError(413, error.strerror or "The upload is too large.")
    return RefusalError(500, f"The store failed: {os.strerror(error.errno) if error.errno else 'unknown error'}.")
