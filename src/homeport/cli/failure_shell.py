"""`--shell-on-failure`: opens a shell where a step failed, while everything else goes on unseen."""

import subprocess
import threading

from homeport.cli.console import Console
from homeport.cli.session import Onlookers
from homeport.runner.settings import FailedStep


class FailureShell:
    """One shell at a time; the job waits until it is left. Called in the threads of jobs."""

    def __init__(self, onlookers: Onlookers, console: Console) -> None:
        self._onlookers = onlookers
        self._console = console
        self._turn = threading.Lock()

    def __call__(self, failed: FailedStep) -> None:
        """Show no more facts, run the user's shell with the step's folder and environment, and show what happened meanwhile."""
        shell = self._console.environment.get("SHELL") or "/bin/sh"
        self._onlookers.await_failure(failed.run, failed.job, failed.number)
        with self._turn, self._onlookers.held_back():
            self._console.say(
                f"homeport: step {failed.number} '{failed.name}' of job '{failed.job}' failed. "
                f"This shell stands in {failed.working_directory}; leave it to go on."
            )
            terminal = {"TERM": self._console.environment.get("TERM", "dumb")}
            try:
                subprocess.run(
                    [shell], cwd=failed.working_directory, env={**failed.environment, **terminal}, check=False
                )
            except OSError as error:
                self._console.say(f"homeport: {shell} cannot be started: {error.strerror}")
