"""Both versions of the cache protocol: matching, scopes, reservations, and what is refused."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.toolkit import Job, Reply, Stand, standing

V1 = "/_apis/artifactcache"
FEATURE = {"ref": "refs/heads/feature"}
PULL = {"ref": "refs/pull/7/merge", "base_ref": "release"}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with standing(tmp_path) as stand:
        yield stand


@pytest.fixture
def job(stand: Stand) -> Job:
    return stand.open()


def save_v1(job: Job, key: str, data: bytes, *, piece: int = 1000) -> Reply:
    reserved = job.send(
        "POST", f"{V1}/caches", b'{"key": "%s", "version": "v", "cacheSize": %d}' % (key.encode(), len(data))
    )
    if reserved.status != 201:
        return reserved
    path = f"{V1}/caches/{reserved.json['cacheId']}"
    for start in reversed(range(0, len(data), piece)):
        part = data[start : start + piece]
        sent = job.send("PATCH", path, part, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/*"})
        assert sent.status == 204, sent
    return job.send("POST", path, b'{"size": %d}' % len(data))


def test_a_save_is_found_exactly_then_by_prefix_the_newest_first(stand: Stand, job: Job) -> None:
    assert job.find("a-1", "a-") is None
    assert job.save("a-1", b"one")["ok"] is True
    stand.clock.advance(1)
    assert job.save("a-2", b"two")["ok"] is True
    assert job.find("a-1", "a-") == "a-1"
    assert job.find("a-3", "x", "a-") == "a-2"
    assert job.find("a-") == "a-2"
    assert job.find("a-1", version="other") is None
    address = job.call("CacheService", "GetCacheEntryDownloadURL", key="a-2", version="v").json["signed_download_url"]
    assert stand.send("GET", address).body == b"two"
    assert stand.left_over() == []


def test_both_versions_of_the_protocol_see_the_same_entries(stand: Stand, job: Job) -> None:
    data = os.urandom(4321)
    assert save_v1(job, "k", data).status == 204
    assert job.find("k") == "k"
    hit = job.send("GET", f"{V1}/cache?keys=k,other&version=v")
    assert (hit.status, hit.json["cacheKey"], hit.json["scope"]) == (200, "k", "refs/heads/main")
    assert stand.send("GET", hit.json["archiveLocation"]).body == data
    assert job.send("GET", f"{V1}/cache?keys=z&version=v").status == 204
    listed = job.send("GET", f"{V1}/caches?key=k").json
    assert (listed["totalCount"], listed["artifactCaches"][0]["cacheVersion"]) == (1, "v")


def test_scopes_are_those_of_the_token(stand: Stand) -> None:
    main, feature, pull = stand.open(), stand.open(github=FEATURE), stand.open(github=PULL)
    release = stand.open(github={"ref": "refs/heads/release"})
    main.save("main", b"m")
    feature.save("feature", b"f")
    pull.save("pull", b"p")
    release.save("release", b"r")
    seen = {
        name: [key for key in ("main", "feature", "pull", "release") if job.find(key)]
        for name, job in (("main", main), ("feature", feature), ("pull", pull), ("release", release))
    }
    assert seen == {
        "main": ["main"],
        "feature": ["main", "feature"],
        "pull": ["main", "pull", "release"],
        "release": ["main", "release"],
    }
    scopes = {entry.key: entry.scope for entry in stand.caches.list()}
    assert scopes["pull"] == "refs/pull/7/merge"


def test_a_run_without_a_ref_neither_reads_its_own_nor_saves(stand: Stand) -> None:
    reader = stand.open(github={"ref": ""})
    refused = reader.call("CacheService", "CreateCacheEntry", key="k", version="v")
    assert refused.status == 403
    assert refused.json["msg"].startswith("cache write denied:")
    nowhere = stand.open(github={"ref": "", "event": {}})
    denied = nowhere.call("CacheService", "GetCacheEntryDownloadURL", key="k", version="v")
    assert denied.status == 403
    assert denied.json["msg"].startswith("cache read denied:")
    assert nowhere.send("GET", f"{V1}/cache?keys=k&version=v").json["message"].startswith("cache read denied:")


def test_a_taken_or_reserved_key_is_not_given_twice(stand: Stand, job: Job) -> None:
    other = stand.open(key="other")
    first = job.call("CacheService", "CreateCacheEntry", key="k", version="v").json
    assert first["ok"] is True
    second = other.call("CacheService", "CreateCacheEntry", key="k", version="v").json
    assert second["ok"] is False
    assert "Cache already exists" in second["message"]
    assert save_v1(other, "k", b"x").status == 409
    assert other.save("k", b"other paths", version="w")["ok"] is True
    stand.send("PUT", first["signed_upload_url"], b"mine")
    done = job.call("CacheService", "FinalizeCacheEntryUpload", key="k", version="v", size_bytes="4").json
    assert done["ok"] is True
    assert other.save("k", b"later")["ok"] is False


def test_a_reservation_ends_with_its_job_or_its_failure(stand: Stand, job: Job) -> None:
    other = stand.open(key="other")
    job.call("CacheService", "CreateCacheEntry", key="k", version="v")
    job.toolkit.close()
    address = other.call("CacheService", "CreateCacheEntry", key="k", version="v").json["signed_upload_url"]
    stand.send("PUT", address, b"1234")
    torn = other.call("CacheService", "FinalizeCacheEntryUpload", key="k", version="v", size_bytes="5")
    assert torn.status == 400
    assert other.find("k") is None
    assert other.save("k", b"12345")["ok"] is True


def test_of_many_savers_of_one_key_one_wins_and_what_is_read_is_whole(stand: Stand) -> None:
    savers = [stand.open(key=f"job {number}") for number in range(8)]
    done: list[bool] = []
    datas = [bytes([number]) * 50_000 for number in range(8)]
    threads = [
        threading.Thread(target=lambda job=job, data=data: done.append(job.save("k", data)["ok"]))
        for job, data in zip(savers, datas, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 7 + [True]
    address = (
        savers[0].call("CacheService", "GetCacheEntryDownloadURL", key="k", version="v").json["signed_download_url"]
    )
    assert stand.send("GET", address).body in datas


def test_a_cut_off_entry_is_a_miss(stand: Stand, job: Job) -> None:
    job.save("k", b"x" * 1000)
    (entry,) = stand.caches.list()
    with open(stand.caches.archive_path(entry), "r+b") as file:
        file.truncate(10)
    assert job.find("k") is None
    assert job.save("k", b"again")["ok"] is True


def test_what_is_over_the_quota_is_refused(stand: Stand, job: Job) -> None:
    created = job.call("CacheService", "CreateCacheEntry", key="k", version="v").json
    data = b"x" * ((1 << 20) + 1)
    stand.send("PUT", created["signed_upload_url"], data)
    refused = job.call("CacheService", "FinalizeCacheEntryUpload", key="k", version="v", size_bytes=str(len(data)))
    assert refused.status == 413
    assert "limit" in refused.json["msg"]
    assert (stand.left_over(), list(stand.caches.list())) == ([], [])


@pytest.mark.parametrize("key", ["", "a,b", "x" * 513])
def test_keys_that_github_refuses_are_refused(job: Job, key: str) -> None:
    assert job.call("CacheService", "CreateCacheEntry", key=key, version="v").status == 400
    assert job.call("CacheService", "GetCacheEntryDownloadURL", key=key, version="v").status == 400
    assert (
        job.call("CacheService", "GetCacheEntryDownloadURL", key="k", restore_keys=["k"] * 10, version="v").status
        == 400
    )


def test_pieces_must_make_a_whole(job: Job) -> None:
    def reserve() -> str:
        reserved = job.send("POST", f"{V1}/caches", b'{"key": "k%d", "version": "v"}' % len(paths))
        paths.append(f"{V1}/caches/{reserved.json['cacheId']}")
        return paths[-1]

    paths: list[str] = []
    gap = reserve()
    job.send("PATCH", gap, b"abc", {"Content-Range": "bytes 0-2/*"})
    job.send("PATCH", gap, b"ghi", {"Content-Range": "bytes 6-8/*"})
    assert job.send("POST", gap, b'{"size": 9}').status == 400
    assert job.send("PATCH", gap, b"def", {"Content-Range": "bytes 3-5/*"}).status == 204
    assert job.send("POST", gap, b'{"size": 9}').status == 204
    odd = reserve()
    for wrong in ("", "bytes 5-2/*", "bytes -1-2/*", "bytes 0-99999999999999/*", "items 0-1/*", "bytes 0-9/*"):
        assert job.send("PATCH", odd, b"abc", {"Content-Range": wrong}).status in {400, 416}, wrong
    assert job.services.left_over() == []


def test_another_jobs_reservation_is_not_touched(stand: Stand, job: Job) -> None:
    reserved = job.send("POST", f"{V1}/caches", b'{"key": "k", "version": "v"}').json["cacheId"]
    other = stand.open(key="other")
    assert other.send("PATCH", f"{V1}/caches/{reserved}", b"x", {"Content-Range": "bytes 0-0/*"}).status == 403
    assert other.send("POST", f"{V1}/caches/{reserved}", b'{"size": 0}').status == 403
    for number in ("0", "99", "../1", "x", "1" * 30):
        assert other.send("POST", f"{V1}/caches/{number}", b'{"size": 0}').status == 404
