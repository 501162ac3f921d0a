"""Builds a release: one tar with all that a server installs, so that it never talks to a package index.

    python ansible/build_release.py --python 3.11 --machine x86_64 --output dist

prints the path of the tar. Its name is the version with a digest of all sources, so the same sources are the
same release, and a release that is there already is not built again. Inside: the application's wheel, the
wheels of all its dependencies as locked, their list with hashes, gunicorn's configuration, and RELEASE.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "s3.txt"  # all that a server may need, with its media on disk or on S3
SOURCES = ("ecatalog", "migrations", "requirements", "wsgi.py", "gunicorn.conf.py", "setup.py")
BESIDE = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", ".env.example")
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def sources() -> Iterator[Path]:
    """The files that a release is made of, relative to the checkout, in a fixed order."""
    for name in (*SOURCES, *BESIDE):
        path = ROOT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc":
                yield file.relative_to(ROOT)


def release_name(python: str, machine: str) -> str:
    """``VERSION-DIGEST``; the digest covers the sources, and the platform that it is built for."""
    digest = hashlib.sha256(f"{python} {machine}".encode())
    for path in sources():
        content = (ROOT / path).read_bytes()
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    text = (ROOT / "ecatalog" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert match is not None
    return f"{match[1]}-{digest.hexdigest()[:8]}"


def locked_for(python: str, machine: str) -> str:
    """The lock file's entries that apply to Linux with this Python, without their conditions.

    pip would judge the conditions by the Python it runs on here. The patch release of the server's Python is
    not known, so it is taken for the oldest: what only old ones need does the new ones no harm.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    entries = re.split(r"^(?=[a-z0-9])", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    kept = []
    for entry in entries:
        stated, *rest = entry.split("\\\n")
        requirement = Requirement(stated.strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            hashes = [line.strip() for line in rest if line.strip().startswith("--hash=")]
            hashes = [line.split("\n")[0] for line in hashes]
            kept.append(" \\\n    ".join([f"{requirement.name}{requirement.specifier}", *hashes]))
    return "\n".join(kept) + "\n"


def _run(command: Sequence[str | Path]) -> None:
    """Run pip. Ends the program with what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"build_release.py: {done.stdout}{done.stderr}")


def build(python: str, machine: str, folder: Path) -> None:
    """Fill the folder with the release's files."""
    wheels = folder / "wheels"
    listed = folder / "requirements.txt"
    listed.write_text(locked_for(python, machine), encoding="utf-8")
    platforms = [f"--platform={name}_{machine}" for name in PLATFORMS]
    target = [f"--python-version={python}", "--implementation=cp", *platforms]
    download: list[str | Path] = [
        *PIP,
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        *target,
    ]
    _run([*download, "--dest", wheels, "--requirement", listed])
    with tempfile.TemporaryDirectory(prefix="ecatalog-source-") as copy:
        for path in sources():  # building leaves files behind
            place = Path(copy, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, place)
        wheel: list[str | Path] = [
            *PIP,
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            folder,
            copy,
        ]
        _run(wheel)
    shutil.copyfile(ROOT / "gunicorn.conf.py", folder / "gunicorn.conf.py")


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a release of E-Catalog for servers.")
    parser.add_argument("--python", default="3.11", help="the servers' Python, like 3.11 (Debian 12)")
    parser.add_argument("--machine", default="x86_64", choices=("x86_64", "aarch64"))
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder to write to")
    arguments = parser.parse_args()
    if not re.fullmatch(r"3\.(1[1-9]|[2-9]\d)", arguments.python):
        parser.error(f"--python {arguments.python}: E-Catalog needs Python 3.11 or newer, like 3.11")
    name = release_name(arguments.python, arguments.machine)
    target = arguments.output.resolve() / f"ecatalog-{name}.tar"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as made:
            folder = Path(made, name)
            folder.mkdir()
            (folder / "RELEASE").write_text(f"{name}\n", encoding="utf-8")
            build(arguments.python, arguments.machine, folder)
            whole = Path(made, "release.tar")
            with tarfile.open(whole, "w") as archive:
                for path in sorted(folder.iterdir()):
                    archive.add(path, path.name)
            whole.replace(target)
    print(target)


if __name__ == "__main__":
    main()
