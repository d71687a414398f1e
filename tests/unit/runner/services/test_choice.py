"""Who starts services: an engine where there is one, and never another than was chosen."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from homeport.ports.containers import ContainerSpec, Health, ServiceUnavailableError
from homeport.ports.peer import JobOrder
from homeport.runner.services.choice import NATIVE_HINT, ChosenServiceHost, Preference
from tests.support.jobs import Bench
from tests.support.services import native_host, spec


class Running:
    """A service of `RecordingHost`."""

    id = "id"
    network = "network"
    ports: Mapping[str, str] = {}
    remarks = ()

    def health(self) -> Health:
        return "healthy"

    def log(self) -> str:
        return ""


class RecordingHost:
    """A `ServiceHost` that starts nothing, cannot pull what it is told, and remembers what it was asked."""

    network = "network"

    def __init__(self, name: str, *, missing: str = "") -> None:
        self.name = name
        self.missing = missing
        self.asked: list[str] = []

    def find_refusal(self, wanted: ContainerSpec) -> str | None:
        self.asked.append(wanted.image)
        return f"{self.name} does not know it" if "unknown" in wanted.image else None

    def open(self, order: JobOrder) -> "RecordingHost":
        self.asked.append("open")
        return self

    def start(self, wanted: ContainerSpec) -> Running:
        if self.missing and self.missing in wanted.image:
            raise ServiceUnavailableError("cannot be pulled", wanted.span, hint="sign in", log="401")
        self.asked.append(f"start {wanted.image}")
        return Running()

    def close(self) -> None:
        self.asked.append("close")


@pytest.fixture
def order(tmp_path: Path) -> JobOrder:
    return Bench(tmp_path).order("on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n")


@pytest.mark.parametrize(
    ("preference", "is_there", "chosen"),
    [
        ("auto", True, "engine"),
        ("auto", False, "native"),
        ("engine", True, "engine"),
        ("engine", False, "engine"),
        ("native", True, "native"),
    ],
)
def test_one_is_chosen_for_all_services_and_the_engine_is_looked_for_once(
    order: JobOrder, preference: Preference, is_there: bool, chosen: str
) -> None:
    engine, native = RecordingHost("engine"), RecordingHost("native")
    looked: list[bool] = []

    def look() -> bool:
        looked.append(True)
        return is_there

    host = ChosenServiceHost(preference, engine, look, native)
    assert host.find_refusal(spec("unknown")) == f"{chosen} does not know it"
    services = host.open(order)
    services.start(spec("redis"))
    services.close()
    used, other = (engine, native) if chosen == "engine" else (native, engine)
    assert used.asked == ["unknown", "open", "start redis", "close"]
    assert other.asked == []
    assert looked == ([True] if preference == "auto" else [])


def test_an_engine_that_cannot_pull_fails_and_the_hint_names_the_provider(order: JobOrder, tmp_path: Path) -> None:
    engine = RecordingHost("engine", missing="r")
    host = ChosenServiceHost("auto", engine, lambda: True, native_host(tmp_path))
    services = host.open(order)
    with pytest.raises(ServiceUnavailableError, match="cannot be pulled") as raised:
        services.start(spec("redis"))
    assert raised.value.hint == f"sign in; {NATIVE_HINT}"
    assert raised.value.log == "401"
    with pytest.raises(ServiceUnavailableError) as raised:
        services.start(spec("rabbitmq"))
    assert raised.value.hint == "sign in"
