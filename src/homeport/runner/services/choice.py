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


class ChosenServiceHost:
    """A `ServiceHost` that looks for an engine once, with the first service. Thread-safe.

    `has_engine` says whether one answers. An engine that cannot have one image is not given up for a provider: a job would get another
    program than it did the day before, and not be told.
    """

    def __init__(
        self, preference: Preference, engine: ServiceHost, has_engine: Callable[[], bool], native: ServiceHost
    ) -> None:
        self._preference = preference
        self._engine = engine
        self._has_engine = has_engine
        self._native = native
        self._lock = threading.Lock()
        self._uses_engine: bool | None = {"engine": True, "native": False}.get(preference)

    def find_refusal(self, spec: ContainerSpec) -> str | None:
        """What the chosen one says."""
        return (self._engine if self._is_engine_used() else self._native).find_refusal(spec)

    def open(self, order: JobOrder) -> JobServices:
        """The chosen one's."""
        if self._is_engine_used():
            return _HintingServices(self._engine.open(order), self._native)
        return self._native.open(order)

    def _is_engine_used(self) -> bool:
        with self._lock:
            if self._uses_engine is None:
                self._uses_engine = self._has_engine()
            return self._uses_engine


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
