"""Packaging: lock files, the package itself, the Makefile, and the list of settings."""

from __future__ import annotations

import ast
import os
import re
import secrets
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import ecatalog
from ecatalog.config import load_settings
from tests.serving import ROOT, source_files

LISTS = ("base", "prod", "s3", "otel", "dev")
LOCKS = ("uv", *LISTS)
PIN = re.compile(r"^([a-z0-9._-]+)==([^ \\]+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def stated(name: str) -> dict[str, str]:
    """Package -> range, of the list itself without those it includes."""
    found = {}
    for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?([<>=~][^#\s]*)", line):
            found[normal(match[1])] = match[2]
    return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from a copy: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for path in source_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", folder / "wheels", folder], check=True)
    return next((folder / "wheels").glob("*.whl"))


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_carries_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_name_no_index_and_no_folder(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    for trace in (
        "://",
        "file:",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--trusted-host",
        " @ ",
    ):
        assert trace not in text
    assert not re.search(r"(^|\s)(/|\.\.?/)\w", text)


@pytest.mark.parametrize("name", LISTS)
def test_lock_files_hold_what_the_lists_ask_for(name: str) -> None:
    pinned = dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))
    assert stated(name).keys() <= pinned.keys()
    for larger in LISTS[1:]:
        assert dict(PIN.findall((ROOT / "requirements" / f"{larger}.txt").read_text())).items() >= (
            dict(PIN.findall((ROOT / "requirements" / "base.txt").read_text())).items()
        )


def test_old_patch_releases_of_python_find_all_they_need() -> None:
    # redis asks for it before 3.11.3 only; a lock made on a newer Python easily forgets it
    assert "async-timeout" in (ROOT / "requirements" / "prod.txt").read_text()


def test_every_import_is_declared() -> None:
    declared = stated("base").keys() | stated("prod").keys() | stated("s3").keys() | stated("otel").keys()
    # These belong to ones that are declared, as their public face.
    declared |= {"werkzeug", "click", "ecatalog"}
    providers = packages_distributions()
    for path in source_files():
        if (
            path.parts[0] not in {"ecatalog", "migrations", "wsgi.py", "gunicorn.conf.py"}
            or path.suffix != ".py"
        ):
            continue
        for module in imported_modules(ast.parse((ROOT / path).read_text())):
            if module in sys.stdlib_module_names or module in {"ecatalog", "wsgi"}:
                continue
            names = {normal(name) for name in providers.get(module, [module])}
            assert names & declared, f"{path} imports {module}, which requirements/*.in do not name"


def imported_modules(tree: ast.Module) -> set[str]:
    """Top-level names of what runs of the file import; what only type checkers import is left out."""
    found: set[str] = set()
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            nodes += ast.iter_child_nodes(node)
    return found


def test_setup_takes_its_lists_from_the_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    assert re.search(rf"^Version: {re.escape(ecatalog.__version__)}$", text, re.MULTILINE)
    required: dict[str, set[str]] = {}
    for line in re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE):
        extra = re.search(r'extra == "(\w+)"', line)
        required.setdefault(extra[1] if extra else "", set()).add(normal(re.match(r"[\w.-]+", line)[0]))  # type: ignore[index]
    assert required == {
        "": stated("base").keys(),
        "postgres": {"psycopg"},
        "redis": {"redis"},
        "s3": stated("s3").keys(),
        "otel": stated("otel").keys(),
        "dev": stated("prod").keys() | stated("dev").keys() | stated("uv").keys(),
    }


def test_the_wheel_holds_the_application_and_its_migrations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packaged = {f"ecatalog/{path}" for path in source_files() if path.parts[0] == "migrations"}
    assert {name for name in packaged if not name.endswith("README")} <= names
    assert {
        str(path) for path in source_files() if path.parts[0] == "ecatalog" and path.suffix == ".py"
    } <= names
    assert "wsgi.py" in names
    assert not [name for name in names if name.startswith(("tests/", "migrations/"))]


def test_the_installed_package_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--quiet",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(pip, check=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(target),
        "SECRET_KEY": "short",
        "DEBUG": "True",
    }
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "db"]
    for command in ("upgrade", "check"):
        done = subprocess.run(
            [*flask, command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "instance" / "ecatalog.sqlite3").stat().st_size > 0


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    phony = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == phony
    assert {"help", "run", "test", "lint", "format", "lock"} <= listed


def test_the_example_names_exactly_the_settings_that_are_read() -> None:
    example = (ROOT / ".env.example").read_text()
    explained = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", example, re.MULTILINE)
    tree = ast.parse((ROOT / "ecatalog" / "config.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = {arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)}
    read = {word for word in words if isinstance(word, str) and re.fullmatch(r"[A-Z][A-Z_]{2,}", word)}
    composed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    assert sorted(explained) == sorted((read - {"INFO"}) | composed)


def test_the_example_shows_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = (ROOT / ".env.example").read_text()
    for name in re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", example, re.MULTILINE):
        monkeypatch.delenv(name, raising=False)
    needed = f"SECRET_KEY={secrets.token_urlsafe(64)}\nDEBUG=False\nALLOWED_HOSTS=api.example.uz\n"
    shown = re.findall(r"^# ([A-Z][A-Z_]+=.*)$", example, re.MULTILINE)
    (tmp_path / ".env").write_text(needed)
    defaults = load_settings(tmp_path)
    (tmp_path / ".env").write_text(needed + "\n".join(shown))
    assert len(shown) > 20
    assert load_settings(tmp_path) == defaults
