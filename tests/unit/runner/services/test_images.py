"""The names of images."""

import pytest

from homeport.runner.services.images import read_image


@pytest.mark.parametrize(
    ("text", "name", "tag", "major"),
    [
        ("postgres", "postgres", "latest", None),
        ("postgres:15", "postgres", "15", 15),
        ("postgres:15.4-alpine", "postgres", "15.4-alpine", 15),
        ("docker.io/library/postgres:16", "postgres", "16", 16),
        ("docker.io/valkey/valkey:8", "valkey/valkey", "8", 8),
        ("library/redis:7-bookworm", "redis", "7-bookworm", 7),
        ("localhost:5000/team/postgres:15", "localhost:5000/team/postgres", "15", 15),
        ("ghcr.io/a/postgres", "ghcr.io/a/postgres", "latest", None),
        ("redis@sha256:0123", "redis", "latest", None),
        ("redis:7@sha256:0123", "redis", "7", 7),
        ("postgres:alpine", "postgres", "alpine", None),
        ("minio/minio:RELEASE.2025-01-01T00-00-00Z", "minio/minio", "RELEASE.2025-01-01T00-00-00Z", None),
        ("localstack/localstack:20250101", "localstack/localstack", "20250101", None),
    ],
)
def test_a_reference_is_taken_apart(text: str, name: str, tag: str, major: int | None) -> None:
    image = read_image(text)
    assert (image.name, image.tag, image.major) == (name, tag, major)
