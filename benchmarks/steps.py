"""How long single steps take, by the facts of a run: for claims about an action's work, apart from what a run costs as a whole."""

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.harness import BIN, measure_once

ROUNDS = int(os.environ.get("BENCH_STEP_RUNS", "5"))


def step_seconds(folder: Path, environment: Mapping[str, str], *options: str) -> dict[tuple[str, str], float]:
    """Run the workflow; the duration of every step by job and id (its number where it has none)."""
    done = subprocess.run(
        [str(BIN / "homeport"), "run", "--format", "json", *options],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the run ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    started: dict[tuple[str, str], datetime] = {}
    seconds: dict[tuple[str, str], float] = {}
    for fact in map(json.loads, done.stdout.splitlines()):
        if fact["type"] == "step_started":
            started[fact["job"], fact["step"]] = datetime.fromisoformat(fact["at"])
        elif fact["type"] == "step_finished" and (fact["job"], fact["step"]) in started:
            begun = started[fact["job"], fact["step"]]
            seconds[fact["job"], fact["step"]] = (datetime.fromisoformat(fact["at"]) - begun).total_seconds()
    return seconds


def in_turn(
    measures: Mapping[str, Callable[[], float]], rounds: int = ROUNDS, before: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """The median of each measure: one warm-up, then rounds in turn (A B A B …). `before` runs before each, unmeasured."""
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            before()
            taken = measure()
            if number:
                samples[name].append(taken)
    return {name: statistics.median(values) for name, values in samples.items()}


def command_seconds(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    """How long one command takes."""
    return measure_once(arguments, folder, environment).seconds
