"""The compose file and the Containerfile fit one another, and the server that they start."""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from homeport.cli.commands import serve
from homeport.cli.options import parse_options

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "packaging" / "compose.yaml"


@pytest.fixture
def server() -> Any:
    """The one service, with the variables of nobody in particular."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", COMPOSE.read_text())
    return yaml.safe_load(text)["services"]["server"]


def read_instructions() -> dict[str, str]:
    """The last of each kind."""
    text = (ROOT / "packaging" / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line[:1].isupper()]
    return {name: rest for name, _, rest in lines}


def test_the_paths_of_the_build_are_there(server: Any) -> None:
    context = COMPOSE.parent / server["build"]["context"]
    assert (context / server["build"]["dockerfile"]).samefile(ROOT / "packaging" / "Containerfile")
    assert set(server["build"]["args"]) == {read_instructions()["ARG"].partition("=")[0]}
    copied = [
        word
        for line in (ROOT / "packaging" / "Containerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in shlex.split(line)[1:-1]
    ]
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / path).exists() for path in copied)


def test_the_words_are_those_of_the_command(server: Any) -> None:
    words = msgspec.json.decode(read_instructions()["ENTRYPOINT"], type=list[str])
    assert words[:2] == ["homeport", "serve"]
    options = parse_options(serve.COMMAND, [*words[2:], *server["command"]])
    assert options.get("--listen", "") == "0.0.0.0:8080"
    assert options.get("--public-url", "") == "http://localhost:8080"


def test_what_is_kept_is_in_the_volume_and_the_port_is_this_machines_alone(server: Any) -> None:
    instructions = read_instructions()
    (volume,) = server["volumes"]
    assert volume == f"data:{instructions['VOLUME']}"
    assert f"HOMEPORT_HOME={instructions['VOLUME']}" in instructions["ENV"].split()
    assert server["ports"] == [f"127.0.0.1:8080:{instructions['EXPOSE']}"]
    assert instructions["USER"] == "homeport"
