"""Puts the built manual into its S3 bucket, under latest/.

    python3 scripts/deploy_manual_s3.py [--site build/manual] [--dry-run]

Needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without them nothing is sent and the exit code is 2. Where S3 refuses
it is 1. New and changed
files are uploaded first and files that the manual no longer has are deleted last, so that readers never meet a link
into nothing. MANUAL_BUCKET, AWS_REGION and MANUAL_S3_ENDPOINT (for an S3 of one's own) override the defaults.
"""

from __future__ import annotations

import argparse
import mimetypes
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "latest/"
BUCKET = "villa-market-backend-sdk-manual"
REGION = "ap-southeast-1"
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class DeployError(Exception):
    """The manual cannot be deployed; nothing was sent."""


class StorageError(Exception):
    """S3 refused, or could not be reached; some files may have been uploaded."""


def require_secrets(environment: Mapping[str, str]) -> None:
    """Refuse an environment without the AWS secrets; a secret that is not set arrives as an empty text."""
    missing = [name for name in SECRETS if not environment.get(name, "").strip()]
    if missing:
        raise DeployError(f"missing secret{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")


def find_files(site: Path) -> dict[str, Path]:
    """The object key of every file of the built site."""
    folder = site / PREFIX
    files = {PREFIX + path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    if f"{PREFIX}index.html" not in files:
        raise DeployError(f"{folder / 'index.html'} does not exist: run scripts/build_manual_site.py first")
    return files


def find_stale(client: Any, bucket: str, current: Mapping[str, Path]) -> list[str]:
    """The keys below latest/ that the site no longer has."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=PREFIX)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return sorted(set(keys) - set(current))


def deploy(client: Any, bucket: str, files: Mapping[str, Path]) -> list[str]:
    """Upload every file, then delete what is stale; returns one line for each thing done."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _deploy(client, bucket, files)
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"{bucket}: {error}") from error


def _deploy(client: Any, bucket: str, files: Mapping[str, Path]) -> list[str]:
    done = []
    for key, path in files.items():
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType=content_type(path),
            CacheControl="public, max-age=300",
        )
        done.append(f"uploaded {key}")
    for key in find_stale(client, bucket, files):
        client.delete_object(Bucket=bucket, Key=key)
        done.append(f"deleted {key}")
    return done


def content_type(path: Path) -> str:
    """What a browser needs to show the file."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def connect(environment: Mapping[str, str]) -> Any:
    """An S3 client of the account that the secrets name."""
    import boto3  # not needed to say that a secret is missing

    return boto3.client(
        "s3",
        region_name=environment.get("AWS_REGION") or REGION,
        endpoint_url=environment.get("MANUAL_S3_ENDPOINT") or None,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Deploy and tell what was done."""
    parser = argparse.ArgumentParser(description="Deploy the user manual to S3.")
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "manual")
    parser.add_argument("--dry-run", action="store_true", help="say what would be uploaded, and need no secrets")
    options = parser.parse_args(arguments)
    bucket = environment.get("MANUAL_BUCKET") or BUCKET
    try:
        if not options.dry_run:
            require_secrets(environment)
        files = find_files(options.site)
        lines = [f"would upload {key}" for key in files]
        if not options.dry_run:
            lines = deploy(connect(environment), bucket, files)
    except (DeployError, StorageError) as error:
        print(_annotated(str(error), environment), file=sys.stderr)
        return 2 if isinstance(error, DeployError) else 1
    print("\n".join(lines))
    print(f"{bucket}: the manual is at {PREFIX}index.html")
    return 0


def _annotated(message: str, environment: Mapping[str, str]) -> str:
    """The message, raised to an annotation of the run where there is one."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return message
    return f"::error title=The manual was not deployed::{message}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
