"""An S3 service beside the hosts: moto, with a bucket of images that everybody reads, and one of backups."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.deploy.host.network import OUTSIDE
from tests.deploy.host.waiting import listens
from tests.servers import Process

PORT = 13900
ENDPOINT = f"http://{OUTSIDE}:{PORT}"
MEDIA, BACKUPS = "ecatalog-media", "ecatalog-backup"


@contextmanager
def service(folder: Path) -> Iterator[None]:
    """Serve at ENDPOINT, from memory, whoever asks. The log goes to ``folder``."""
    command = [sys.executable, "-m", "moto.server", "-H", OUTSIDE, "-p", str(PORT)]
    process = Process(command, folder / "moto.log", {})
    try:
        process.start(lambda: listens(OUTSIDE, PORT))
        client = _client()
        for bucket in (MEDIA, BACKUPS):
            client.create_bucket(Bucket=bucket)
        reading = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{MEDIA}/*",
        }
        client.put_bucket_policy(
            Bucket=MEDIA, Policy=json.dumps({"Version": "2012-10-17", "Statement": [reading]})
        )
        yield
    finally:
        process.stop(signal.SIGTERM)


def objects(bucket: str) -> list[str]:
    """The keys in a bucket."""
    pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def _client() -> Any:
    keys = {"aws_access_key_id": "deploy-test", "aws_secret_access_key": "deploy-test"}
    return boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1", **keys)
