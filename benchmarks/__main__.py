"""Runs every benchmark and prints the table that the README shows."""

import sys

from benchmarks import (
    artifacts,
    caches,
    chain,
    check_speed,
    checkout,
    hundred_steps,
    javascript_action,
    log_lines,
    matrix_legs,
    one_step,
    plan_speed,
    postgres_service,
    remote_action,
    sandbox,
    server_deliveries,
    server_history,
    server_log,
    server_memory,
    server_pages,
    server_runs,
    setup_python,
)
from benchmarks.harness import describe_machine

SCRIPTS = (
    one_step,
    hundred_steps,
    matrix_legs,
    chain,
    log_lines,
    check_speed,
    plan_speed,
    sandbox,
    setup_python,
    postgres_service,
    checkout,
    caches,
    artifacts,
    javascript_action,
    remote_action,
    server_history,
    server_log,
    server_memory,
    server_deliveries,
    server_runs,
    server_pages,
)


def main() -> int:
    """The whole table, as Markdown on stdout."""
    print(f"Measured on {describe_machine()}.\n")
    print("| claim | Homeport | beside | ratio | bar | |\n|---|---|---|---|---|---|")
    for script in SCRIPTS:
        for row in script.rows():
            print(row.markdown(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
