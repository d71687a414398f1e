"""What a monitoring system asks the server: how much it does, how fast, and what waits. Nothing in it names a repository or a person.

Source of the format: prometheus.io, "Exposition formats" and "Metric and label naming".
"""

import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeport.run.facts import Fact, JobFinished, JobQueued, JobStarted, LinesLogged, RunFinished, RunQueued
from homeport.server.engine import ServerEngine
from homeport.store.tables.database import Database

_REQUEST_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_WAIT_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600, 3600)
Gauges = Callable[[], Iterable[tuple[str, str, float]]]
"""Name without `homeport_`, what it is, and its value now. One whose name ends in `_total` only ever grows."""


class Metrics:
    """All of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        registry = self._registry
        self._requests = Histogram(
            "homeport_request_seconds",
            "Time to the end of an answer",
            ["method", "status"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._runs_queued = Counter("homeport_runs_queued", "Attempts that were begun", ["event"], registry=registry)
        self._runs = Counter("homeport_runs_finished", "Attempts that ended", ["conclusion"], registry=registry)
        self._jobs = Counter("homeport_jobs_finished", "Jobs that ended", ["conclusion"], registry=registry)
        self._lines = Counter("homeport_log_characters", "Output of steps that was taken in", registry=registry)
        self._waits = Histogram(
            "homeport_job_wait_seconds",
            "Time from a job's offer to its start",
            buckets=_WAIT_SECONDS,
            registry=registry,
        )
        self._offered: dict[tuple[str, str], float] = {}

    def watch(self, gauges: Gauges) -> None:
        """Ask these whenever somebody looks."""
        self._registry.register(_Now(gauges))

    def hear(self, facts: Sequence[Fact]) -> None:
        """Facts that are durable, in order; called by the engine's thread."""
        for fact in facts:
            match fact:
                case RunQueued():
                    self._runs_queued.labels(fact.event).inc()
                case RunFinished():
                    self._runs.labels(fact.conclusion).inc()
                case JobQueued():
                    self._offered[fact.run, fact.job] = fact.at.timestamp()
                case JobStarted():
                    self._note_start(fact)
                case JobFinished():
                    self._offered.pop((fact.run, fact.job), None)
                    self._jobs.labels(fact.conclusion).inc()
                case LinesLogged():
                    self._lines.inc(len(fact.text))
                case _:
                    pass

    def _note_start(self, fact: JobStarted) -> None:
        offered = self._offered.pop((fact.run, fact.job), None)
        if offered is not None:
            self._waits.observe(max(0.0, fact.at.timestamp() - offered))

    def note_request(self, method: str, status: int, seconds: float) -> None:
        """One answer. Unknown methods are counted together: names are the caller's choice."""
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
        self._requests.labels(known, f"{status // 100}xx").observe(seconds)

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    @property
    def routes(self) -> list[BaseRoute]:
        """`/metrics`."""

        async def answer(request: Request) -> Response:  # noqa: ARG001 - the router's call
            return Response(await run_in_threadpool(self.render), headers={"content-type": CONTENT_TYPE_LATEST})

        return [Route("/metrics", answer)]


def gauges(engine: ServerEngine, database: Database) -> Iterable[tuple[str, str, float]]:
    """What waits and what goes on."""
    waiting, held = engine.board.count()
    yield "jobs_queued", "Jobs that wait for a runner", waiting
    yield "jobs_running", "Jobs that a runner has", held
    yield "database_writes_waiting", "Pieces of work that wait for the database's writer", database.waiting


class _Now(Collector):
    """What is measured when somebody looks."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """One family a value."""
        for name, says, value in self._gauges():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(f"homeport_{name}", says, value=value)


class Timing:
    """A middleware that counts answers and the time they took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. One without an answer counts as 5xx: its connection was broken off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 599

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._metrics.note_request(scope["method"], status, time.monotonic() - started)
