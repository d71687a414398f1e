"""What runners call: claims, reports, what they are to be told, secrets. Every message is MessagePack (`ports.peer`).

A runner shows its own token (`Authorization: Bearer …`); what concerns a job shows the lease's token too, in the message. Whoever shows
neither is refused with 401; a lease that is not the caller's, with 410.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from homeport.coordinator.lease_board import LeaseBoard, RunnerProfile, UnknownLeaseError
from homeport.ports.peer import (
    AskAnswer,
    AskRequest,
    ClaimAnswer,
    ClaimRequest,
    ClaimWithdrawal,
    Greeting,
    Orders,
    ReportRequest,
    SecretsRequest,
)
from homeport.server.waiting import Bell

Message = TypeVar("Message")

_LARGEST_MESSAGE = 64 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 30.0


class _BadMessageError(Exception):
    """Not what was expected here."""


class RunnerApi:
    """The routes. `find_runner` gives the runner of a token; `bell` rings when the board has something new."""

    def __init__(self, board: LeaseBoard, bell: Bell, find_runner: Callable[[str], RunnerProfile | None]) -> None:
        self._board = board
        self._bell = bell
        self._find_runner = find_runner

    @property
    def routes(self) -> list[Route]:
        """To be mounted below `/runner/v1`."""
        return [
            Route("/greeting", self._guard(self._greet), methods=["POST"]),
            Route("/claims", self._guard(self._claim), methods=["POST"]),
            Route("/claims/withdrawal", self._guard(self._withdraw), methods=["POST"]),
            Route("/leases", self._guard(self._ask), methods=["POST"]),
            Route("/leases/{lease}/reports", self._guard(self._report), methods=["POST"]),
            Route("/leases/{lease}/secrets", self._guard(self._give_secrets), methods=["POST"]),
        ]

    async def _greet(self, runner: RunnerProfile, request: Request) -> Response:
        greeting = await _read(request, Greeting)
        self._board.lose_others(runner, greeting.leases)
        return Response(status_code=204)

    async def _claim(self, runner: RunnerProfile, request: Request) -> Response:
        question = await _read(request, ClaimRequest)

        async def look() -> ClaimAnswer | None:
            if self._board.is_withdrawn(runner, question.claim):
                return ClaimAnswer()
            if not self._board.may_have(runner, question.claim):
                return None
            claim = await run_in_threadpool(self._board.claim, runner, question.claim)  # it waits for the disk
            return None if claim is None else ClaimAnswer(claim.order, claim.token)

        return _answer(await self._bell.wait_for(look, _limit(question.wait_seconds)) or ClaimAnswer())

    async def _withdraw(self, runner: RunnerProfile, request: Request) -> Response:
        withdrawal = await _read(request, ClaimWithdrawal)
        self._board.withdraw(runner, withdrawal.claims)
        return Response(status_code=204)

    async def _ask(self, runner: RunnerProfile, request: Request) -> Response:  # noqa: ARG002 - the leases' tokens say enough
        question = await _read(request, AskRequest)

        async def look() -> AskAnswer | None:
            orders: dict[str, Orders] = {}
            lost: list[str] = []
            for lease, held in question.leases.items():
                try:
                    now = self._board.ask(lease, held.token)
                except UnknownLeaseError:
                    lost.append(lease)
                else:
                    if now != held.known:
                        orders[lease] = now
            return AskAnswer(orders, tuple(lost)) if orders or lost else None

        return _answer(await self._bell.wait_for(look, _limit(question.wait_seconds)) or AskAnswer())

    async def _report(self, runner: RunnerProfile, request: Request) -> Response:  # noqa: ARG002
        reports = await _read(request, ReportRequest)
        loop = asyncio.get_running_loop()
        done: list[asyncio.Future[None]] = []
        for report in reports.reports:
            future: asyncio.Future[None] = loop.create_future()
            done.append(future)
            self._board.report(
                request.path_params["lease"], reports.token, report.sequence, report.facts, _settle(loop, future)
            )
        await asyncio.gather(*done)
        return Response(status_code=204)

    async def _give_secrets(self, runner: RunnerProfile, request: Request) -> Response:  # noqa: ARG002
        question = await _read(request, SecretsRequest)
        secrets = self._board.secrets(request.path_params["lease"], question.token)
        return _answer(dict(secrets))

    def _guard(
        self, handler: Callable[[RunnerProfile, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            runner = self._find_runner(token) if kind.lower() == "bearer" and token else None
            if runner is None:
                return Response("who is this?", 401, {"www-authenticate": "Bearer"})
            try:
                return await handler(runner, request)
            except _BadMessageError as error:
                return Response(str(error), 400)
            except UnknownLeaseError:
                return Response("this lease is not yours, or not any more", 410)

        return guarded


async def _read(request: Request, kind: type[Message]) -> Message:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_MESSAGE:
            raise _BadMessageError("the message is too large")
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _BadMessageError(f"the message cannot be read: {error}") from error


def _answer(message: object) -> Response:
    return Response(msgspec.msgpack.encode(message), media_type="application/msgpack")


def _limit(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _settle(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]") -> Callable[[Exception | None], None]:
    """What the coordinator's thread calls when a report is durable, or refused."""

    def finish(error: Exception | None) -> None:
        if future.done():
            return  # the caller has gone
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def settle(error: Exception | None) -> None:
        loop.call_soon_threadsafe(finish, error)

    return settle
