"""Asks a service on its port whether it is there, in the words of its own protocol."""

import socket
import struct

_ADDRESS = "127.0.0.1"
_SECONDS = 2.0


def ask(port: int, question: bytes, size: int = 512) -> bytes:
    """The beginning of the answer; empty where there is none."""
    try:
        with socket.create_connection((_ADDRESS, port), _SECONDS) as connection:
            connection.sendall(question)
            return connection.recv(size)
    except OSError:
        return b""


def answers_postgres(port: int, user: str, database: str) -> bool:
    """Whether a server takes connections (PostgreSQL docs, "Message flow"): it asks for a password, lets in, or says why not; while it
    starts it answers `57P03`.
    """
    body = struct.pack("!I", 196608) + b"".join(
        name + b"\0" + value.encode("utf-8", "replace") + b"\0"
        for name, value in ((b"user", user), (b"database", database))
    )
    answer = ask(port, struct.pack("!I", len(body) + 5) + body + b"\0")
    return answer.startswith(b"R") or (answer.startswith(b"E") and b"57P03" not in answer)


def answers_redis(port: int) -> bool:
    """Whether a server answers a ping; one that wants a password first is there too."""
    return ask(port, b"PING\r\n").startswith((b"+PONG", b"-NOAUTH", b"-NOPERM"))


def answers_http(port: int, path: str) -> bool:
    """Whether a server answers a request at all."""
    question = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    return ask(port, question.encode("ascii")).startswith(b"HTTP/1.")
