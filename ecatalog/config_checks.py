"""What a single setting may look like: each function returns the clean value or raises SettingsError."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from importlib.util import find_spec
from ipaddress import IPv6Address, ip_network
from itertools import pairwise
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from limits import parse_many
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SHORTEST_SECRET = 50  # characters
LEAST_ENTROPY = 128  # bits, measured over the key's own characters

# Every SECRET_KEY that a reader can copy out of this repository; a test keeps the list complete.
EXAMPLE_SECRETS = frozenset({"change-me-to-fifty-or-more-random-characters-made-by-python-secrets"})
PLACEHOLDER = re.compile(r"change.?me|changeit|insecure|replace.?me|your.?secret|example", re.IGNORECASE)
NEW_SECRET = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(64))'"  # noqa: S105  # advice

LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"{LABEL}(\.{LABEL})*", re.IGNORECASE)


class SettingsError(RuntimeError):
    """A setting is missing, malformed or unsafe; the message is one line that names it and the cure."""


def one_line(text: str) -> str:
    return " ".join(text.split())


def malformed(name: str, cure: str) -> SettingsError:
    return SettingsError(one_line(f"{name} is malformed: {cure}"))


def _split(name: str, value: str, cure: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        good_port = parts.port != 0
    except ValueError:
        good_port = False
    if not good_port:
        raise malformed(name, cure)
    return parts


def choice(name: str, value: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        words = ", ".join(word or "nothing" for word in allowed)
        raise malformed(name, f"{value!r} is none of: {words}.")
    return value


def rate_limit(name: str, value: str) -> str:
    """A limit as the ``limits`` library writes it: ``100/hour``, ``10/15 minutes``, several after ``;``."""
    try:
        parsed = parse_many(value)
    except ValueError:
        parsed = []
    if not parsed or any(limit.amount < 1 for limit in parsed):
        raise malformed(name, f"{value!r} is no rate limit; write it like 100/hour or 10/15 minutes.")
    return value


def time_zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, climbing out of the data folder, a folder's name
        raise malformed("TIMEZONE", f"{value!r} is no time zone; write it like Asia/Tashkent.") from None


def networks(values: Sequence[str]) -> tuple[str, ...]:
    """Addresses and networks, each as a network in CIDR notation."""
    clean = []
    for value in values:
        try:
            clean.append(str(ip_network(value)))
        except ValueError:
            cure = f"{value!r} is no address or network; write them like 127.0.0.1,10.0.0.0/8."
            raise malformed("TRUSTED_PROXIES", cure) from None
    return tuple(clean)


def _is_host(value: str) -> bool:
    """Whether this is a host name, an IPv4 address, or an IPv6 address in brackets."""
    if value.startswith("[") and value.endswith("]"):
        try:
            return bool(IPv6Address(value[1:-1]).packed)
        except ValueError:
            return False
    return NAME.fullmatch(value) is not None


def hosts(values: Sequence[str]) -> tuple[str, ...]:
    """Host names in lower case, without port; ``.example.uz`` stands for subdomains too, ``*`` for all."""
    for value in values:
        if value != "*" and not _is_host(value.removeprefix(".")):
            cure = f"{value!r} is no host name; write names without scheme and port, like api.example.uz."
            raise malformed("ALLOWED_HOSTS", cure)
    return tuple(value.lower() for value in values)


def origins(values: Sequence[str]) -> tuple[str, ...]:
    for value in values:
        if not _is_origin(value):
            cure = f"{value!r} is no origin; write scheme://host[:port] with no path, like https://shop.example.uz."
            raise malformed("CORS_ALLOWED_ORIGINS", cure)
    return tuple(value.lower() for value in values)


def _is_origin(value: str) -> bool:
    scheme, separator, place = value.partition("://")
    host, port = re.fullmatch(r"(.*?)(?::([0-9]{1,5}))?", place, re.DOTALL).groups()  # type: ignore[union-attr]
    good_port = port is None or 0 < int(port) < 65_536
    good_scheme = re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme, re.IGNORECASE) is not None
    return bool(separator) and good_scheme and good_port and _is_host(host)


def base_urls(media: str, static: str) -> tuple[str, str]:
    """MEDIA_URL and STATIC_URL, which must be told apart, from each other and from the API."""
    media, static = _base_url("MEDIA_URL", media), _base_url("STATIC_URL", static)
    if media == static:
        raise malformed("MEDIA_URL", f"STATIC_URL is {static!r}, too; give each an address of its own.")
    return media, static


def _base_url(name: str, value: str) -> str:
    """A path or an http(s) URL under which files are served; always with a slash at its end."""
    cure = f"{value!r} is no base URL; write it like /files/ or https://cdn.example.uz/files/."
    parts = _split(name, value, cure)
    is_path = value.startswith("/") and not value.startswith("//")
    is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not (is_path or is_url) or parts.query or parts.fragment or value.strip("/") == "":
        raise malformed(name, cure)
    clean = value.rstrip("/") + "/"
    if is_path and (clean.startswith("/api/") or {".", ".."} & set(parts.path.split("/"))):
        raise malformed(name, f"{value!r} is not free: /api/ is the API's own; write it like /files/.")
    return clean


def storage(value: str, folder: Path) -> str:
    """An absolute folder, or ``s3://bucket/prefix``."""
    if "://" not in value:
        return str((folder / value).resolve())
    cure = "give a folder or s3://bucket/prefix."
    parts = _split("MEDIA_STORAGE", value, cure)
    if parts.scheme != "s3" or not parts.netloc:
        raise malformed("MEDIA_STORAGE", cure)
    if find_spec("s3fs") is None:
        raise SettingsError("MEDIA_STORAGE=s3://… needs the s3fs package: pip install 'ecatalog[s3]'.")
    return value.rstrip("/")


def path(value: str, folder: Path) -> str:
    """An absolute path; nothing stays nothing."""
    return str((folder / value).resolve()) if value else ""


def repository(value: str, folder: Path) -> str:
    """A restic repository: an absolute folder, or another place by its scheme (``s3:``, ``sftp:`` …)."""
    return value if re.match(r"[a-z][a-z0-9]+:", value) else path(value, folder)


def public_url(value: str) -> str:
    """``scheme://host[:port]`` in lower case, or nothing."""
    if value and not (_is_origin(value) and value.lower().startswith(("http://", "https://"))):
        cure = f"{value!r} is no address of a site; write scheme://host[:port], like https://api.example.uz."
        raise malformed("PUBLIC_URL", cure)
    return value.lower()


def web_address(name: str, value: str) -> str:
    """An http(s) URL, or nothing."""
    cure = "write an http or https URL, like https://hooks.example.uz/backup."
    parts = _split(name, value, cure)
    if value and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise malformed(name, cure)
    return value


def redis_url(value: str) -> str:
    if not value:
        return ""
    cure = "write it like redis://localhost:6379/0."
    parts = _split("REDIS_URL", value, cure)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise malformed("REDIS_URL", cure)
    if find_spec("redis") is None:
        raise SettingsError("REDIS_URL needs the redis package: pip install 'ecatalog[redis]'.")
    from redis.connection import parse_url

    try:
        parse_url(value)  # type: ignore[no-untyped-call]  # options after "?"
    except ValueError:
        raise malformed("REDIS_URL", cure) from None
    # redis itself takes a database that is no number for database 0.
    if parts.scheme != "unix" and not re.fullmatch(r"(/[0-9]*)?", parts.path, re.ASCII):
        raise malformed("REDIS_URL", cure)
    return value


def contacts(values: Sequence[str]) -> tuple[str, ...]:
    """Addresses to report weaknesses to, as RFC 9116 wants them: mailto:, tel: or https:."""
    for value in values:
        if not re.fullmatch(r"(mailto:[^\s@]+@[^\s@]+|tel:\+?[0-9.-]+|https://[^\s/]+\S*)", value):
            cure = f"{value!r} is none; write them like mailto:security@example.uz,https://example.uz/report."
            raise malformed("SECURITY_CONTACT", cure)
    return tuple(values)


def sentry_dsn(value: str) -> str:
    cure = "copy it from the project's settings, like https://key@host/1."
    parts = _split("SENTRY_DSN", value, cure)
    if value and not (parts.scheme in {"http", "https"} and parts.username and parts.hostname):
        raise malformed("SENTRY_DSN", cure)
    return value


def database_url(value: str, folder: Path) -> str:
    """The URL as SQLAlchemy wants it: psycopg 3 for PostgreSQL, an absolute path for SQLite."""
    cure = "write it like postgresql://user:password@host/name or sqlite:///instance/ecatalog.sqlite3."
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise malformed("DATABASE_URL", cure) from None  # the value may hold a password: not shown
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _sqlite_url(url, folder)
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise malformed("DATABASE_URL", f"only PostgreSQL and SQLite are supported; {cure}")
    if find_spec("psycopg") is None:
        raise SettingsError("DATABASE_URL needs the psycopg package: pip install 'ecatalog[postgres]'.")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _sqlite_url(url: URL, folder: Path) -> str:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        # Every worker and thread would see an empty database of its own.
        raise malformed("DATABASE_URL", "SQLite needs a file, like sqlite:///instance/ecatalog.sqlite3.")
    path = (folder / url.database).resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cure = f"its folder {path.parent} cannot be made ({error.strerror}); choose another."
        raise SettingsError(one_line(f"DATABASE_URL: {cure}")) from None
    return url.set(database=str(path)).render_as_string(hide_password=False)


def refuse_unsafe(
    *, debug: bool, secret_key: str, allowed_hosts: Sequence[str], cors_allow_all_origins: bool
) -> None:
    """Raise SettingsError for what must not face users; in development only the key must be there."""
    if not secret_key:
        raise SettingsError(f"SECRET_KEY is missing: {NEW_SECRET}")
    if debug:
        return
    if problem := secret_problem(secret_key):
        raise SettingsError(f"SECRET_KEY {problem}: {NEW_SECRET}")
    if not allowed_hosts:
        raise SettingsError("ALLOWED_HOSTS is empty: name the hosts clients use, like api.example.uz.")
    if "*" in allowed_hosts:
        raise SettingsError("ALLOWED_HOSTS is *, every host: name those clients use, like api.example.uz.")
    if cors_allow_all_origins:
        raise SettingsError(
            "CORS_ALLOW_ALL_ORIGINS is on with DEBUG=False: turn it off and list CORS_ALLOWED_ORIGINS."
        )


def secret_problem(key: str) -> str:
    """Why this key must not sign tokens in production, or an empty string."""
    if key in EXAMPLE_SECRETS or PLACEHOLDER.search(key):
        return "is an example that everybody can read"
    if len(key) < SHORTEST_SECRET:
        return f"has {len(key)} characters, fewer than {SHORTEST_SECRET}"
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    if _is_repetition(key) or min(_entropy(key), _entropy(steps)) < LEAST_ENTROPY:
        return "is of low variety"
    return ""


def _is_repetition(key: str) -> bool:
    """Whether one pattern fills the key at least twice, the last time perhaps cut off."""
    return any(key[period:] == key[:-period] for period in range(1, len(key) // 2 + 1))


def _entropy(items: Sequence[Hashable]) -> float:
    """Bits that the items carry, as if each were drawn by the frequencies seen here."""
    counts = Counter(items).values()
    return -sum(count * math.log2(count / len(items)) for count in counts)
