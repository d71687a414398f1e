"""`localstack/localstack`: AWS by moto's server, in memory, on one port.

Source: LocalStack's documentation, "Configuration" (environment variables, edge port 4566, `/_localstack/health`); moto's documentation, "Server
mode".
"""

import os
import sys

from homeport.runner.services.keeper import ServiceProgramError
from homeport.runner.services.programs import EXTRA_HINT, Search
from homeport.runner.services.providers.model import Asked, Honoured, Launch, Meaningless, Place, Refused, WithoutEffect
from homeport.runner.services.sockets import ask

_PROGRAM = os.path.join(os.path.dirname(__file__), "localstack_server.py")
_LICENSED = Refused("what needs a licence of LocalStack is not here")
_VARIABLES = {
    "SERVICES": Honoured(),
    "DEFAULT_REGION": Meaningless(),
    "AWS_DEFAULT_REGION": Meaningless(),
    "AWS_ACCESS_KEY_ID": Meaningless(),
    "AWS_SECRET_ACCESS_KEY": Meaningless(),
    "DEBUG": Meaningless(),
    "LS_LOG": Meaningless(),
    "EAGER_SERVICE_LOADING": Meaningless(),
    "STRICT_SERVICE_LOADING": Meaningless(),
    "SKIP_SSL_CERT_DOWNLOAD": Meaningless(),
    "DISABLE_EVENTS": Meaningless(),
    "DISABLE_CORS_CHECKS": Meaningless(),
    "DATA_DIR": Meaningless(),
    "DOCKER_HOST": WithoutEffect("nothing is run in containers"),
    "LAMBDA_EXECUTOR": WithoutEffect("functions are kept, and not run"),
    "LAMBDA_DOCKER_NETWORK": WithoutEffect("functions are kept, and not run"),
    "PERSISTENCE": WithoutEffect("everything is in memory, and thrown away"),
    "LOCALSTACK_HOST": WithoutEffect("the service is reached as localhost"),
    "HOSTNAME_EXTERNAL": WithoutEffect("the service is reached as localhost"),
    "GATEWAY_LISTEN": WithoutEffect("the service listens on the port that the job asks for"),
    "EDGE_PORT": WithoutEffect("the service listens on the port that the job asks for"),
    "LOCALSTACK_API_KEY": _LICENSED,
    "LOCALSTACK_AUTH_TOKEN": _LICENSED,
    "ACTIVATE_PRO": _LICENSED,
}
_OTHER_NAMES = {
    "configservice": "config",
    "es": "es",
    "elasticsearch": "es",
    "cloudwatch": "cloudwatch",
    "resource-groups": "resourcegroups",
    "stepfunctions": "stepfunctions",
    "cognito-idp": "cognitoidp",
    "cognito-identity": "cognitoidentity",
}


class LocalstackProvider:
    """The free image; `localstack-pro` is another."""

    variables = _VARIABLES

    def find_port(self, asked: Asked) -> int:  # noqa: ARG002 - the port of other images depends on it
        """The edge port."""
        return 4566

    def list_problems(self, asked: Asked, search: Search) -> list[str]:
        """No moto, services that it does not know, scripts that would have to run inside."""
        folder = search.find_package("moto")
        if folder is None or search.find_package("flask") is None:
            return [f"this machine has no moto server, which serves AWS here ({EXTRA_HINT})"]
        problems = [
            f"the service '{name}' of SERVICES is not among moto's"
            for name in list_services(asked.env.get("SERVICES", ""))
            if not os.path.isdir(f"{folder}/{find_module(name)}")
        ]
        if asked.entrypoint or asked.arguments:
            problems.append("its command cannot be replaced: the server is started directly")
        problems += [
            f"the volume {volume.source} holds scripts for LocalStack, which cannot be run here"
            for volume in asked.volumes
            if volume.target.startswith(("/etc/localstack/init", "/docker-entrypoint-initaws.d"))
        ]
        return problems

    def list_remarks(self, asked: Asked) -> list[str]:
        """What moto keeps and does not do."""
        services = list_services(asked.env.get("SERVICES", ""))
        return ["Lambda functions are kept, and not run"] if "lambda" in services else []

    def prepare(self, asked: Asked, place: Place) -> Launch:
        """Nothing is kept on disk."""
        folder = place.search.find_package("moto")
        if folder is None:
            raise ServiceProgramError("this machine has no moto server")
        account = place.keeper.account
        can_reach = account is None or (
            account.can_run(sys.executable) and account.can_pass(folder) and account.can_pass(os.path.dirname(_PROGRAM))
        )
        if not can_reach:
            place.say("It runs as Homeport's own user: an ordinary one cannot reach this Python.")
        version = read_version(folder)
        place.say(f"AWS is imitated by moto {version}.")
        services = ",".join(list_services(asked.env.get("SERVICES", "")))
        return Launch(
            arguments=(sys.executable, "-P", "-W", "ignore", _PROGRAM, str(place.port), services),
            environment={
                "PATH": os.defpath,
                "HOME": place.folder,
                "TMPDIR": place.folder,
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            product=f"AWS by moto {version}",
            is_ready=lambda: ask(place.port, _QUESTION).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")),
            health_environment=asked.env,
            own_health=("awslocal", "localstack "),
            shown=(sys.prefix, sys.base_prefix, os.path.dirname(_PROGRAM), os.path.dirname(folder)),
            drop=can_reach,
        )


_QUESTION = b"GET /_localstack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def list_services(text: str) -> list[str]:
    """The names in `SERVICES`, in small letters; older releases let each have a port (`s3:4572`)."""
    return [name.strip().partition(":")[0].lower() for name in text.split(",") if name.strip()]


def find_module(name: str) -> str:
    """What moto calls a service."""
    return {"lambda": "awslambda"}.get(name) or _OTHER_NAMES.get(name) or name.replace("-", "")


def read_version(folder: str) -> str:
    """The version of moto, without importing it (which takes a second)."""
    import importlib.metadata  # noqa: PLC0415 - slow to import

    try:
        return importlib.metadata.version("moto")
    except importlib.metadata.PackageNotFoundError:
        return f"in {folder}"
