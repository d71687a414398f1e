"""Services as containers, in the network of their job."""

from collections.abc import Mapping

from homeport.ports.containers import ContainerSpec, Health
from homeport.runner.containers.creation import Frame, create, explain
from homeport.runner.containers.engine import Engine
from homeport.runner.containers.errors import EngineError
from homeport.runner.containers.health import HealthProbe, is_checked
from homeport.runner.containers.monitors import end_monitors


class EngineService:
    """A `RunningService` in a container."""

    def __init__(self, engine: Engine, spec: ContainerSpec, frame: Frame) -> None:
        """Fetch, make and start it. Raises `ServiceUnavailableError`; nothing is left then."""
        self._engine = engine
        self._probe: HealthProbe | None = None
        self.network = frame.network
        self.remarks: tuple[str, ...] = ()
        self.id = create(engine, spec, frame)
        try:
            engine.start(self.id)
            found = engine.inspect(self.id)
        except EngineError as error:
            log = self.log()
            self._remove()
            raise explain(spec, "started", error, log) from error
        self.ports: Mapping[str, str] = found.ports
        self._is_checked = is_checked(found.health_check)
        if self._is_checked and engine.is_podman:
            self._probe = HealthProbe(engine, self.id, found.health_check)

    def health(self) -> Health:
        """How it stands now."""
        try:
            found = self._engine.inspect(self.id)
        except EngineError:
            return "ended"
        if not found.is_running:
            return "ended"
        if self._probe is not None:
            return self._probe.status
        if not self._is_checked:
            return "healthy"
        match found.health:
            case "healthy":
                return "healthy"
            case "unhealthy":
                return "unhealthy"
            case _:
                return "starting"

    def log(self) -> str:
        """What it has printed."""
        try:
            return self._engine.logs(self.id)
        except EngineError:
            return ""

    def close(self) -> None:
        """End and remove it. Raises `EngineError`."""
        if self._probe is not None:
            self._probe.close()
        self._engine.remove(self.id)
        if self._engine.is_podman:
            end_monitors(self.id)

    def _remove(self) -> None:
        try:
            self._engine.remove(self.id)
        except EngineError:
            return  # the engine is gone; what it left is removed when Homeport starts next
