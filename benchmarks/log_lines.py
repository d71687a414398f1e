"""200,000 and 1,000,000 log lines, masked for three secrets, timestamped and stored: against `cat > file`, act, and a memory bar.

The step's own program (awk) runs on all sides, so the ratio to the floor is that of the same work with and without an engine.
"""

from collections.abc import Iterator

from benchmarks.harness import Row, act, bash, compare, homeport, median_seconds, peak_mib, repository, show_seconds

SECRETS = {"FIRST": "correct-horse-battery", "SECOND": "staple-7f3a9c", "THIRD": "hunter2-but-longer"}
MEMORY_BAR_MIB = 60


def printer(lines: int) -> str:
    """A program that prints that many lines of about 60 bytes; every thousandth holds a secret."""
    return (
        f'awk \'BEGIN {{ for (i = 1; i <= {lines}; i++) if (i % 1000 == 0) print "line " i " with {SECRETS["FIRST"]} in it"; '
        f'else print "line " i " of the log of a step that has very much to say" }}\''
    )


def workflow(lines: int) -> str:
    """One step that prints them, with three secrets in its environment."""
    secrets = "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in SECRETS)
    return (
        "on: push\njobs:\n  loud:\n    runs-on: ubuntu-latest\n    steps:\n"
        f"      - run: |\n          {printer(lines)}\n        env:\n{secrets}"
    )


def rows() -> Iterator[Row]:
    """Both sizes."""
    for lines in (200_000, 1_000_000):
        yield from measure(lines)


def measure(lines: int) -> Iterator[Row]:
    """One size against both, and the peak memory."""
    with repository(workflow(lines)) as (folder, environment):
        secret_file = folder.parent / "secrets"
        secret_file.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
        option = ("--secret-file", str(secret_file))
        floor = bash(f"{printer(lines)} | cat > {folder.parent}/copy")
        samples = compare([homeport(*option), act(*option), floor], folder, environment)
    seconds = median_seconds(samples["homeport"])
    for name, shown, bar in (("bash", "cat > file", 5.0), ("act", "act", 0.3)):
        theirs = median_seconds(samples[name])
        yield Row(f"{lines:,} lines", show_seconds(seconds), f"{shown} {show_seconds(theirs)}", seconds / theirs, bar)
    peak = peak_mib(samples["homeport"])
    yield Row(f"{lines:,} lines, peak memory", f"{peak:.0f} MiB", f"{MEMORY_BAR_MIB} MiB", peak / MEMORY_BAR_MIB, 1)


if __name__ == "__main__":
    for row in rows():
        print(row.markdown())
