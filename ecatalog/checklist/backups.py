"""Backups: that there are some, that they are fresh, and that they can be restored."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note
from ecatalog.ops.backup_state import read_state

SECTION = "backups"
_ELSEWHERE = "Look where they are made: ecatalog checklist --only backups"
HOUR = 3600
MOST_HOURS = {"backup": 26, "check": 8 * 24, "verify": 8 * 24}
COMMANDS = {"backup": "create", "check": "check", "verify": "verify"}


@check(SECTION, "configured")
def configured(context: Context) -> Finding:
    settings = context.settings
    if maker := settings.backup_made_by:
        if settings.backup_repository:
            cure = "Take BACKUP_MADE_BY away where backups are made, BACKUP_REPOSITORY everywhere else."
            return bad(f"{maker} is said to make them, but BACKUP_REPOSITORY is set here, too", cure)
        return good(f"{maker} makes them")
    if not settings.backup_repository:
        cure = "Set it and BACKUP_PASSWORD_FILE; then flask backup init. Or set BACKUP_MADE_BY: who does it?"
        return bad("BACKUP_REPOSITORY is not set", cure)
    if not settings.backup_password_file:
        return bad(
            "BACKUP_PASSWORD_FILE is not set", "Write a long random password into a file, and name it."
        )
    if shutil.which("restic") is None:
        return bad("restic is not installed", "apt install restic")
    path = Path(settings.backup_password_file)
    if path.exists() and path.stat().st_mode & 0o077 and path.stat().st_mode & 0o007:
        return bad(f"{path} is open to everybody", f"chmod 0640 {path}")
    keep = (settings.backup_keep_daily, settings.backup_keep_weekly, settings.backup_keep_monthly)
    return good("keeps {} daily, {} weekly, {} monthly".format(*keep))


def _age(context: Context, event: str) -> Finding:
    if maker := context.settings.backup_made_by:
        return note(f"not to be seen from here: {maker} makes them", _ELSEWHERE)
    outcome = read_state(context.settings.backup_state_file).get(event)
    command = f"flask backup {COMMANDS[event]}"
    if outcome is None or not outcome.succeeded:
        failed = f"; it failed: {outcome.detail}" if outcome and outcome.detail else ""
        return bad(f"never succeeded{failed}", command)
    hours = (time.time() - outcome.succeeded) / HOUR
    if outcome.failed > outcome.succeeded:
        return bad(f"the latest failed: {outcome.detail}", f"Mend what it names, then {command}.")
    if hours > MOST_HOURS[event]:
        return bad(f"{hours:.0f} hours ago", f"{command}; systemctl list-timers 'ecatalog-*'")
    return good(f"{hours:.1f} hours ago")


@check(SECTION, "last backup")
def last_backup(context: Context) -> Finding:
    return _age(context, "backup")


@check(SECTION, "last check")
def last_check(context: Context) -> Finding:
    return _age(context, "check")


@check(SECTION, "last verify")
def last_verify(context: Context) -> Finding:
    return _age(context, "verify")
