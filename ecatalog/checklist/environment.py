"""Settings: what the start cannot refuse, or would have refused."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note
from ecatalog.config_checks import NEW_SECRET, secret_problem
from ecatalog.ops.hosts import is_allowed

SECTION = "environment"
SETTINGS_FILE = Path("/etc/ecatalog/ecatalog.env")
_EDIT = f"Set it in {SETTINGS_FILE} and restart the service."


@check(SECTION, "SECRET_KEY")
def secret_key(context: Context) -> Finding:
    if problem := secret_problem(context.settings.secret_key):
        return bad(f"SECRET_KEY {problem}", f"{NEW_SECRET}; all users sign in again after it.")
    return good(f"{len(context.settings.secret_key)} characters of high variety")


@check(SECTION, "DEBUG")
def debug(context: Context) -> Finding:
    if context.settings.debug:
        return bad("DEBUG is on: weak settings are accepted", f"DEBUG=False. {_EDIT}")
    return good("off")


@check(SECTION, "ALLOWED_HOSTS")
def allowed_hosts(context: Context) -> Finding:
    hosts = context.settings.allowed_hosts
    if not hosts or "*" in hosts:
        return bad("every host is taken", f"Name the hosts that clients use. {_EDIT}")
    if context.host and not is_allowed(context.host, hosts):
        return bad(f"{context.host} of PUBLIC_URL is not among {', '.join(hosts)}", f"Add it. {_EDIT}")
    return good(", ".join(hosts))


@check(SECTION, "DATABASE_URL")
def database_url(context: Context) -> Finding:
    url = sa.make_url(context.settings.database_url)
    if url.get_backend_name() != "postgresql":
        cure = "DATABASE_URL=postgresql://…: SQLite takes one writer at a time and one machine."
        return bad("SQLite", f"{cure} {_EDIT}")
    return good(f"PostgreSQL, {url.database} at {url.host or url.query.get('host') or 'a local socket'}")


@check(SECTION, "CORS list")
def cors(context: Context) -> Finding:
    settings = context.settings
    if settings.cors_allow_all_origins:
        return bad("every origin may call", f"CORS_ALLOW_ALL_ORIGINS=False, and list them. {_EDIT}")
    origins = settings.cors_allowed_origins
    if not origins:
        cure = "Fine if no browser application calls the API; else list its origin in CORS_ALLOWED_ORIGINS."
        return note("no origin may call from a browser", cure)
    plain = [origin for origin in origins if not origin.startswith("https://")]
    if plain:
        return bad(f"not over HTTPS: {', '.join(plain)}", f"Take them out of CORS_ALLOWED_ORIGINS. {_EDIT}")
    return good(", ".join(origins))


@check(SECTION, "PUBLIC_URL")
def public_url(context: Context) -> Finding:
    url = context.settings.public_url
    if not url:
        return bad(
            "not set: nothing can be looked at from outside", f"PUBLIC_URL=https://api.example.uz. {_EDIT}"
        )
    if urlsplit(url).scheme != "https":
        return bad(url, f"Passwords would travel in the open: https:// it must be. {_EDIT}")
    return good(url)


@check(SECTION, "settings file")
def settings_file(context: Context) -> Finding:
    try:
        path = SETTINGS_FILE if SETTINGS_FILE.exists() else Path(".env").resolve()
        exists = path.exists()
    except PermissionError:
        return good(f"{SETTINGS_FILE.parent} is shut even to this user")
    if not exists:
        return note(
            "no settings file: they come from the environment", "Keep the place that they come from secret."
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o007:
        return bad(f"{path} is open to everybody ({mode:04o})", f"chmod 0640 {path}")
    return good(f"{path}, {mode:04o}")
