"""ArtifactService: what it promises to honest clients, and how it answers the others."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from homeport.toolkit.parts import Limits
from tests.support.plans import NOW
from tests.support.toolkit import Job, Stand, block_id, block_list, standing

SERVICE = "ArtifactService"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


@pytest.fixture
def job(stand: Stand) -> Job:
    return stand.open()


def create(job: Job, name: str = "dist", **message: object) -> str:
    reply = job.call(SERVICE, "CreateArtifact", name=name, version=4, **message)
    assert reply.status == 200, reply
    return str(reply.json["signed_upload_url"])


# --- what it promises ------------------------------------------------------------------------------------------------


def test_blocks_in_any_order_and_at_the_same_time_make_one_artifact(stand: Stand, job: Job) -> None:
    blocks = [os.urandom(300_000) for _ in range(12)]
    address = create(job)
    senders = [
        threading.Thread(
            target=stand.send, args=("PUT", f"{address}&comp=block&blockid={block_id(number)}", blocks[number])
        )
        for number in reversed(range(12))
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    listed = stand.send("PUT", f"{address}&comp=blocklist", block_list(*map(block_id, range(12))))
    assert listed.status == 201
    assert {"etag", "last-modified", "x-ms-request-id", "x-ms-version"} <= listed.headers.keys()
    whole = b"".join(blocks)
    assert job.call(SERVICE, "ListArtifacts").json == {"artifacts": []}
    digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
    done = job.call(SERVICE, "FinalizeArtifact", name="dist", size=str(len(whole)), hash=digest)
    assert done.json == {"ok": True, "artifact_id": "1"}
    (entry,) = job.call(SERVICE, "ListArtifacts").json["artifacts"]
    assert entry == {
        **job.ids,
        "database_id": "1",
        "name": "dist",
        "size": str(len(whole)),
        "created_at": NOW.isoformat().replace("+00:00", "Z"),
        "digest": digest,
    }
    signed = job.call(SERVICE, "GetSignedArtifactURL", name="dist").json["signed_url"]
    got = stand.send("GET", signed)
    assert got.body == whole
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"].startswith('attachment; filename="dist.zip"')
    assert stand.left_over() == []


def test_only_the_blocks_of_the_list_count_and_saying_it_twice_is_no_error(stand: Stand, job: Job) -> None:
    address = create(job)
    for number, data in enumerate((b"a", b"b", b"c")):
        stand.send("PUT", f"{address}&comp=block&blockid={block_id(number)}", data)
    for _ in range(2):
        listed = stand.send("PUT", f"{address}&comp=blocklist", block_list(block_id(2), block_id(0)))
        assert listed.status == 201
    job.call(SERVICE, "FinalizeArtifact", name="dist", size="2")
    signed = job.call(SERVICE, "GetSignedArtifactURL", name="dist").json["signed_url"]
    assert stand.send("GET", signed).body == b"ca"


def test_an_empty_artifact_is_one(job: Job) -> None:
    address = create(job)
    assert job.services.send("PUT", f"{address}&comp=blocklist", block_list()).status == 201
    assert job.call(SERVICE, "FinalizeArtifact", name="dist", size="0").json["ok"] is True


def test_a_single_file_keeps_its_type_and_name(stand: Stand, job: Job) -> None:
    address = job.call(SERVICE, "CreateArtifact", name="é.html", version=7, mime_type="text/html").json
    job.put_blocks(address["signed_upload_url"], [b"<p>"])
    assert job.call(SERVICE, "FinalizeArtifact", name="é.html", size="3").status == 200
    signed = job.call(SERVICE, "GetSignedArtifactURL", name="é.html").json["signed_url"]
    got = stand.send("GET", signed)
    assert got.headers["content-type"].startswith("text/html")
    assert got.headers["content-disposition"] == "attachment; filename=\"_.html\"; filename*=UTF-8''%C3%A9.html"
    assert ".zip" not in signed


@pytest.mark.parametrize(("asked", "kept"), [(None, 90), (3, 3), (400, 90), (-1, 1)])
def test_retention_is_what_was_asked_for_within_the_limit(job: Job, asked: int | None, kept: int) -> None:
    when = None if asked is None else (NOW + timedelta(days=asked) - timedelta(seconds=1)).isoformat()
    job.upload(b"x", **({} if when is None else {"expires_at": when}))
    (artifact,) = job.services.artifacts.list("7")
    assert artifact.expires_at == NOW + timedelta(days=kept)


def test_the_newest_attempt_is_listed_and_others_of_the_run_may_be_read(stand: Stand, job: Job) -> None:
    job.upload(b"old")
    later = stand.open(github={"run_attempt": "2"})
    assert later.upload(b"new").status == 200
    reader = stand.open(key="reader")
    (entry,) = reader.call(SERVICE, "ListArtifacts", name_filter="dist").json["artifacts"]
    assert entry["database_id"] == "2"
    by_id = reader.call(SERVICE, "ListArtifacts", id_filter="1").json["artifacts"]
    assert [each["database_id"] for each in by_id] == ["1"]
    ids = {name: entry[name] for name in ("workflow_run_backend_id", "workflow_job_run_backend_id")}
    signed = reader.call(SERVICE, "GetSignedArtifactURL", name="dist", **ids).json["signed_url"]
    assert stand.send("GET", signed).body == b"new"


def test_overwriting_is_deleting_first(job: Job) -> None:
    job.upload(b"one")
    taken = job.call(SERVICE, "CreateArtifact", name="dist", version=4)
    assert (taken.status, taken.json["code"]) == (409, "already_exists")
    assert job.call(SERVICE, "DeleteArtifact", name="dist").json == {"ok": True, "artifact_id": "1"}
    assert job.upload(b"two").json["artifact_id"] == "2"
    assert job.call(SERVICE, "DeleteArtifact", name="gone").status == 404


def test_of_two_jobs_with_one_name_the_first_to_finish_has_it(stand: Stand, job: Job) -> None:
    other = stand.open(key="other")
    mine, theirs = create(job), create(other)
    job.put_blocks(mine, [b"mine"])
    other.put_blocks(theirs, [b"theirs"])
    assert other.call(SERVICE, "FinalizeArtifact", name="dist", size="6").status == 200
    assert job.call(SERVICE, "FinalizeArtifact", name="dist", size="4").status == 409
    assert stand.left_over() == []


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"size": "4"}, "4 bytes were announced, 3 have arrived"),
        ({"size": "3", "hash": "sha256:00"}, "not what was sent"),
    ],
)
def test_what_arrived_otherwise_is_not_shown_and_the_name_stays_free(
    job: Job, message: dict[str, str], said: str
) -> None:
    job.put_blocks(create(job), [b"abc"])
    refused = job.call(SERVICE, "FinalizeArtifact", name="dist", **message)
    assert refused.status == 400
    assert said in refused.json["msg"]
    assert job.services.artifacts.list("7") == []
    assert job.services.left_over() == []
    assert job.upload(b"abc").status == 200


def test_what_is_not_complete_cannot_be_finalized(job: Job) -> None:
    assert job.call(SERVICE, "FinalizeArtifact", name="dist", size="0").status == 404
    create(job)
    assert job.call(SERVICE, "FinalizeArtifact", name="dist", size="0").status == 400


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "a\\b", "a:b", "a\nb", "a\0b", "*", "é" * 200])
def test_names_that_are_no_names_are_refused(job: Job, name: str) -> None:
    assert job.call(SERVICE, "CreateArtifact", name=name, version=4).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"name": 7}', b"null", b'{"name": "x"}'])
def test_malformed_messages_are_refused_in_json(job: Job, body: bytes) -> None:
    reply = job.send("POST", f"/twirp/github.actions.results.api.v1.{SERVICE}/CreateArtifact", body)
    assert (reply.status, reply.json["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize(
    "message",
    [
        {"id_filter": "1 or 1"},
        {"id_filter": "9" * 40},
        {"id_filter": "-1"},
    ],
)
def test_ids_that_are_no_numbers_are_refused(job: Job, message: dict[str, str]) -> None:
    assert job.call(SERVICE, "ListArtifacts", **message).status == 400


def test_unknown_methods_versions_and_places_are_said_to_be_so(job: Job) -> None:
    assert job.call(SERVICE, "Frobnicate").status == 501
    assert job.call(SERVICE, "CreateArtifact", name="x", version=3).status == 501
    assert job.call(SERVICE, "CreateArtifact", name="x", version=7, mime_type="a\r\nb: c").status == 400
    missing = job.send("GET", "/nowhere")
    assert (missing.status, missing.json["code"]) == (404, "not_found")


def test_another_jobs_or_runs_ids_are_refused(stand: Stand, job: Job) -> None:
    other = stand.open(key="other")
    stranger = stand.open(run="8")
    stranger.upload(b"secret")
    for ids in (other.ids, stranger.ids):
        for method in ("CreateArtifact", "FinalizeArtifact", "ListArtifacts"):
            assert job.call(SERVICE, method, name="dist", **ids).status == 403
    for method in ("GetSignedArtifactURL", "DeleteArtifact"):
        assert job.call(SERVICE, method, name="dist", **stranger.ids).status == 403
    assert len(stand.artifacts.list("8")) == 1


def test_a_token_is_dead_when_its_job_has_ended(stand: Stand, job: Job) -> None:
    token, address = job.runtime_token, create(job)
    stand.send("PUT", f"{address}&comp=block&blockid={block_id(0)}", b"half")
    assert stand.left_over() != []
    job.toolkit.close()
    assert stand.left_over() == []
    reply = job.send("POST", f"/twirp/github.actions.results.api.v1.{SERVICE}/ListArtifacts", b"{}", token=token)
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
    assert stand.send("PUT", f"{address}&comp=block&blockid={block_id(1)}", b"more").status == 404


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "é"])
def test_without_a_good_token_nothing_is_answered(job: Job, token: str) -> None:
    path = f"/twirp/github.actions.results.api.v1.{SERVICE}/ListArtifacts"
    assert job.send("POST", path, b"{}", token=token.encode().decode("latin-1")).status == 401
    assert job.services.send("POST", path, b"{}").status == 401


def test_other_tokens_of_the_job_are_not_runtime_tokens(job: Job) -> None:
    path = f"/twirp/github.actions.results.api.v1.{SERVICE}/ListArtifacts"
    for token in (job.toolkit.token, job.toolkit.identity_variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]):
        assert job.send("POST", path, b"{}", token=token).status == 401


# --- addresses -------------------------------------------------------------------------------------------------------


def test_a_signed_address_is_good_for_one_thing_and_an_hour(stand: Stand, job: Job) -> None:
    job.upload(b"data")
    read = job.call(SERVICE, "GetSignedArtifactURL", name="dist").json["signed_url"]
    write = create(job, "other")
    for spoilt in (
        read.replace("sp=r", "sp=w"),
        read.replace("/1.zip", "/2.zip"),
        read.replace("se=", "se=9"),
        read[:-1] + ("0" if read[-1] != "0" else "1"),
        read.partition("?")[0],
        read.replace("se=", "se=-"),
    ):
        assert stand.send("GET", spoilt).status == 403, spoilt
    assert stand.send("PUT", write.replace("upload/", "upload/0"), b"").status == 403
    assert stand.send("PUT", read, b"x").status == 405
    assert stand.send("GET", read).status == 200
    stand.clock.advance(3600)
    assert stand.send("GET", read).status == 403
    assert stand.send("PUT", write, b"x").status == 403


@pytest.mark.parametrize(
    "query",
    ["comp=block", "comp=block&blockid=!!", "comp=block&blockid=", f"comp=block&blockid={'A' * 100}", "comp=metadata"],
)
def test_odd_blocks_are_refused(stand: Stand, job: Job, query: str) -> None:
    assert stand.send("PUT", f"{create(job)}&{query}", b"x").status in {400, 501}
    assert stand.left_over() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<BlockList>",
        b"<BlockList><Latest>!</Latest></BlockList>",
        b"<BlockList><Latest>AAAA</Other></BlockList>",
        b"<BlockList>text</BlockList>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><BlockList>&a;</BlockList>',
        block_list(block_id(7)),
        block_list(block_id(0), block_id(0)),
    ],
)
def test_odd_lists_of_blocks_are_refused(stand: Stand, job: Job, body: bytes) -> None:
    address = create(job)
    stand.send("PUT", f"{address}&comp=block&blockid={block_id(0)}", b"x")
    assert stand.send("PUT", f"{address}&comp=blocklist", body).status == 400
    assert stand.send("PUT", f"{address}&comp=blocklist", block_list(block_id(0))).status == 201


def test_a_block_that_is_cut_in_the_middle_leaves_nothing(stand: Stand, job: Job) -> None:
    address = create(job)
    path = "/" + address.split("/", 3)[3]
    with socket.create_connection(("127.0.0.1", stand.toolkit.port), timeout=60) as connection:
        head = f"PUT {path}&comp=block&blockid={block_id(0)} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 2_000_000)
        while not stand.left_over():  # it has begun to arrive
            pass
    while stand.left_over():  # and goes
        pass
    assert stand.send("PUT", f"{address}&comp=blocklist", block_list(block_id(0))).status == 400


def test_uploads_are_bounded(tmp_path: Path) -> None:
    limits = Limits(upload_bytes=1000, blocks=2, block_list_bytes=500, message_bytes=2000, uploads=3)
    with standing(tmp_path, limits=limits) as stand:
        job = stand.open()
        address = create(job)
        block = f"{address}&comp=block&blockid="
        assert stand.send("PUT", block + block_id(0), b"x" * 1001).status == 413
        assert stand.send("PUT", block + block_id(0), b"x" * 600).status == 201
        assert stand.send("PUT", block + block_id(1), b"x" * 600).status == 413
        assert stand.send("PUT", block + block_id(1), b"x").status == 201
        assert stand.send("PUT", block + block_id(2), b"x").status == 413
        assert stand.send("PUT", f"{address}&comp=blocklist", b"x" * 501).status == 413
        assert job.call(SERVICE, "CreateArtifact", name="x" * 3000, version=4).status == 413
        create(job, "two")
        create(job, "three")
        assert job.call(SERVICE, "CreateArtifact", name="four", version=4).status == 413
        assert len(stand.left_over()) == 2


def test_a_stored_artifact_that_is_gone_is_said_to_be_so(stand: Stand, job: Job) -> None:
    job.upload(b"data")
    signed = job.call(SERVICE, "GetSignedArtifactURL", name="dist").json["signed_url"]
    (artifact,) = stand.artifacts.list("7")
    os.unlink(stand.artifacts.archive_path(artifact))
    assert stand.send("GET", signed).status == 404
    stand.artifacts.delete(artifact)
    assert stand.send("GET", signed).status == 404


def test_what_a_dead_process_left_is_swept(stand: Stand, job: Job) -> None:
    left = stand.uploads / "99999-dead"
    (left / "1").mkdir(parents=True)
    (left / "1" / "b-00").write_bytes(b"x")
    (left / "lock").touch()
    create(job)
    assert not left.exists()


def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        job = stand.open()
        stand.send("PUT", f"{create(job)}&comp=block&blockid={block_id(0)}", b"x")
        assert stand.left_over() != []
    assert list(stand.uploads.iterdir()) == []
