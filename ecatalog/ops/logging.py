"""Logs: one line a request, human while developing, JSON in production, the request id on every line.

Secrets stay out by what is logged: paths without query strings, no headers, no bodies. What looks like a
secret in the text of an exception is blacked out on top of that, as are the texts in a database's errors.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
import time
from typing import Any

import orjson
from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

from ecatalog.config import Settings
from ecatalog.ops.caller import client_address, user_id
from ecatalog.ops.statements import hide_values

requests_log = logging.getLogger("ecatalog.request")

HIDDEN = "[hidden]"
_SECRETS = (
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JSON web token
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^\s:/@\"']*):[^\s/@\"']+@"), rf"\1:{HIDDEN}@"),  # the password in a URL
    (
        re.compile(
            r"(?i)((?:password|passwd|secret_key|secret|token)\\?[\"']?\s*[=:]\s*)(\\?[\"'])?[^\s\"'\\,;&)}\]]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
)

#: A text without any of these has none of the above: most lines, and looking is a hundred times cheaper.
_HINTS = ("eyj", "bearer", "basic", "://", "passw", "secret", "token")


def hide_secrets(text: str) -> str:
    """``text`` with tokens, credentials in URLs and values called ``password`` and the like blacked out."""
    folded = text.casefold()
    if not any(hint in folded for hint in _HINTS):
        return text
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def printable(text: str) -> str:
    """``text`` on one line: what could break the line or steer a terminal is written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class RequestFilter(logging.Filter):
    """Adds the id of the current request to every record, whoever logs it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = g.get("request_id") if has_request_context() else None
        return True


class StderrHandler(logging.Handler):
    """Writes to whatever is stderr now, also after a redirection; stdout is for commands."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class HumanFormatter(logging.Formatter):
    """A short line for a terminal; traces follow on their own lines."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(hide_values(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:
        message = printable(record.message)
        if hasattr(record, "milliseconds"):
            user = "-" if getattr(record, "user_id", None) is None else getattr(record, "user_id", None)
            route = printable(str(getattr(record, "route", None) or "-"))
            client = getattr(record, "client", None) or "-"
            message += f" {record.milliseconds:.1f} ms user={user} client={client} route={route}"
        request_id = getattr(record, "request_id", None) or "-"
        clock = self.formatTime(record, "%H:%M:%S")
        return f"{clock} {record.levelname:<7} [{request_id}] {record.name}: {message}"


class JsonLinesFormatter(JsonFormatter):
    """One JSON object a line, traces included."""

    # JSON allows them bare, but many readers break lines at them.
    SEPARATORS = str.maketrans({separator: f"\\u{ord(separator):04x}" for separator in "\x85\u2028\u2029"})

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message", "request_id"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "trace"},
            timestamp=True,
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Here and not in the line, in which quotes and ends of lines are escapes."""
        for name in ("message", "trace"):
            if isinstance(log_data.get(name), str):
                log_data[name] = hide_values(log_data[name])
        return log_data

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return orjson.dumps(log_data).decode()
        except TypeError:  # half of a character, or a value of a kind that only the other one knows
            return super().jsonify_log_record(log_data)

    def format(self, record: logging.LogRecord) -> str:
        line = hide_secrets(super().format(record))
        return line if line.isascii() else line.translate(self.SEPARATORS)


def logging_config(settings: Settings) -> dict[str, Any]:
    """The configuration for ``logging.config.dictConfig``; gunicorn takes it, too (``logconfig_dict``)."""
    formatter = HumanFormatter if settings.log_format == "human" else JsonLinesFormatter
    passed_on: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": RequestFilter}},
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "console": {
                "()": StderrHandler,
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "root": {"level": settings.log_level, "handlers": ["console"]},
        "loggers": {
            "gunicorn.error": passed_on | {"level": "INFO"},
            "gunicorn.access": passed_on | {"level": "WARNING"},  # ours has more, and no query string
            "werkzeug": passed_on | {"level": "WARNING"},  # the same
            # Below that it logs the values of every statement.
            "sqlalchemy": passed_on | {"level": "WARNING"},
            "alembic.runtime.plugins": passed_on | {"level": "WARNING"},  # seven lines at each start
            "flask_cors": passed_on | {"level": "WARNING"},
            # At each start they tell where they have their settings from.
            "aiobotocore": passed_on | {"level": "WARNING"},
            "botocore": passed_on | {"level": "WARNING"},
        },
    }


def _begin() -> None:
    g.log_began = time.perf_counter()


def _remember(response: Response) -> Response:
    g.log_status = response.status_code
    return response


def write_line(
    method: str,
    path: str,
    status: int | None,
    error: BaseException | None = None,
    *,
    seconds: float,
    **facts: Any,
) -> None:
    """One request; no status means that it died before an answer. ``facts``: route, user_id, client."""
    path = printable(path)
    facts |= {"method": method, "path": path, "milliseconds": round(seconds * 1000, 1)}
    if status is None:
        requests_log.error("%s %s died before an answer", method, path, extra=facts, exc_info=error)
        return
    level = logging.WARNING if status >= 500 else logging.INFO
    if requests_log.isEnabledFor(level):
        # As requests_log.log() would, but for looking which line of ours this is: a tenth of its time.
        told, extra = (method, path, status), facts | {"status": status}
        record = requests_log.makeRecord(requests_log.name, level, "", 0, "%s %s %s", told, None, extra=extra)
        requests_log.handle(record)


def _write_line(error: BaseException | None = None) -> None:
    """At the very end of the request, also of one that was aborted."""
    if "log_began" not in g:
        return  # a context that no request runs in, as in a shell
    write_line(
        request.method,
        request.path,
        g.get("log_status"),
        error,
        seconds=time.perf_counter() - g.log_began,
        route=request.url_rule.rule if request.url_rule else None,
        user_id=user_id(),
        client=client_address(),
    )


def init_logging(app: Flask, settings: Settings) -> None:
    """Send all logs of the process through our lines, and write one for each request."""
    root = logging.getLogger()
    foreign = [handler for handler in root.handlers if handler.get_name() != "console"]
    logging.config.dictConfig(logging_config(settings))
    for handler in foreign:  # error trackers and test runners listen there, too
        root.addHandler(handler)
    app.before_request(_begin)
    app.after_request(_remember)
    app.teardown_request(_write_line)
