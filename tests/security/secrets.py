"""``python -m tests.security.secrets``: looks for keys, tokens and passwords in every file of the repository.

An exception is a comment ``pragma: allowlist secret`` beside it. Words like "password" before a value are
looked at in the package alone: in tests and documents there are made-up ones on every page, and what is
random, or has the form of a known service's key, is found there as well.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
GENERATED = {".txt"}  # the locks: hashes, line by line
HOOK = [sys.executable, "-m", "detect_secrets.pre_commit_hook"]
# Addresses that show where a password goes.
PLACEHOLDERS = r"user:password@|:geheim@|:PASSWORD@"


def files() -> list[str]:
    """Every file that git knows, but for locks and binary ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")
    return [name for name in names if name and not name.startswith("requirements/") and is_text(name)]


def is_text(name: str) -> bool:
    path = CHECKOUT / name
    return path.is_file() and b"\0" not in path.read_bytes()[:8192]


def look(names: Iterable[str], *options: str) -> int:
    command = [*HOOK, "--exclude-lines", PLACEHOLDERS, *options, *names]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


def main() -> int:
    """0 when nothing is found."""
    every = files()
    package = [name for name in every if name.startswith("ecatalog/")]
    others = [name for name in every if not name.startswith("ecatalog/")]
    lenient = ("--disable-plugin", "KeywordDetector")
    return look(package) | look(others, *lenient)


if __name__ == "__main__":
    sys.exit(main())
