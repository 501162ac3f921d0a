"""Settings: typed, frozen, read once from the environment, ``.env`` and ``.flaskenv``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from environs import Env, EnvValidationError, validate
from flask import current_app

from ecatalog import config_checks as checks
from ecatalog.config_checks import SettingsError

__all__ = ["Settings", "SettingsError", "current_settings", "load_settings"]

DEFAULT_DATABASE_URL = "sqlite:///instance/ecatalog.sqlite3"
DEVELOPMENT_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Build one with :func:`load_settings`, or by hand in a test.

    Fields that carry a password or a key are left out of ``repr``, so that they reach no log.
    """

    secret_key: str = field(repr=False)
    debug: bool = False
    allowed_hosts: tuple[str, ...] = ()  # lower case; ".example.uz" also means its subdomains
    database_url: str = field(default=DEFAULT_DATABASE_URL, repr=False)
    database_pooler: str = ""  # "transaction" behind PgBouncer
    cors_allowed_origins: tuple[str, ...] = ()  # scheme://host[:port]
    cors_allow_credentials: bool = False
    cors_allow_all_origins: bool = False
    redis_url: str = field(default="", repr=False)  # empty: limits are counted in process
    media_storage: str = "instance/media"  # a folder, or s3://bucket/prefix
    media_url: str = "/media/"
    static_url: str = "/static/"
    ratelimit_anon: str = "100/hour"
    ratelimit_user: str = "1000/hour"
    ratelimit_signin: str = "10/15 minutes"  # failures of one (user name, address)
    ratelimit_signin_address: str = "100/15 minutes"  # failures of one address
    jwt_access_minutes: int = 60
    jwt_refresh_days: int = 7
    max_image_mb: int = 15
    max_import_mb: int = 50
    history_keep_days: int = 1825  # that ``flask audit clean`` leaves of the history of rows
    audit_keep_days: int = 365  # and of sign-ins and changes of users
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Tashkent"))
    log_level: str = "INFO"
    log_format: str = "json"  # or "human"
    trusted_proxies: tuple[str, ...] = ()  # networks in CIDR notation
    security_contact: tuple[str, ...] = ()  # mailto:, tel: or https: addresses, for security.txt
    sentry_dsn: str = field(default="", repr=False)
    otel_endpoint: str = ""  # a collector of traces
    metrics_token: str = field(default="", repr=False)  # lets a collector on another host read /metrics
    public_url: str = ""  # scheme://host[:port] under which clients find this installation
    backup_repository: str = field(default="", repr=False)  # restic's: a folder, or s3:…
    backup_password_file: str = ""
    backup_state_file: str = "instance/backup.json"  # when the last backup and check were, for monitoring
    backup_paths: tuple[str, ...] = ()  # files and folders to back up besides the database and the media
    backup_webhook: str = field(default="", repr=False)  # told when a backup fails
    backup_made_by: str = ""  # who makes the backups, where this host does not
    backup_keep_daily: int = 7
    backup_keep_weekly: int = 4
    backup_keep_monthly: int = 12
    bind: str = "127.0.0.1"  # where gunicorn listens: an address, or unix:/path
    port: int = 8000
    web_concurrency: int = 2  # gunicorn workers
    web_threads: int = 4  # of each worker; so many requests it answers at once


class _Environment(Env):
    """The process environment before the files, where an empty value counts as not set."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = super()._get_value(env_key, default)
        if isinstance(value, str) and not value.strip():
            return default
        return value

    def text(self, name: str, default: str = "") -> str:
        return (self.str(name, default) or "").strip()

    def names(self, name: str) -> tuple[str, ...]:
        """A comma-separated list, without blanks."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def flag(self, name: str) -> bool:
        try:
            return self.bool(name, False)
        except EnvValidationError:
            raise checks.malformed(name, "write True or False.") from None

    def whole(self, name: str, default: int, most: int) -> int:
        try:
            return self.int(name, default, validate=validate.Range(1, most))
        except EnvValidationError:
            raise checks.malformed(name, f"give a whole number from 1 to {most}.") from None


def load_settings(folder: Path | None = None) -> Settings:
    """Read the settings of the environment, completed by ``.env`` and then ``.flaskenv`` in ``folder``.

    ``folder`` (default: the current one) is also what relative SQLite and media paths start from; the
    folder of an SQLite file is created. Raises SettingsError, whose message is one line that names the
    variable and the cure, for a value that is missing, malformed, or unsafe with ``DEBUG=False``.
    """
    folder = (folder or Path.cwd()).resolve()
    env = _Environment()
    for path in (folder / ".env", folder / ".flaskenv"):
        try:
            env.read_env(path, recurse=False)
        except (OSError, ValueError) as error:  # not UTF-8, or a folder
            raise SettingsError(checks.one_line(f"The settings in {path} cannot be read: {error}")) from None
    settings = _read(env, folder)
    checks.refuse_unsafe(
        debug=settings.debug,
        secret_key=settings.secret_key,
        allowed_hosts=settings.allowed_hosts,
        cors_allow_all_origins=settings.cors_allow_all_origins,
    )
    return settings


def _read(env: _Environment, folder: Path) -> Settings:
    debug = env.flag("DEBUG")
    media_url, static_url = checks.base_urls(
        env.text("MEDIA_URL", "/media/"), env.text("STATIC_URL", "/static/")
    )
    return Settings(
        secret_key=env.str("SECRET_KEY", "") or "",
        debug=debug,
        allowed_hosts=checks.hosts(env.names("ALLOWED_HOSTS")) or (DEVELOPMENT_HOSTS if debug else ()),
        database_url=checks.database_url(env.text("DATABASE_URL", DEFAULT_DATABASE_URL), folder),
        database_pooler=checks.choice("DATABASE_POOLER", env.text("DATABASE_POOLER"), ("", "transaction")),
        cors_allowed_origins=checks.origins(env.names("CORS_ALLOWED_ORIGINS")),
        cors_allow_credentials=env.flag("CORS_ALLOW_CREDENTIALS"),
        cors_allow_all_origins=env.flag("CORS_ALLOW_ALL_ORIGINS"),
        redis_url=checks.redis_url(env.text("REDIS_URL")),
        media_storage=checks.storage(env.text("MEDIA_STORAGE", "instance/media"), folder),
        media_url=media_url,
        static_url=static_url,
        ratelimit_anon=_rate(env, "RATELIMIT_ANON", "100/hour"),
        ratelimit_user=_rate(env, "RATELIMIT_USER", "1000/hour"),
        ratelimit_signin=_rate(env, "RATELIMIT_SIGNIN", "10/15 minutes"),
        ratelimit_signin_address=_rate(env, "RATELIMIT_SIGNIN_ADDRESS", "100/15 minutes"),
        jwt_access_minutes=env.whole("JWT_ACCESS_MINUTES", 60, most=525_600),
        jwt_refresh_days=env.whole("JWT_REFRESH_DAYS", 7, most=3_650),
        max_image_mb=env.whole("MAX_IMAGE_MB", 15, most=1_024),
        max_import_mb=env.whole("MAX_IMPORT_MB", 50, most=4_096),
        history_keep_days=env.whole("HISTORY_KEEP_DAYS", 1825, most=36_500),
        audit_keep_days=env.whole("AUDIT_KEEP_DAYS", 365, most=36_500),
        timezone=checks.time_zone(env.text("TIMEZONE", "Asia/Tashkent")),
        log_level=checks.choice("LOG_LEVEL", env.text("LOG_LEVEL", "INFO").upper(), checks.LOG_LEVELS),
        log_format=checks.choice(
            "LOG_FORMAT", env.text("LOG_FORMAT", "human" if debug else "json").lower(), ("human", "json")
        ),
        trusted_proxies=checks.networks(env.names("TRUSTED_PROXIES")),
        security_contact=checks.contacts(env.names("SECURITY_CONTACT")),
        sentry_dsn=checks.sentry_dsn(env.text("SENTRY_DSN")),
        otel_endpoint=checks.web_address(
            "OTEL_EXPORTER_OTLP_ENDPOINT", env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
        ),
        metrics_token=env.text("METRICS_TOKEN"),
        public_url=checks.public_url(env.text("PUBLIC_URL")),
        backup_repository=checks.repository(env.text("BACKUP_REPOSITORY"), folder),
        backup_password_file=checks.path(env.text("BACKUP_PASSWORD_FILE"), folder),
        backup_state_file=checks.path(env.text("BACKUP_STATE_FILE", "instance/backup.json"), folder),
        backup_paths=tuple(checks.path(name, folder) for name in env.names("BACKUP_PATHS")),
        backup_webhook=checks.web_address("BACKUP_WEBHOOK", env.text("BACKUP_WEBHOOK")),
        backup_made_by=env.text("BACKUP_MADE_BY"),
        backup_keep_daily=env.whole("BACKUP_KEEP_DAILY", 7, most=10_000),
        backup_keep_weekly=env.whole("BACKUP_KEEP_WEEKLY", 4, most=10_000),
        backup_keep_monthly=env.whole("BACKUP_KEEP_MONTHLY", 12, most=10_000),
        bind=env.text("BIND", "127.0.0.1"),
        port=env.whole("PORT", 8000, most=65_535),
        web_concurrency=env.whole("WEB_CONCURRENCY", 2, most=256),
        web_threads=env.whole("WEB_THREADS", 4, most=256),
    )


def _rate(env: _Environment, name: str, default: str) -> str:
    return checks.rate_limit(name, env.text(name, default))


def current_settings() -> Settings:
    """The settings of the application that handles the present request or command."""
    return cast(Settings, current_app.extensions["ecatalog_settings"])
