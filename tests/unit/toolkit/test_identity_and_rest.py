"""Identity tokens, the REST interface and git, as callers that are not the client packages see them."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from homeport.plan.model import PlannedEnvironment
from homeport.tokens.identity import IdentityKey
from homeport.toolkit.parts import Issuer
from tests.support.git_folders import commit, git, init, write
from tests.support.toolkit import Job, Reply, Stand, standing

PULL = {"event_name": "pull_request", "ref": "refs/pull/7/merge", "base_ref": "main", "head_ref": "topic"}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


@pytest.fixture
def job(stand: Stand) -> Job:
    return stand.open()


# --- identity --------------------------------------------------------------------------------------------------------


def ask(job: Job, query: str = "") -> Reply:
    variables = job.toolkit.identity_variables
    token = variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    address = variables["ACTIONS_ID_TOKEN_REQUEST_URL"] + query
    return job.services.send("GET", address, headers={"Authorization": f"bearer {token}"})


def claims_of(job: Job, query: str = "") -> dict[str, object]:
    key = jwt.PyJWK(job.services.send("GET", "/.well-known/jwks").json["keys"][0])
    options: jwt.types.Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    claims: dict[str, object] = jwt.decode(ask(job, query).json["value"], key, algorithms=["RS256"], options=options)
    return claims


def test_the_subject_follows_environment_pull_request_and_ref(stand: Stand) -> None:
    environment = PlannedEnvironment("prod: eu", None)
    subjects = [
        claims_of(stand.open())["sub"],
        claims_of(stand.open(github=PULL))["sub"],
        claims_of(stand.open(github=PULL, environment=environment))["sub"],
        claims_of(stand.open(github={"ref": "refs/tags/v1"}))["sub"],
    ]
    assert subjects == [
        "repo:octo/app:ref:refs/heads/main",
        "repo:octo/app:pull_request",
        "repo:octo/app:environment:prod%3A eu",
        "repo:octo/app:ref:refs/tags/v1",
    ]


def test_the_claims_are_githubs(stand: Stand, job: Job) -> None:
    claims = claims_of(job)
    now = int(stand.clock.now().timestamp())
    assert (claims["iat"], claims["exp"], claims["nbf"]) == (now, now + 300, now - 600)
    assert claims["aud"] == "https://github.com/octo"
    assert (claims["repository_id"], claims["repository_owner_id"], claims["actor_id"]) == ("1", "2", "7")
    assert claims["job_workflow_ref"] == "octo/app/.github/workflows/ci.yml@refs/heads/main"
    assert claims["runner_environment"] == "self-hosted"
    assert "environment" not in claims
    assert claims_of(job, "&audience=a%20b")["aud"] == "a b"
    assert claims_of(job)["jti"] != claims["jti"]


def test_the_discovery_document_leads_to_the_keys(stand: Stand, job: Job) -> None:
    found = stand.send("GET", "/.well-known/openid-configuration").json
    assert found["issuer"] == claims_of(job)["iss"] == "https://homeport.invalid"
    assert stand.send("GET", found["jwks_uri"]).json["keys"][0]["alg"] == "RS256"
    assert set(claims_of(job)) - {"environment"} <= set(found["claims_supported"])


def test_a_job_without_the_permission_has_no_way_to_ask(stand: Stand, job: Job) -> None:
    other = stand.open(permissions={"contents": "write"})
    assert dict(other.toolkit.identity_variables) == {}
    for token in ("", other.toolkit.token, other.runtime_token, job.toolkit.token, "undefined"):
        assert other.send("GET", "/oidc/token?audience=x", token=token).status == 401


def test_the_request_token_dies_with_its_job(job: Job) -> None:
    assert ask(job).status == 200
    job.toolkit.close()
    assert ask(job).status == 401


def test_an_issuer_of_ones_own_signs_with_its_key(tmp_path: Path) -> None:
    words = ["openssl", "genrsa", "-out", str(tmp_path / "key.pem"), "2048"]
    subprocess.run(words, check=True, capture_output=True)
    pem = (tmp_path / "key.pem").read_bytes()
    with standing(tmp_path, issuer=Issuer("https://ci.example.com", pem)) as stand:
        job = stand.open()
        assert claims_of(job)["iss"] == "https://ci.example.com"
        assert stand.send("GET", "/.well-known/jwks").json == IdentityKey.load(pem).describe()


def test_a_key_that_cannot_be_used_is_said_to_be_so(tmp_path: Path) -> None:
    with standing(tmp_path, issuer=Issuer("https://ci.example.com", b"no key")) as stand:
        reply = ask(stand.open())
        assert reply.status == 501
        assert "cannot be used" in reply.json["message"]


# --- REST ------------------------------------------------------------------------------------------------------------


def rest(job: Job, verb: str, path: str, **options: str) -> Reply:
    return job.send(verb, f"/api/v3/repos/octo/app{path}", token=options.get("token", job.toolkit.token))


def test_an_artifact_is_downloaded_through_a_redirect_and_deleted(stand: Stand, job: Job) -> None:
    job.upload(b"data")
    found = rest(job, "GET", "/actions/artifacts/1/zip")
    assert found.status == 302
    assert stand.send("GET", found.headers["location"]).body == b"data"
    assert rest(job, "DELETE", "/actions/artifacts/1").status == 204
    assert rest(job, "GET", "/actions/artifacts/1").status == 404


def test_what_permissions_do_not_grant_is_refused(stand: Stand) -> None:
    reader = stand.open(permissions={"actions": "read"})
    reader.upload(b"data")
    assert rest(reader, "GET", "/actions/artifacts/1").status == 200
    assert rest(reader, "DELETE", "/actions/artifacts/1").status == 403
    nobody = stand.open(key="nobody", permissions={})
    assert rest(nobody, "GET", "/actions/artifacts/1").status == 403
    assert rest(nobody, "GET", "").status == 200


@pytest.mark.parametrize(
    "path", ["/actions/artifacts/x", "/actions/artifacts/-1", "/actions/runs/999", "/actions/runs/x"]
)
def test_what_is_not_there_is_said_not_to_be(job: Job, path: str) -> None:
    assert rest(job, "GET", path).status == 404


@pytest.mark.parametrize("path", ["/actions/runs/1/attempts/x", "/actions/jobs/5", "/actions/runs/..%2f..%2f1"])
def test_hostile_numbers_are_not_followed(job: Job, path: str) -> None:
    assert rest(job, "GET", path).status in {404, 501}


def test_what_is_not_offered_says_how_to_have_it(job: Job) -> None:
    for verb, path in (("POST", "/issues"), ("GET", "/pulls"), ("GET", "/actions/artifacts")):
        refused = rest(job, verb, path)
        assert refused.status == 501
        assert "homeport run --secret GITHUB_TOKEN" in refused.json["message"]
    graphql = job.send("POST", "/api/graphql", b"{}", token=job.toolkit.token)
    assert graphql.status == 501


def test_only_the_jobs_own_token_opens_the_interface(job: Job) -> None:
    for token in ("", "wrong", job.runtime_token, job.toolkit.identity_variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]):
        assert rest(job, "GET", "", token=token).status == 401
    job.toolkit.close()
    assert rest(job, "GET", "").status == 401


# --- git -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    init(tmp_path)
    write(tmp_path, a_dot_txt="a")
    (tmp_path / ".gitignore").write_text("*\n!a.txt\n")
    commit(tmp_path)
    return tmp_path


def header(token: str) -> str:
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return f"http.extraHeader=Authorization: Basic {basic}"


def clone(stand: Stand, token: str, target: Path, name: str = "octo/app") -> str:
    address = f"http://127.0.0.1:{stand.toolkit.port}/{name}"
    done = subprocess.run(
        ["git", "-c", header(token), "-c", "core.askPass=true", "clone", "-q", address, str(target)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"},
    )
    return done.stderr


def test_the_repository_is_cloned_with_the_jobs_token_or_the_users(stand: Stand, source: Path) -> None:
    job = stand.open(given_token="given")
    for number, token in enumerate((job.toolkit.token, "given")):
        target = source / f"copy{number}"
        assert clone(stand, token, target) == ""
        assert git(target, "rev-parse", "HEAD") == git(source, "rev-parse", "HEAD")
    assert clone(stand, job.toolkit.token, source / "suffix", "octo/app.git") == ""


def test_git_is_refused_what_is_not_the_runs(stand: Stand, source: Path) -> None:
    job = stand.open()
    assert "serves octo/app to this run, and not octo/other" in clone(
        stand, job.toolkit.token, source / "x", "octo/other"
    )
    for token in ("", "wrong", job.runtime_token):
        assert "Authentication failed" in clone(stand, token, source / "x")
    blind = stand.open(key="blind", permissions={})
    assert "contents: read" in clone(stand, blind.toolkit.token, source / "x")
    authorization = {"Authorization": f"Bearer {job.toolkit.token}"}
    for verb, end in (
        ("GET", "info/refs?service=git-receive-pack"),
        ("GET", "info/refs"),
        ("POST", "git-receive-pack"),
        ("GET", "info/refs?service=git-upload-pack&x=1"),
    ):
        assert stand.send(verb, f"/octo/app/{end}", headers=authorization).status == 403, end


def test_a_folder_without_a_repository_is_said_to_be_so(stand: Stand) -> None:
    job = stand.open()
    reply = stand.send(
        "GET",
        "/octo/app/info/refs?service=git-upload-pack",
        headers={"Authorization": f"Bearer {job.toolkit.token}"},
    )
    assert (reply.status, b"no git repository" in reply.body) == (404, True)
