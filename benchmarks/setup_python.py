"""A fresh job gets a Python and ten packages. Floor: a new virtual environment and the same packages by pip, from the same wheels.

The ten are pytest and requests with what they need. Both sides install from one folder of wheels, so that neither waits for an index;
uv has its own cache, warmed by the first round. Each side is a whole process: a run of Homeport, a script. And: what the engine adds to
a native action's own work, here looking up a cache that is not there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Contender, Row, bash, compare, homeport, median_seconds, repository, show_seconds
from homeport.runner.actions.native.setup_python.discovery import find_interpreters

VERSION = os.environ.get("BENCH_PYTHON", "3.12")
PACKAGES = "pytest requests"
STEPS = 21

WORKFLOW = """\
on: push
jobs:
  {name}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-python@v6
        with: {{python-version: '{version}'}}
      - run: {command}
"""
PIP = f"pip install --quiet {PACKAGES}"
UV = f"uv pip install --system --no-index --quiet {PACKAGES}"


def rows() -> Iterator[Row]:
    """Both ways of installing, and the cost of a step."""
    python, uv = _find_tools()
    with repository(WORKFLOW.format(name="pip", version=VERSION, command=PIP)) as (folder, plain):
        workflows = folder / ".github" / "workflows"
        (workflows / "uv.yml").write_text(WORKFLOW.format(name="uv", version=VERSION, command=UV))
        root = folder.parent
        environment = {**plain, **_prepare(root, python, uv)}
        floor = f"'{python}' -m venv '{root}/venv' && '{root}/venv/bin/pip' install --quiet {PACKAGES}"
        contenders = [
            Contender("pip", homeport(".github/workflows/bench.yml").arguments),
            Contender("uv", homeport(".github/workflows/uv.yml").arguments),
            Contender("venv", bash(floor).arguments, lambda: shutil.rmtree(root / "venv", ignore_errors=True)),
        ]
        samples = compare(contenders, folder, environment)
    seconds = {name: median_seconds(taken) for name, taken in samples.items()}
    beside = f"venv and pip {show_seconds(seconds['venv'])}"
    yield Row(
        "setup-python and ten packages by pip",
        show_seconds(seconds["pip"]),
        beside,
        seconds["pip"] / seconds["venv"],
        0.5,
    )
    yield Row(
        "setup-python and ten packages by uv", show_seconds(seconds["uv"]), beside, seconds["uv"] / seconds["venv"], 0.1
    )
    yield _measure_step()


def _find_tools() -> tuple[str, str]:
    here = [each for each in find_interpreters(os.environ) if each.short == VERSION and not each.pypy]
    if not here:
        raise SystemExit(f"there is no Python {VERSION} here: name another one by BENCH_PYTHON")
    folders = [folder for folder in os.environ.get("PATH", "").split(":") if not folder.endswith("/shims")]
    beside = [os.path.join(each.prefix, "bin") for each in find_interpreters(os.environ)]
    uv = shutil.which("uv", path=":".join([*folders, *beside]))
    if uv is None:
        raise SystemExit("there is no uv here: pip install uv")
    return here[0].executable, uv


def _prepare(root: Path, python: str, uv: str) -> dict[str, str]:
    """Fetch the wheels; uv alone on the PATH; nothing fetched afterwards."""
    wheels, tools = root / "wheels", root / "bin"
    tools.mkdir()
    (tools / "uv").symlink_to(os.path.realpath(uv))
    download = [
        python,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--only-binary=:all:",
        "--dest",
        str(wheels),
        *PACKAGES.split(),
    ]
    subprocess.run(download, check=True, stdin=subprocess.DEVNULL)
    count = len(list(wheels.glob("*.whl")))
    if count != 10:
        print(f"{PACKAGES} are {count} packages now, not ten", file=sys.stderr)
    system = "/usr/local/bin:/usr/bin:/bin"
    return {
        "PATH": f"{Path(sys.executable).parent}:{tools}:{system}",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_ROOT_USER_ACTION": "ignore",
        "UV_FIND_LINKS": str(wheels),
        "UV_CACHE_DIR": str(root / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
    }


LOOK_UP = """\
      - uses: actions/cache/restore@v4
        with: {path: nothing, key: missing}
"""
STEPS_WORKFLOW = "on: push\njobs:\n  steps:\n    runs-on: ubuntu-latest\n    steps:\n"


def _measure_step() -> Row:
    """The cost of one of many: a run of 21 such steps beside a run of one."""
    with repository(STEPS_WORKFLOW + LOOK_UP * STEPS) as (folder, environment):
        (folder / ".github" / "workflows" / "one.yml").write_text(STEPS_WORKFLOW + LOOK_UP)
        contenders = [
            Contender("many", homeport(".github/workflows/bench.yml").arguments),
            Contender("one", homeport(".github/workflows/one.yml").arguments),
        ]
        samples = compare(contenders, folder, environment)
    each = (median_seconds(samples["many"]) - median_seconds(samples["one"])) / (STEPS - 1)
    return Row("a native action that finds nothing to do", f"{each * 1000:.1f} ms", "bar 10 ms", each / 0.01, 1)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())
