"""A failed backup is loud: in the log, in the noted state that ``/metrics`` shows, and at the webhook."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import orjson

from ecatalog.backup.programs import BackupError
from ecatalog.backup.runs import installation
from ecatalog.config import Settings
from ecatalog.ops import backup_state
from ecatalog.ops.logging import hide_secrets

log = logging.getLogger("ecatalog.backup")

_WEBHOOK_SECONDS = 10


@contextmanager
def watched(settings: Settings, event: str) -> Iterator[None]:
    """Around an event of :data:`ecatalog.ops.backup_state.EVENTS`: its success or failure is noted and told.

    What raises inside is told and goes on as BackupError; a termination by SIGTERM counts as a failure, too.
    """
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except Exception as error:
        if not isinstance(error, BackupError):
            log.debug("%s broke", event, exc_info=True)
        _tell(settings, event, str(error) or type(error).__name__)
        raise BackupError(str(error) or type(error).__name__) from error
    except BaseException:
        _tell(settings, event, "interrupted")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    _note(settings, event, None)
    log.info("%s succeeded", event)


def _terminated(*_: Any) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


def _tell(settings: Settings, event: str, detail: str) -> None:
    detail = hide_secrets(detail)
    log.error("%s failed: %s", event, detail)
    _note(settings, event, detail)
    if settings.backup_webhook:
        _post(settings, event, detail)


def _note(settings: Settings, event: str, error: str | None) -> None:
    try:
        backup_state.note(settings.backup_state_file, event, error=error)
    except OSError as problem:
        raise BackupError(f"BACKUP_STATE_FILE cannot be written: {problem}") from problem


def _post(settings: Settings, event: str, detail: str) -> None:
    body = {
        "event": f"{event} failed",
        "detail": detail,
        "installation": installation(settings),
        "machine": socket.gethostname(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    request = urllib.request.Request(  # noqa: S310  # the setting allows http and https alone
        settings.backup_webhook, orjson.dumps(body), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_WEBHOOK_SECONDS):  # noqa: S310  # nosec B310 - see above
            pass
    except (OSError, ValueError) as problem:
        log.error("BACKUP_WEBHOOK was not told: %s", hide_secrets(str(problem)))
