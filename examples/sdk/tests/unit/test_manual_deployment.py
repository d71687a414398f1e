"""The manual goes to latest/ in its bucket; without the AWS secrets nothing is sent, and that is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.support.scripts import load_script

pytestmark = pytest.mark.unit

deployment = load_script("deploy_manual_s3")

SECRETS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
PAGE = {"ContentType": "text/html; charset=utf-8", "CacheControl": "public, max-age=300"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    latest = tmp_path / "latest"
    latest.mkdir()
    (latest / "index.html").write_text("<h1>Start</h1>")
    return tmp_path


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A real S3 client whose exchanges a Stubber writes down and checks."""
    client = boto3.client("s3", "ap-southeast-1", aws_access_key_id="nobody", aws_secret_access_key="nothing")
    monkeypatch.setattr(deployment, "connect", lambda _: client)
    return client


def upload(key: str, body: bytes, bucket: str = deployment.BUCKET, **more: str) -> dict[str, Any]:
    return {"Bucket": bucket, "Key": key, "Body": body, **(more or PAGE)}


def listing(bucket: str = deployment.BUCKET) -> dict[str, str]:
    return {"Bucket": bucket, "Prefix": "latest/"}


def test_pages_are_uploaded_before_stale_ones_are_deleted(
    site: Path, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = {"Contents": [{"Key": "latest/index.html"}, {"Key": "latest/old.html"}]}
    with Stubber(s3) as stub:
        stub.add_response("put_object", {}, upload("latest/index.html", b"<h1>Start</h1>"))
        stub.add_response("list_objects_v2", stored, listing())
        stub.add_response("delete_object", {}, {"Bucket": deployment.BUCKET, "Key": "latest/old.html"})

        assert deployment.main(["--site", str(site)], SECRETS) == 0
        stub.assert_no_pending_responses()
    assert capsys.readouterr().out.splitlines() == [
        "uploaded latest/index.html",
        "deleted latest/old.html",
        "villa-market-backend-sdk-manual: the manual is at latest/index.html",
    ]


def test_the_bucket_is_a_setting(site: Path, s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response("put_object", {}, upload("latest/index.html", b"<h1>Start</h1>", "other"))
        stub.add_response("list_objects_v2", {}, listing("other"))

        assert deployment.main(["--site", str(site)], {**SECRETS, "MANUAL_BUCKET": "other"}) == 0
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "missing secrets: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": ""}, "missing secret: AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": " ", "AWS_SECRET_ACCESS_KEY": "nothing"}, "missing secret: AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_missing_secret_is_a_clear_failure(
    environment: Mapping[str, str], message: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deployment.main(["--site", str(site)], environment) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{message}\n")


def test_in_a_workflow_the_failure_is_an_annotation(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deployment.main(["--site", str(site)], {"GITHUB_ACTIONS": "true"}) == 2
    assert capsys.readouterr().err.startswith("::error title=The manual was not deployed::missing secrets: AWS_")


def test_a_manual_that_was_not_built_is_not_deployed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deployment.main(["--site", str(tmp_path)], SECRETS) == 2
    assert "run scripts/build_manual_site.py first" in capsys.readouterr().err


def test_a_refusal_by_s3_is_told(site: Path, s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("put_object", "AccessDenied", "not yours")

        assert deployment.main(["--site", str(site)], SECRETS) == 1
    assert "villa-market-backend-sdk-manual: " in (error := capsys.readouterr().err)
    assert "not yours" in error


def test_a_dry_run_needs_no_secrets(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deployment.main(["--site", str(site), "--dry-run"], {}) == 0
    assert capsys.readouterr().out.splitlines()[0] == "would upload latest/index.html"


def test_an_s3_of_ones_own_can_be_named() -> None:
    client = deployment.connect(
        {**SECRETS, "MANUAL_S3_ENDPOINT": "http://127.0.0.1:9000", "AWS_REGION": "eu-central-1"}
    )

    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:9000", "eu-central-1")


def test_amazon_in_singapore_is_the_default() -> None:
    client = deployment.connect({**SECRETS, "MANUAL_S3_ENDPOINT": "", "AWS_REGION": ""})

    assert client.meta.endpoint_url == "https://s3.ap-southeast-1.amazonaws.com"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("manual.css", "text/css; charset=utf-8"),
        ("logo.png", "image/png"),
        ("data.unknown-kind", "application/octet-stream"),
    ],
)
def test_browsers_are_told_what_a_file_is(name: str, kind: str) -> None:
    assert deployment.content_type(Path(name)) == kind
