"""Ports as they are written, and ports of the machine."""

import socket

import pytest

from homeport.runner.services.ports import PortError, PortHolder, PortRequest, read_ports


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("5432", [(5432, 0, "tcp")]),
        ("5432:5432", [(5432, 5432, "tcp")]),
        ("15432:5432/tcp", [(5432, 15432, "tcp")]),
        ("127.0.0.1:8080:80", [(80, 8080, "tcp")]),
        ("127.0.0.1::80", [(80, 0, "tcp")]),
        ("[::1]:8080:80", [(80, 8080, "tcp")]),
        ("53/udp", [(53, 0, "udp")]),
        ("4510-4511:4510-4511", [(4510, 4510, "tcp"), (4511, 4511, "tcp")]),
        ("4510-4511", [(4510, 0, "tcp"), (4511, 0, "tcp")]),
    ],
)
def test_ports_are_read_as_docker_reads_them(text: str, requests: list[tuple[int, int, str]]) -> None:
    found, problems = read_ports([text])
    assert (found, problems) == ([PortRequest(*each) for each in requests], [])


@pytest.mark.parametrize("text", ["", "http", "70000", "1:2:3:4", "80-70", "1-2:3-5", "80/icmp"])
def test_what_is_not_a_port_is_said(text: str) -> None:
    found, (problem,) = read_ports([text])
    assert found == []
    assert repr(text)[1:-1] in problem


def test_a_port_that_another_program_listens_on_cannot_be_held() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        with pytest.raises(PortError, match=f"port {number} .* taken by another program"):
            PortHolder().hold(number, "me")


def test_a_port_that_is_held_for_one_service_says_for_which() -> None:
    holder = PortHolder()
    held = holder.hold(0, "the service 'db'")
    with pytest.raises(PortError, match="taken by the service 'db'"):
        holder.hold(held.number, "me")
    held.release()
    holder.hold(held.number, "me").release()


def test_the_service_itself_may_listen_on_its_held_port() -> None:
    held = PortHolder().hold(0, "me")
    with socket.create_server(("127.0.0.1", held.number)) as service:
        assert service.getsockname()[1] == held.number
    held.release()
