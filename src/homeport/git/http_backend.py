"""Serves a repository of this machine to git clients, by git's own program for it; read-only, unless a push was authorised.

Source: git's documentation, "git-http-backend" (a CGI program), RFC 3875 (what such a program is told and answers).
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

import msgspec

from homeport.git.process import GitError, find_program, git_environment

_SETTINGS = (
    "http.uploadpack=true",
    "http.getanyfile=false",
    "uploadpack.allowAnySHA1InWant=true",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "protocol.allow=never",
    "safe.directory=*",
)
_PIECE = 1 << 16
_LAST_SECONDS = 5.0


class BackendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a git client. `end` is the path after the repository's."""

    method: str
    end: str
    query: str = ""
    content_type: str = ""
    content_length: str = ""
    content_encoding: str = ""
    protocol: str = ""
    """of the header `Git-Protocol`"""
    user: str = "job"
    """who asks; in the log of a ref that is pushed"""
    is_push: bool = False
    """the caller has made sure that this one may change refs"""
    settings: tuple[str, ...] = ()
    """more of git's settings (`receive.maxInputSize=1`)"""


class BackendAnswer:
    """What the program says: the status and headers, then the body, which must be read to its end or closed."""

    def __init__(self, process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> None:
        self._process = process
        self._feeding = feeding
        self.status = 200
        self.headers: dict[str, str] = {}

    async def read_head(self) -> None:
        """Raises `GitError` where the program ends without an answer."""
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "status":
                self.status = int(value.split()[0])
            else:
                self.headers[name.strip()] = value.strip()
        if not self.headers:
            raise GitError("git http-backend gave no answer")

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the body. The program is gone when they end, however that comes about."""
        assert self._process.stdout is not None
        try:
            while piece := await self._process.stdout.read(_PIECE):
                yield piece
        finally:
            await self.close()

    async def close(self) -> None:
        """End the program."""
        self._feeding.cancel()
        await asyncio.gather(self._feeding, return_exceptions=True)  # a body that was cut off: git has seen its end
        with suppress(ProcessLookupError):
            self._process.terminate()  # it ends what it has started, which nobody would if it was killed
        try:
            await asyncio.wait_for(self._process.wait(), _LAST_SECONDS)
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()


def is_served(method: str, end: str, query: str) -> bool:
    """Whether a request is one to read: the list of refs, or a pack."""
    wanted = {("GET", "/info/refs"): "service=git-upload-pack", ("POST", "/git-upload-pack"): ""}
    return wanted.get((method, end)) == query


async def ask_backend(
    folder: str, request: BackendRequest, body: AsyncIterator[bytes], environment: Mapping[str, str]
) -> BackendAnswer:
    """Ask the program. `folder` is that of a working tree, or a bare repository. Raises `GitError`. When it raises anything, the program has
    ended.
    """
    settings = (*_SETTINGS, f"http.receivepack={str(request.is_push).lower()}", *request.settings)
    words = [word for setting in settings for word in ("-c", setting)]
    try:
        process = await asyncio.create_subprocess_exec(
            find_program(environment),
            *words,
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_describe(folder, request, environment),
            cwd=os.sep,
            start_new_session=True,
        )
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from error
    assert process.stdin is not None
    answer = BackendAnswer(process, asyncio.create_task(_feed(process.stdin, body)))
    try:
        await answer.read_head()
    except BaseException:  # also where nobody waits for it any more: whoever asked may rely on git being done
        await answer.close()
        raise
    return answer


def _describe(folder: str, request: BackendRequest, environment: Mapping[str, str]) -> dict[str, str]:
    own = git_environment(environment, "", "", ())
    del own["GIT_DIR"], own["GIT_WORK_TREE"], own["GIT_LITERAL_PATHSPECS"]
    told = {
        "CONTENT_TYPE": request.content_type,
        "CONTENT_LENGTH": request.content_length,
        "HTTP_CONTENT_ENCODING": request.content_encoding,
        "GIT_PROTOCOL": request.protocol,
    }
    return {
        **own,
        **{name: value for name, value in told.items() if value},
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": folder,
        "PATH_INFO": request.end,
        "QUERY_STRING": request.query,
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": request.user,
        "REQUEST_METHOD": request.method,
    }


async def _feed(target: asyncio.StreamWriter, body: AsyncIterator[bytes]) -> None:
    """Hand over the body as fast as it is read."""
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            async for piece in body:
                target.write(piece)
                await target.drain()
    finally:
        target.close()
