"""Settings: where they come from, what they may look like, and what is refused in one line."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
from pathlib import Path

import pytest

from ecatalog.config import Settings, SettingsError, load_settings
from tests.serving import ROOT, source_files

GOOD_KEY = secrets.token_urlsafe(64)
PRODUCTION = {"SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "api.example.uz"}
DEVELOPMENT = {"SECRET_KEY": "short", "DEBUG": "True"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    for name in re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
        monkeypatch.delenv(name, raising=False)
    return Load(tmp_path, monkeypatch)


@dataclasses.dataclass
class Load:
    """Loads the settings of a folder, with these variables in the environment."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, base: dict[str, str] | None = None, **variables: str) -> Settings:
        for name, value in {**(PRODUCTION if base is None else base), **variables}.items():
            self.monkeypatch.setenv(name, value)
        return load_settings(self.folder)

    def refusal(self, base: dict[str, str] | None = None, **variables: str) -> str:
        with pytest.raises(SettingsError) as refused:
            self(base, **variables)
        message = str(refused.value)
        assert len(message.splitlines()) == 1
        return message


def test_defaults(load: Load) -> None:
    settings = load()
    assert settings.debug is False
    assert settings.allowed_hosts == ("api.example.uz",)
    assert settings.database_url == f"sqlite:///{load.folder}/instance/ecatalog.sqlite3"
    assert (load.folder / "instance").is_dir()
    assert settings.media_storage == str(load.folder / "instance" / "media")
    assert settings.timezone.key == "Asia/Tashkent"
    assert (settings.ratelimit_anon, settings.ratelimit_user) == ("100/hour", "1000/hour")
    assert settings.log_format == "json"
    assert settings.redis_url == ""


def test_development_needs_only_a_key(load: Load) -> None:
    settings = load(DEVELOPMENT)
    assert settings.log_format == "human"
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert load(CORS_ALLOW_ALL_ORIGINS="yes", ALLOWED_HOSTS="*").cors_allow_all_origins is True


def test_environment_before_env_file_before_flaskenv(load: Load) -> None:
    (load.folder / ".flaskenv").write_text("PORT=1001\nWEB_CONCURRENCY=11\nMAX_IMAGE_MB=21\n")
    (load.folder / ".env").write_text("PORT=1002\nWEB_CONCURRENCY=12\n")
    settings = load(PORT="1003")
    assert (settings.port, settings.web_concurrency, settings.max_image_mb) == (1003, 12, 21)


def test_the_folder_alone_is_read_and_the_environment_is_left_alone(load: Load) -> None:
    (load.folder / ".env").write_text("PORT=1002\n")
    inner = load.folder / "inner"
    inner.mkdir()
    load.folder = inner
    assert load().port == 8000
    assert "PORT" not in os.environ


def test_an_empty_value_counts_as_not_set(load: Load) -> None:
    settings = load(PORT="", DEBUG=" ", DATABASE_URL="", TIMEZONE="", RATELIMIT_ANON="", MEDIA_URL="")
    assert (settings.port, settings.debug, settings.media_url) == (8000, False, "/media/")


def test_settings_are_frozen(load: Load) -> None:
    settings = load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


def test_repr_hides_what_is_secret(load: Load) -> None:
    settings = load(
        DATABASE_URL="postgresql://me:passw0rd-1@host/name",  # pragma: allowlist secret
        REDIS_URL="redis://:passw0rd-2@host/0",
        SENTRY_DSN="https://passw0rd-3@sentry.example.uz/1",
    )
    assert "passw0rd" not in repr(settings)
    assert GOOD_KEY not in repr(settings)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h/x", "postgresql+psycopg://u:p@h/x"),
        (
            "postgresql://u:p%40@h:5433/x?sslmode=require",  # pragma: allowlist secret
            "postgresql+psycopg://u:p%40@h:5433/x?sslmode=require",  # pragma: allowlist secret
        ),
        ("postgresql+psycopg://h/x", "postgresql+psycopg://h/x"),
        ("sqlite:///data/x.sqlite3", "sqlite:///{folder}/data/x.sqlite3"),
        ("sqlite:////{folder}/y.sqlite3", "sqlite:///{folder}/y.sqlite3"),
    ],
)
def test_database_url(load: Load, given: str, expected: str) -> None:
    settings = load(DATABASE_URL=given.format(folder=load.folder))
    assert settings.database_url == expected.format(folder=load.folder)


def test_lists_are_split_and_cleaned(load: Load) -> None:
    settings = load(
        ALLOWED_HOSTS=" API.example.uz, .example.com ,,[::1]",
        CORS_ALLOWED_ORIGINS="https://shop.example.uz,http://localhost:5173,capacitor://localhost",
        TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,fd00::/8",
    )
    assert settings.allowed_hosts == ("api.example.uz", ".example.com", "[::1]")
    assert settings.cors_allowed_origins[1:] == ("http://localhost:5173", "capacitor://localhost")
    assert settings.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    "key",
    [
        GOOD_KEY[:49],
        "a" * 64,
        "abcdefghij" * 6,
        "correct-horse-battery-staple/" * 2 + "correct-horse",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "x" * 40 + GOOD_KEY[:12],
        "django-insecure-" + GOOD_KEY,
        "change-me-" + GOOD_KEY,
    ],
    ids=["short", "letter", "pattern", "words", "alphabet", "padded", "insecure", "placeholder"],
)
def test_weak_keys_are_refused_in_production(load: Load, key: str) -> None:
    message = load.refusal(SECRET_KEY=key)
    assert message.startswith("SECRET_KEY ")
    assert "make one with: python -c" in message
    assert key not in message


@pytest.mark.parametrize(
    "key",
    [secrets.token_hex(32), secrets.token_urlsafe(38), secrets.token_urlsafe(96)],
    ids=["hexadecimal", "just long enough", "long"],
)
def test_random_keys_are_taken(load: Load, key: str) -> None:
    assert load(SECRET_KEY=key).secret_key == key


def test_every_example_of_a_key_in_the_repository_is_refused(load: Load) -> None:
    pattern = re.compile(r"""SECRET_KEY["']?\s*[=:]\s*["']?([^\s"'`{}$<>()…]{8,})""")
    examples = set()
    for path in source_files():
        if "tests" not in path.parts:
            examples |= set(pattern.findall((ROOT / path).read_bytes().decode(errors="replace")))
    assert examples, "at least .env.example has one"
    for example in examples:
        load.refusal(SECRET_KEY=example)


@pytest.mark.parametrize(
    ("variables", "name", "cure"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY", "make one with"),
        ({"SECRET_KEY": "", "DEBUG": "True"}, "SECRET_KEY", "make one with"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS", "name the hosts"),
        ({"ALLOWED_HOSTS": "api.example.uz,*"}, "ALLOWED_HOSTS", "name those"),
        ({"CORS_ALLOW_ALL_ORIGINS": "True"}, "CORS_ALLOW_ALL_ORIGINS", "turn it off"),
    ],
)
def test_unsafe_values_are_refused(load: Load, variables: dict[str, str], name: str, cure: str) -> None:
    message = load.refusal(PRODUCTION | variables)
    assert message.startswith(name)
    assert cure in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WEB_CONCURRENCY", "-1"),
        ("JWT_ACCESS_MINUTES", "1.5"),
        ("JWT_REFRESH_DAYS", "9" * 5000),
        ("MAX_IMAGE_MB", "15MB"),
        ("SECURITY_CONTACT", "security@example.uz"),
        ("SECURITY_CONTACT", "http://example.uz/"),
        ("SECURITY_CONTACT", "mailto:a@b.uz,mailto:"),
        ("HISTORY_KEEP_DAYS", "0"),
        ("AUDIT_KEEP_DAYS", "-1"),
        ("MAX_IMPORT_MB", "0"),
        ("TIMEZONE", "Tashkent"),
        ("TIMEZONE", "../etc/passwd"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_POOLER", "session"),
        ("DATABASE_URL", "mysql://h/x"),
        ("DATABASE_URL", "not a url\nat all"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:////dev/null/x.sqlite3"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "redis://localhost:99999/0"),
        ("REDIS_URL", "redis://localhost:0/0"),
        ("REDIS_URL", "redis://localhost:port/0"),
        ("REDIS_URL", "redis://localhost:6379/first"),
        ("REDIS_URL", "redis://localhost:6379/0/1"),
        ("REDIS_URL", "redis://localhost:6379/-1"),
        ("REDIS_URL", "redis://localhost?db=first"),
        ("REDIS_URL", "unix:///run/redis.sock?db=first"),
        ("RATELIMIT_ANON", "many"),
        ("RATELIMIT_USER", "0/hour"),
        ("RATELIMIT_SIGNIN", "10 per fortnight"),
        ("RATELIMIT_SIGNIN_ADDRESS", ";"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ALLOWED_HOSTS", "https://api.example.uz"),
        ("ALLOWED_HOSTS", "api.example.uz:8000"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "https://.*"),
        ("CORS_ALLOWED_ORIGINS", "https://shop.example.uz/"),
        ("CORS_ALLOWED_ORIGINS", "shop.example.uz"),
        ("CORS_ALLOWED_ORIGINS", "https://shop.example.uz:99999"),
        ("MEDIA_URL", "media"),
        ("MEDIA_URL", "https://cdn.example.uz:99999/files/"),
        ("MEDIA_URL", "https://cdn.example.uz:port/files/"),
        ("MEDIA_URL", "/static/"),
        ("MEDIA_URL", "/api"),
        ("MEDIA_URL", "/api/media/"),
        ("MEDIA_URL", "/x/../api/media/"),
        ("STATIC_URL", "http://cdn.example.uz:0/"),
        ("STATIC_URL", "/api/static/"),
        ("SENTRY_DSN", "https://key@sentry.example.uz:99999/1"),
        ("STATIC_URL", "//cdn.example.uz/"),
        ("MEDIA_STORAGE", "s3://"),
        ("MEDIA_STORAGE", "ftp://host/x"),
        ("SENTRY_DSN", "https://sentry.example.uz/1"),
    ],
)
def test_malformed_values_are_refused_by_name(load: Load, name: str, value: str) -> None:
    assert load.refusal(PRODUCTION | {name: value}).startswith(name)


def test_an_unreadable_env_file_is_refused(load: Load) -> None:
    (load.folder / ".env").write_bytes("SECRET_KEY=ключ".encode("cp1251"))
    assert str(load.folder / ".env") in load.refusal()


@pytest.mark.parametrize("name", [".env", ".flaskenv"])
def test_a_folder_in_place_of_an_env_file_is_refused(load: Load, name: str) -> None:
    (load.folder / name).mkdir()
    assert str(load.folder / name) in load.refusal()


@pytest.mark.parametrize(
    "value",
    [
        "redis://localhost",
        "redis://localhost/",
        "redis://:password@localhost:6380/15",
        "rediss://localhost/?db=2&socket_timeout=1.5",
        "unix:///run/redis/redis.sock?db=1",
    ],
)
def test_redis_url(load: Load, value: str) -> None:
    assert load(REDIS_URL=value).redis_url == value


def test_media_and_static_files_have_addresses_of_their_own(load: Load) -> None:
    settings = load(MEDIA_URL="https://cdn.example.uz:8443/api", STATIC_URL="/apis")
    assert (settings.media_url, settings.static_url) == ("https://cdn.example.uz:8443/api/", "/apis/")
    assert "STATIC_URL" in load.refusal(MEDIA_URL="/files", STATIC_URL="/files/")
