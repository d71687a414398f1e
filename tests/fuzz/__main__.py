"""Runs every target in a process of its own for its share of the time; a finding ends with its input and exit code 1."""

import argparse
import subprocess
import sys

HANG_SECONDS = 10


def fuzz_one(name: str, seconds: int) -> None:
    """Fuzz one target in this process; never returns (libFuzzer ends the process)."""
    import atheris  # noqa: PLC0415 - it instruments what is imported after it

    with atheris.instrument_imports(include=["homeport"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415

    options = [sys.argv[0], f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", "-max_len=4096", "-verbosity=0"]
    atheris.Setup(options, TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """All targets in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="for all targets together")
    parser.add_argument("--target", choices=("reader", "workflow", "expression", "commands"))
    options = parser.parse_args()
    if options.target:
        fuzz_one(options.target, options.seconds)
    share = str(options.seconds // 4)
    failed = []
    for name in ("reader", "workflow", "expression", "commands"):
        print(f"fuzzing {name} for {share} s ...", flush=True)
        command = [sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", share]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(name)
    print(f"found something in: {', '.join(failed)}" if failed else "found nothing")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
