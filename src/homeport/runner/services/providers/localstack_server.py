"""moto's server on LocalStack's edge port, with LocalStack's answer to whether it is healthy: a program, started by `localstack.py`.

Source: LocalStack's documentation, "Internal endpoints: /_localstack/health" (services by name: `available`, `running`, `disabled`).
"""

import json
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.backends import list_of_moto_modules
from moto.moto_server import werkzeug_app
from werkzeug.serving import run_simple

Start = Callable[..., Any]
_HEALTH = ("/_localstack/health", "/health", "/_localstack/info")


class Edge:
    """LocalStack's own paths, and everything else to moto."""

    def __init__(self, services: list[str]) -> None:
        self._moto = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)
        self._services = services or sorted(list_of_moto_modules())

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """WSGI."""
        if environ.get("PATH_INFO") in _HEALTH:
            body = json.dumps(
                {"services": dict.fromkeys(self._services, "available"), "edition": "community", "version": "moto"}
            ).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            start_response("200 OK", headers)
            return [body]
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    edge = Edge([name for name in sys.argv[2].split(",") if name])
    handler = getattr(werkzeug_app, "MotoRequestHandler", None)  # of newer releases: it keeps the case of metadata
    run_simple("127.0.0.1", int(sys.argv[1]), edge, threaded=True, request_handler=handler)
