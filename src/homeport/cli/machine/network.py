"""Asks whether what jobs fetch things from can be reached: package indexes, and the place where published actions come from."""

import urllib.error
import urllib.request
from collections.abc import Iterator

from homeport.cli.machine.machine import Machine
from homeport.cli.machine.model import Part

_SECONDS = 10


def look_at_network(machine: Machine) -> Iterator[Part]:
    """One question to each; the proxy and certificate variables of the environment hold."""
    host = machine.host
    index = host.get("UV_DEFAULT_INDEX") or host.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    npm = host.get("NPM_CONFIG_REGISTRY") or host.get("npm_config_registry") or "https://registry.npmjs.org"
    for name, url in (
        ("Python packages", f"{index.rstrip('/')}/pip/"),
        ("npm packages", f"{npm.rstrip('/')}/-/ping"),
        ("published actions", "https://github.com/actions/checkout/info/refs?service=git-upload-pack"),
    ):
        why = _ask(url)
        place = url.partition("://")[2].partition("/")[0].rpartition("@")[2]  # never a name or password of the index
        detail = f"{place}: {why}" if why else place
        yield Part(area="Network", name=name, status="missing" if why else "ready", detail=detail)


def _ask(url: str) -> str:
    """Why it cannot be reached; empty where it answers, whatever it says of the one page."""
    if not url.startswith(("https://", "http://")):
        return "its address is not one of HTTP"
    request = urllib.request.Request(url, headers={"User-Agent": "homeport-doctor"})  # noqa: S310 - looked at above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 and error.code not in {403, 407} else f"it answers {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"it cannot be reached ({reason})"
