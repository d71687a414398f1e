"""Homeport's own git remote: `/{owner}/{repo}.git`, also without `.git`, by git's smart HTTP protocol. Pushing to it starts workflows.

Reading needs the role reader, pushing writer; a push to a path that nothing is at yet makes the repository, where the caller may. A job's
token reads its repository with `contents: read`, pushes with `contents: write`, and what it pushes starts nothing and changes no workflow, as
on GitHub.

Source: git's documentation, "gitprotocol-http", "gitprotocol-pack" (the commands at the beginning of a push).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from homeport.git.hosted import is_ref_name, make_hosted
from homeport.git.http_backend import BackendAnswer, BackendRequest, ask_backend
from homeport.git.job_hooks import make_job_hooks, settings_for_jobs
from homeport.git.process import GitError
from homeport.ports.access import Caller
from homeport.ports.directory import DirectoryError, HostedRepository, RepositoryDirectory
from homeport.server.audit import Audit
from homeport.server.auth import refuse
from homeport.server.problems import answer_git_or_problem
from homeport.server.pushes import Pushes, name_in_log
from homeport.store.data_folder import DataFolder
from homeport.store.tables.pushes import RefCommand

_READ = "git-upload-pack"
_PUSH = "git-receive-pack"
_LARGEST_PUSH = 4 << 30
_LARGEST_QUESTION = 64 << 20
"""what a fetch may say it has and wants"""
_MOST_COMMANDS = 10_000
_MOST_HEAD = 8 << 20
_NOTHING = "empty.git"
"""A bare repository without anything: what a push to an unknown path is first told of"""
_ID = re.compile(rb"[0-9a-f]{40}")
_NO_CACHE = {"cache-control": "no-cache, max-age=0, must-revalidate", "pragma": "no-cache"}


class GitRemoteParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the remote stands on."""

    directory: RepositoryDirectory
    folder: DataFolder
    pushes: Pushes
    audit: Audit
    environment: Mapping[str, str]
    """what git gets"""


class _RefusedError(Exception):
    """A request that is not carried out."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GitRemote:
    """The routes."""

    def __init__(self, parts: GitRemoteParts) -> None:
        self._parts = parts

    @property
    def routes(self) -> list[BaseRoute]:
        """Before those of pages."""
        return [
            Route("/{owner}/{repo}/info/refs", self._guard(self._list_refs), methods=["GET"]),
            Route(f"/{{owner}}/{{repo}}/{_READ}", self._guard(self._fetch), methods=["POST"]),
            Route(f"/{{owner}}/{{repo}}/{_PUSH}", self._guard(self._push), methods=["POST"]),
        ]

    async def _list_refs(self, request: Request, caller: Caller) -> Response:
        service = request.query_params.get("service")
        if request.url.query not in {f"service={_READ}", f"service={_PUSH}"}:
            raise _RefusedError(403, "only git's smart protocol is spoken here")
        if service == _READ:
            repository = await self._find_readable(request, caller)
            return await self._answer(request, self._folder_of(repository), "/info/refs")
        found = await self._find_pushable(request, caller)
        folder = await run_in_threadpool(self._empty_folder) if found is None else self._folder_of(found)
        return await self._answer(request, folder, "/info/refs", is_push=True)

    async def _fetch(self, request: Request, caller: Caller) -> Response:
        repository = await self._find_readable(request, caller)
        body = _limit(request.stream(), _LARGEST_QUESTION)
        return await self._answer(request, self._folder_of(repository), f"/{_READ}", body=body)

    async def _push(self, request: Request, caller: Caller) -> Response:
        found = await self._find_pushable(request, caller)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise _RefusedError(415, "a push is not to be compressed once more")
        body = aiter(_limit(request.stream(), _LARGEST_PUSH))
        head, commands = await _read_commands(body)
        if not commands:  # git asks with an empty push whether it will be let in
            if found is None:
                return Response(b"", 200, media_type=f"application/x-{_PUSH}-result")
            return await self._answer(
                request, self._folder_of(found), f"/{_PUSH}", body=_join(head, body), is_push=True
            )
        repository = found if found is not None else await run_in_threadpool(self._create, request, caller)
        is_silent = caller.kind == "job"
        settings = await run_in_threadpool(self._settings_for_jobs, repository) if is_silent else ()
        actor = caller.login or "github-actions[bot]"
        push = await run_in_threadpool(
            lambda: self._parts.pushes.begin(repository, actor, commands, is_silent=is_silent)
        )
        return await self._answer(
            request,
            self._folder_of(repository),
            f"/{_PUSH}",
            body=_join(head, body),
            is_push=True,
            user=name_in_log(push),
            settings=settings,
            at_end=lambda: self._parts.pushes.end(repository.id, push),
        )

    # --- who may ------------------------------------------------------------------------------------------------------

    async def _find(self, request: Request) -> tuple[str, HostedRepository | None]:
        owner, name = request.path_params["owner"], request.path_params["repo"].removesuffix(".git")
        full_name = f"{owner}/{name}"
        return full_name, await run_in_threadpool(self._parts.directory.find, full_name)

    async def _find_readable(self, request: Request, caller: Caller) -> HostedRepository:
        full_name, repository = await self._find(request)
        if repository is None or not _may_read(caller, repository):
            if repository is not None:  # the answer does not tell, the audit log does
                refuse(request, _hidden(caller), "reading by git", full_name)
            raise _RefusedError(_hidden(caller), f"there is no repository {full_name}, or it is not for you")
        return repository

    async def _find_pushable(self, request: Request, caller: Caller) -> HostedRepository | None:
        """None where there is nothing yet that the caller may make."""
        full_name, repository = await self._find(request)
        owner = full_name.partition("/")[0]
        if repository is None:
            if caller.may_for_owner("administrator", owner):
                return None
            raise _RefusedError(_hidden(caller), _nothing_to_push_to(full_name))
        if not (caller.may("writer", repository) or caller.may_use("contents", "write", repository)):
            self._parts.audit.note_soon(
                caller, "push.refused", repository.full_name, address=_address(request), result="refused"
            )
            if _may_read(caller, repository):
                raise _RefusedError(403 if caller.kind != "anonymous" else 401, f"you may not push to {full_name}")
            raise _RefusedError(_hidden(caller), _nothing_to_push_to(full_name))
        if repository.origin != "own":
            raise _RefusedError(403, f"{full_name} is fetched from {repository.server_url}: push there")
        return repository

    def _create(self, request: Request, caller: Caller) -> HostedRepository:
        owner, name = request.path_params["owner"], request.path_params["repo"].removesuffix(".git")
        try:
            repository = self._parts.directory.add(HostedRepository(id=0, owner=owner, name=name))
        except DirectoryError as error:
            existing = self._parts.directory.find(f"{owner}/{name}")  # somebody else was quicker
            if existing is None or not caller.may("writer", existing):
                raise _RefusedError(422, str(error)) from error
            repository = existing
        else:
            self._parts.audit.note(caller, "repository.created", repository.full_name, address=_address(request))
        make_hosted(self._folder_of(repository), repository.default_branch)
        return repository

    # --- git ----------------------------------------------------------------------------------------------------------

    def _folder_of(self, repository: HostedRepository) -> str:
        return self._parts.folder.repository(repository.id)

    def _settings_for_jobs(self, repository: HostedRepository) -> Sequence[str]:
        make_job_hooks(self._parts.folder.job_hooks)
        return settings_for_jobs(self._parts.folder.job_hooks, repository.settings.workflow_folders)

    def _empty_folder(self) -> str:
        folder = f"{self._parts.folder.repositories}/{_NOTHING}"
        make_hosted(folder, "main")
        return folder

    async def _answer(
        self,
        request: Request,
        folder: str,
        end: str,
        *,
        body: AsyncIterator[bytes] | None = None,
        is_push: bool = False,
        user: str = "somebody",
        settings: Sequence[str] = (),
        at_end: Callable[[], None] = lambda: None,
    ) -> Response:
        """What git says. `at_end` is called when git is done, whether somebody still listens or not."""
        asked = BackendRequest(
            method=request.method,
            end=end,
            query=request.url.query,
            content_type=request.headers.get("content-type", ""),
            content_encoding=request.headers.get("content-encoding", ""),
            protocol=request.headers.get("git-protocol", "") if not is_push else "",
            user=user,
            is_push=is_push,
            settings=(f"receive.maxInputSize={_LARGEST_PUSH}", *settings) if is_push else (),
        )
        try:
            await run_in_threadpool(make_hosted, folder, "main")
            answer = await ask_backend(folder, asked, body or _nothing(), self._parts.environment)
        except BaseException:
            at_end()
            raise
        return _GitResponse(answer, at_end)

    def _guard(
        self, handler: Callable[[Request, Caller], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                return await handler(request, request.state.caller)
            except _RefusedError as error:
                headers = {"www-authenticate": 'Basic realm="Homeport", charset="UTF-8"'} if error.status == 401 else {}
                return answer_git_or_problem(request.scope, error.status, str(error), headers=headers)
            except GitError as error:
                return answer_git_or_problem(request.scope, 503, str(error))
            except ClientDisconnect:
                return Response(status_code=400)

        return guarded


def _nothing_to_push_to(full_name: str) -> str:
    """The same whether it is there and hidden, or not there."""
    return f"there is no repository {full_name}, or it is not for you; it takes a token that is good for admin to make one by a push"


def _may_read(caller: Caller, repository: HostedRepository) -> bool:
    if caller.kind == "job" and repository.is_private:
        return caller.may_use("contents", "read", repository)
    return caller.may("reader", repository)


def _hidden(caller: Caller) -> int:
    """Who has not said who they are is asked; who has is told that there is nothing."""
    return 401 if caller.kind == "anonymous" else 404


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


class _GitResponse(StreamingResponse):
    """Passes on what git says. Git has ended when this has, and `at_end` is called, whether somebody listened to the end or not."""

    def __init__(self, answer: BackendAnswer, at_end: Callable[[], None]) -> None:
        super().__init__(answer.body(), answer.status, {**answer.headers, **_NO_CACHE})
        self._answer = answer
        self._at_end = at_end
        self._ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an application."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ending = asyncio.create_task(self._end())
            await asyncio.shield(self._ending)

    async def _end(self) -> None:
        try:
            await self._answer.close()
        finally:
            self._at_end()


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


async def _limit(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > most:
            raise _RefusedError(413, f"more than {most} bytes")
        yield piece


async def _join(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for piece in rest:
        yield piece


async def _read_commands(body: AsyncIterator[bytes]) -> tuple[bytes, list[RefCommand]]:
    """What was read of a push to find its commands, and these. Raises `_RefusedError`."""
    data = bytearray()
    commands: list[RefCommand] = []
    offset = 0
    while True:
        length, line = _next_line(data, offset)
        if length is None:
            data += await _next_piece(body)
            continue
        offset += length
        if line is None:
            return bytes(data), commands
        command = _read_command(line)
        if command is not None:
            commands.append(command)
        if len(commands) > _MOST_COMMANDS or offset > _MOST_HEAD:
            raise _RefusedError(413, f"a push may change at most {_MOST_COMMANDS} refs")


async def _next_piece(body: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(body)
    except StopAsyncIteration:
        raise _RefusedError(400, "the push was cut off") from None


def _next_line(data: bytearray, offset: int) -> tuple[int | None, bytes | None]:
    """How long the next line is, and what it says: None for the end of the commands. The length is None where more has to be read."""
    if len(data) < offset + 4:
        return None, None
    try:
        length = int(bytes(data[offset : offset + 4]), 16)
    except ValueError as error:
        raise _RefusedError(400, "this is not a push") from error
    if length == 0:
        return 4, None
    if length < 4:
        raise _RefusedError(400, "this is not a push")
    if len(data) < offset + length:
        return None, None
    return length, bytes(data[offset + 4 : offset + length])


def _read_command(line: bytes) -> RefCommand | None:
    """`old new ref`, with what the client can after the first; None for the end of a history that is cut off (`shallow`). Anything else is
    refused, such as commands in a certificate: git would carry out what was not looked at here.
    """
    if line.startswith(b"shallow "):
        return None
    words = line.partition(b"\0")[0].rstrip(b"\n").split(b" ", 2)
    if len(words) != 3 or not all(_ID.fullmatch(word) for word in words[:2]):
        raise _RefusedError(403, "commands of a push are two ids of commits and a ref: signed pushes are not taken")
    try:
        old, new, ref = (word.decode("utf-8") for word in words)
    except UnicodeDecodeError as error:
        raise _RefusedError(400, "names of refs are UTF-8 here") from error
    if not is_ref_name(ref) or not ref.startswith(("refs/heads/", "refs/tags/", "refs/notes/")):
        raise _RefusedError(403, "only branches, tags and notes may be pushed")
    return RefCommand(old, new, ref)
