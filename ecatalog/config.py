"""Settings: typed, frozen, read once from the environment, ``.env`` and ``.flaskenv``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Build one with :func:`load_settings`, or by hand in a test."""

    secret_key: str
    debug: bool = False
    allowed_hosts: tuple[str, ...] = ()
    database_url: str = "sqlite:///instance/ecatalog.sqlite3"
    database_pooler: str = ""  # "transaction" behind PgBouncer
    cors_allowed_origins: tuple[str, ...] = ()
    cors_allow_credentials: bool = False
    cors_allow_all_origins: bool = False
    redis_url: str = ""  # empty: limits are counted in process
    media_storage: str = "instance/media"
    media_url: str = "/media/"
    static_url: str = "/static/"
    ratelimit_anon: str = "100/hour"
    ratelimit_user: str = "1000/hour"
    jwt_access_minutes: int = 60
    jwt_refresh_days: int = 7
    max_image_mb: int = 15
    max_import_mb: int = 50
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Tashkent"))
    log_level: str = "INFO"
    log_format: str = "json"  # or "human"
    trusted_proxies: tuple[str, ...] = ()
    sentry_dsn: str = ""


class SettingsError(RuntimeError):
    """A setting is missing, malformed or unsafe; the message is one line that names it and the cure."""


def load_settings(folder: Path | None = None) -> Settings:
    """Read the settings of the environment, completed by ``.env`` and ``.flaskenv`` in ``folder``.

    Raises SettingsError for a value that is missing, malformed or unsafe.
    """
    raise NotImplementedError
