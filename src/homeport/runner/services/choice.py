"""Chooses who starts services: a container engine where one works, else programs of this machine (`--services auto|engine|native`)."""

import threading
from collections.abc import Callable
from typing import Literal

from homeport.ports.containers import (
    ContainerSpec,
    JobServices,
    RunningService,
    ServiceHost,
    ServiceUnavailableError,
)
from homeport.ports.peer import JobOrder

Preference = Literal["auto", "engine", "native"]
NATIVE_HINT = "`--services native` would serve this image with a program of this machine"
_NO_ENGINE = "no container engine answers on this machine, and --services is engine"


class ChosenServiceHost:
    """A `ServiceHost` that asks for an engine once, with the first service. Thread-safe.

    `find_engine` gives None where no engine answers. An engine that cannot have one image is not given up for a provider: a job would
    get another program than it did the day before, and not be told.
    """

    def __init__(
        self,
        preference: Preference,
        find_engine: Callable[[], ServiceHost | None],
        make_native: Callable[[], ServiceHost],
    ) -> None:
        self._preference = preference
        self._find_engine = find_engine
        self._make_native = make_native
        self._lock = threading.Lock()
        self._native: ServiceHost | None = None
        self._engine: ServiceHost | None = None
        self._is_asked = False

    def find_refusal(self, spec: ContainerSpec) -> str | None:
        """What the chosen one says."""
        engine = self._ask_for_engine()
        if engine is not None:
            return engine.find_refusal(spec)
        return _NO_ENGINE if self._preference == "engine" else self._get_native().find_refusal(spec)

    def open(self, order: JobOrder) -> JobServices:
        """The chosen one's."""
        engine = self._ask_for_engine()
        if engine is not None:
            return _HintingServices(engine.open(order), self._get_native())
        if self._preference == "engine":
            raise ServiceUnavailableError(_NO_ENGINE, order.job.id_span)
        return self._get_native().open(order)

    def _ask_for_engine(self) -> ServiceHost | None:
        with self._lock:
            if not self._is_asked:
                self._is_asked = True
                self._engine = None if self._preference == "native" else self._find_engine()
            return self._engine

    def _get_native(self) -> ServiceHost:
        with self._lock:
            self._native = self._native or self._make_native()
            return self._native


class _HintingServices:
    """An engine's services; where one cannot be had, it is said that a program of this machine could serve."""

    def __init__(self, services: JobServices, native: ServiceHost) -> None:
        self._services = services
        self._native = native

    @property
    def network(self) -> str:
        """The engine's."""
        return self._services.network

    def start(self, spec: ContainerSpec) -> RunningService:
        """As the engine does."""
        try:
            return self._services.start(spec)
        except ServiceUnavailableError as error:
            if self._native.find_refusal(spec) is not None:
                raise
            hint = NATIVE_HINT if error.hint is None else f"{error.hint}; {NATIVE_HINT}"
            raise ServiceUnavailableError(error.message, error.span, hint=hint, log=error.log) from error

    def close(self) -> None:
        """As the engine does."""
        self._services.close()
