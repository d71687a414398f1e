"""Starts podman's API service on a socket of our own, where podman is installed and nobody has started it."""

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

from homeport.runner.containers import keeper
from homeport.runner.containers.errors import EngineError

_LIMIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02


class PodmanService:
    """A running service. It ends with `close`, or with this process, whatever happens to that."""

    def __init__(self, podman: str, environment: Mapping[str, str], owner: str) -> None:
        """Start it and wait until it listens. Raises `EngineError`."""
        runtime = environment.get("XDG_RUNTIME_DIR", "")
        # a short path: a socket's may have 107 bytes
        self._folder = tempfile.mkdtemp(prefix="homeport-", dir=runtime if os.access(runtime, os.W_OK) else None)
        self.socket = f"{self._folder}/podman.sock"
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, podman, self._folder, owner],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment},
            )
        except OSError as error:
            os.rmdir(self._folder)
            raise EngineError(f"podman could not be started: {error.strerror}") from error
        try:
            self._await_socket()
        except EngineError:
            self.close()
            raise

    def _await_socket(self) -> None:
        for _ in range(int(_LIMIT_SECONDS / _PAUSE_SECONDS)):
            if _answers(self.socket):
                return
            if self._keeper.poll() is not None:
                break
            time.sleep(_PAUSE_SECONDS)
        raise EngineError(f"podman was started, but does not answer{self._find_words()}")

    def _find_words(self) -> str:
        """The keeper tells them when podman has ended by itself."""
        output = self._keeper.stdout
        if output is None or self._keeper.poll() is None:
            return ""
        return ": " + output.read(4000).decode("utf-8", "replace")

    def close(self, *, is_clean: bool = True) -> None:
        """End it. `is_clean`: there is no container of ours any more. Safe to repeat."""
        stdin = self._keeper.stdin
        if stdin is None or stdin.closed:
            return
        try:
            if is_clean:
                stdin.write(b".")
            stdin.close()
        except BrokenPipeError:
            pass
        self._keeper.wait()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(path)
        except OSError:
            return False
        tried.sendall(b"GET /_ping HTTP/1.0\r\nHost: d\r\n\r\n")
        return bool(select.select([tried], [], [], _LIMIT_SECONDS)[0]) and tried.recv(64).startswith(b"HTTP/1")
