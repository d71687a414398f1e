"""Where steps find Docker, if the machine has only podman: what `docker` and its libraries look for is `DOCKER_HOST`."""

import os
from collections.abc import Mapping


def find_docker_host(environment: Mapping[str, str]) -> str | None:
    """The value for processes of the user's, who may use that socket anyway; None where nothing need be said. Nothing is started."""
    if named := environment.get("DOCKER_HOST"):
        return named
    if os.path.exists("/var/run/docker.sock"):
        return None
    runtime = environment.get("XDG_RUNTIME_DIR")
    places = [*([f"{runtime}/podman/podman.sock"] if runtime else []), "/run/podman/podman.sock"]
    return next((f"unix://{path}" for path in places if os.access(path, os.R_OK | os.W_OK)), None)
