"""What a JavaScript action costs over Node's own start (bar: 5 ms), and how fast archives travel through the HTTP services.

A command that runs Node comes before, as Node comes before Node in the floor: its first start after a checkout is a slow one.
"""

import http.client
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.toolkit import block_id, block_list, standing

from benchmarks.harness import MIB, Row, repository, show_seconds
from benchmarks.steps import ROUNDS, command_seconds, in_turn, step_seconds

ALLOWED_SECONDS = 0.005
SIZE_MIB = 256
WORKFLOW = """\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - {id: checkout, uses: actions/checkout@v4}
      - {id: warm, run: node action/main.js}
      - {id: first, uses: ./action}
      - {id: second, uses: ./action}
      - {id: third, uses: ./action}
"""
ACTION = "name: empty\ninputs: {token: {default: '${{ github.token }}'}}\nruns: {using: node20, main: main.js}\n"


def rows() -> Iterator[Row]:
    """The first action of a job, which signs the job's token, and later ones."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("this needs Node.js: install nodejs")
    with repository(WORKFLOW) as (folder, environment):
        (folder / "action").mkdir()
        (folder / "action" / "action.yml").write_text(ACTION)
        (folder / "action" / "main.js").write_text("")
        first, later, bare = _measure(node, folder, environment)
    for claim, taken in (("first JavaScript action of a job", first), ("each further JavaScript action", later)):
        over = taken - bare
        yield Row(
            f"{claim}, over Node's start (1 is 5 ms)",
            show_seconds(taken),
            f"node {show_seconds(bare)}",
            over / ALLOWED_SECONDS,
            1,
        )


def _measure(node: str, folder: Path, environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Medians of: the first step, the later ones, Node alone. Node's start varies, so it is timed often, between the runs."""
    firsts: list[float] = []
    laters: list[float] = []
    bares: list[float] = []
    for number in range(2 * ROUNDS + 1):
        seconds = step_seconds(folder, environment)
        bare = [command_seconds([node, "action/main.js"], folder, environment) for _ in range(3)]
        if number:
            firsts.append(seconds["one", "first"])
            laters += [seconds["one", "second"], seconds["one", "third"]]
            bares += bare
    return statistics.median(firsts), statistics.median(laters), statistics.median(bares)


def show_transfers() -> None:
    """For information, not a bar: a blob of 256 MiB in blocks of 8 MiB, up, finalized, and down, beside `cp` of the same file."""
    block = bytes(8 * MIB)
    with tempfile.TemporaryDirectory(prefix="homeport-bench-") as name, standing(Path(name)) as stand:
        job = stand.open()
        source, target = Path(name, "source"), Path(name, "target")
        source.write_bytes(bytes(SIZE_MIB * MIB))

        def up() -> float:
            started = time.perf_counter()
            created = job.call("ArtifactService", "CreateArtifact", name="large", version=4).json["signed_upload_url"]
            parts = urlsplit(created)
            connection = http.client.HTTPConnection("127.0.0.1", stand.toolkit.port)
            for number in range(SIZE_MIB // 8):
                connection.request("PUT", f"{parts.path}?{parts.query}&comp=block&blockid={block_id(number)}", block)
                connection.getresponse().read()
            stand.send("PUT", f"{created}&comp=blocklist", block_list(*map(block_id, range(SIZE_MIB // 8))))
            job.call("ArtifactService", "FinalizeArtifact", name="large", size=str(SIZE_MIB * MIB))
            return time.perf_counter() - started

        def down() -> float:
            started = time.perf_counter()
            signed = job.call("ArtifactService", "GetSignedArtifactURL", name="large").json["signed_url"]
            stand.send("GET", signed)
            taken = time.perf_counter() - started
            job.call("ArtifactService", "DeleteArtifact", name="large")
            return taken

        medians = in_turn(
            {"up": up, "down": down, "cp": lambda: command_seconds(["cp", str(source), str(target)], Path(name), {})}
        )
    for way in ("up", "down"):
        rate = f"{SIZE_MIB / medians[way]:.0f} MiB/s"
        print(f"an artifact of {SIZE_MIB} MiB {way} over HTTP: {rate}; cp: {SIZE_MIB / medians['cp']:.0f} MiB/s")


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())
    show_transfers()
