"""The services of one process: what they cost before anybody calls, where they listen, what becomes of them."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from homeport.ports.toolkit import STAND_IN_PREFIX
from tests.support.disks import small_disk
from tests.support.toolkit import Stand, block_id, standing


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


def test_nothing_is_served_until_somebody_connects(stand: Stand) -> None:
    job = stand.open()
    assert job.toolkit.variables["ACTIONS_RUNTIME_TOKEN"].count(".") == 2
    assert not stand.toolkit.is_serving
    assert stand.send("GET", "/.well-known/openid-configuration").status == 200
    assert stand.toolkit.is_serving


def test_a_job_that_nobody_asks_anything_of_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
        import sys, tempfile
        from homeport.toolkit.local import LocalToolkit
        from tests.support.toolkit import Stand, Limits, Issuer
        from pathlib import Path
        before = set(sys.modules)
        with tempfile.TemporaryDirectory() as folder:
            stand = Stand(Path(folder), limits=Limits(), issuer=Issuer(), uploads=None)
            for name in [name for name in sys.modules if name.partition('.')[0] in ('starlette', 'jwt', 'uvicorn')]:
                raise SystemExit(f'{name} was imported for the test')
            job = stand.open()
            dict(job.toolkit.variables), dict(job.toolkit.identity_variables)
            stand.toolkit.close()
            stand.toolkit.join()
        heavy = {'asyncio', 'starlette', 'uvicorn', 'jwt', 'cryptography', 'anyio'}
        print(sorted(heavy & {name.partition('.')[0] for name in set(sys.modules) - before}))
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout == "[]\n"


def test_jobs_share_the_socket_and_no_token(stand: Stand) -> None:
    one, other = stand.open(), stand.open(key="other")
    assert one.toolkit.address == other.toolkit.address == f"http://127.0.0.1:{stand.toolkit.port}"
    assert not set(one.toolkit.secrets) & set(other.toolkit.secrets)
    assert one.toolkit.token.startswith(STAND_IN_PREFIX)
    one.toolkit.close()
    assert other.call("ArtifactService", "ListArtifacts").status == 200


def test_it_listens_at_another_address_too_when_it_is_asked_to(stand: Stand) -> None:
    job = stand.open()
    for moment in ("before anybody has called", "while it serves"):
        address = {"before anybody has called": "127.0.0.2", "while it serves": "127.0.0.3"}[moment]
        stand.toolkit.listen_on(address)
        stand.toolkit.listen_on(address)
        variables = job.toolkit.variables_at(address)
        assert variables["ACTIONS_RESULTS_URL"] == f"http://{address}:{stand.toolkit.port}/"
        assert variables["ACTIONS_ID_TOKEN_REQUEST_URL"].startswith(f"http://{address}:")
        connection = http.client.HTTPConnection(address, stand.toolkit.port, timeout=60)
        connection.request("GET", "/.well-known/openid-configuration")
        assert f"http://{address}:" in connection.getresponse().read().decode()
        connection.close()
    with pytest.raises(OSError, match=r"nothing can listen on 192\.0\.2\.1"):
        stand.toolkit.listen_on("192.0.2.1")


def test_closing_ends_it_and_may_be_repeated(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        stand.toolkit.close()
        stand.open()
        assert stand.send("GET", "/.well-known/openid-configuration").status == 200
        stand.toolkit.close()
        stand.toolkit.close()
        stand.toolkit.join()
        with pytest.raises(OSError, match="refused"):
            stand.send("GET", "/")


def test_the_servers_name_is_left_alone_where_the_clients_trust_it(stand: Stand) -> None:
    for server in ("https://github.com", "https://octo.ghe.com", "http://git.localhost:3000"):
        assert "GITHUB_SERVER_URL" not in stand.open(github={"server_url": server}).toolkit.variables
    for server in ("https://git.example.com", "https://github.com.example.com", "https://notghe.com", ""):
        variables = stand.open(github={"server_url": server}).toolkit.variables
        assert variables["GITHUB_SERVER_URL"] == f"http://homeport.localhost:{stand.toolkit.port}"


def test_with_a_token_of_the_users_the_api_is_the_forges(stand: Stand) -> None:
    assert "GITHUB_API_URL" in stand.open().toolkit.variables
    assert "GITHUB_API_URL" not in stand.open(given_token="theirs").toolkit.variables


def test_a_full_disk_fails_the_upload_and_nothing_of_it_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "1m") as small, standing(tmp_path, uploads=small) as stand:
        job = stand.open()
        created = job.call("ArtifactService", "CreateArtifact", name="dist", version=4).json["signed_upload_url"]
        full = stand.send("PUT", f"{created}&comp=block&blockid={block_id(0)}", b"x" * 3_000_000)
        assert (full.status, full.json["code"]) == (507, "resource_exhausted")
        assert "no space left" in full.json["msg"]
        assert stand.left_over() == []
        assert job.upload(b"small", name="other").status == 200
