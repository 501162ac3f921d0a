"""What strangers meet at the public name: TLS, redirects, headers, and doors that must be shut."""

from __future__ import annotations

import re
import socket
import ssl
import time
import warnings
from urllib.parse import urlsplit

from ecatalog.checklist.context import SECONDS, Context, ask
from ecatalog.checklist.registry import Finding, bad, check, good, note

SECTION = "security"
NO_NAME = "there is no HTTPS name to look at"
SET_NAME = "Set PUBLIC_URL=https://…"
FEWEST_DAYS, FEW_DAYS = 7, 20  # certbot renews 30 days before the end
LEAST_HSTS = 15_552_000  # seconds: half a year
_INDEX = "/api/v1/"


def _https_place(context: Context) -> tuple[str, int] | None:
    parts = urlsplit(context.settings.public_url)
    return (parts.hostname or "", parts.port or 443) if parts.scheme == "https" else None


@check(SECTION, "HTTPS answers")
def https_answers(context: Context) -> Finding:
    if _https_place(context) is None:
        return bad(NO_NAME, SET_NAME)
    try:
        answer = context.call(_INDEX)
    except (OSError, ValueError) as error:
        return bad(
            f"{context.settings.public_url}: {error}", "Look at DNS, nginx and the firewall's port 443."
        )
    if answer.status != 200:
        return bad(f"{_INDEX} answers {answer.status}", "Look into the logs of nginx and of the service.")
    return good(f"{context.settings.public_url} answers")


@check(SECTION, "certificate")
def certificate(context: Context) -> Finding:
    place = _https_place(context)
    if place is None:
        return bad(NO_NAME, SET_NAME)
    try:
        with (
            socket.create_connection(place, timeout=SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=place[0]) as secured,
        ):
            told = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return bad(f"not valid: {error.verify_message}", "certbot renew, then systemctl reload nginx")
    days = int((ssl.cert_time_to_seconds(str(told["notAfter"])) - time.time()) // 86_400)
    if days < FEWEST_DAYS:
        return bad(f"valid for {days} more days", "certbot renew; systemctl status certbot.timer")
    if days < FEW_DAYS:
        return note(
            f"valid for {days} more days", "It should be renewed by now: systemctl status certbot.timer"
        )
    return good(f"valid for {days} more days")


@check(SECTION, "HSTS")
def hsts(context: Context) -> Finding:
    if _https_place(context) is None:
        return bad(NO_NAME, SET_NAME)
    header = context.call(_INDEX).headers.get("strict-transport-security", "")
    age = re.search(r"max-age=(\d+)", header)
    if age is None or int(age[1]) < LEAST_HSTS or "\n" in header:
        cure = 'nginx: add_header Strict-Transport-Security "max-age=31536000" always; once'
        return bad(f"Strict-Transport-Security: {header!r}", cure)
    return good(header)


@check(SECTION, "HTTP redirects")
def http_redirects(context: Context) -> Finding:
    place = _https_place(context)
    if place is None:
        return bad(NO_NAME, SET_NAME)
    try:
        answer = ask(f"http://{place[0]}:{context.http_port}{_INDEX}", "GET", {})
    except OSError as error:
        return note(
            f"nothing answers on port {context.http_port} ({error})", "Let nginx redirect to HTTPS there."
        )
    target = answer.headers.get("location", "")
    if answer.status not in (301, 302, 307, 308) or not target.startswith("https://"):
        return bad(
            f"HTTP answers {answer.status} {target}".strip(), "nginx: return 308 https://$host$request_uri;"
        )
    return good(f"{answer.status} to {target}")


@check(SECTION, "cookies")
def cookies(context: Context) -> Finding:
    found = []
    for path in (_INDEX, "/api/docs/", "/api/token/"):
        found += context.call(path).headers.get("set-cookie", "").splitlines()
    careless = [
        line.partition("=")[0]
        for line in found
        if not all(word in line.lower() for word in ("secure", "httponly", "samesite"))
    ]
    if careless:
        return bad(
            f"without Secure, HttpOnly or SameSite: {', '.join(careless)}", "Who sets it? nginx or a proxy."
        )
    return good("none are set" if not found else "Secure, HttpOnly and SameSite")


@check(SECTION, "TLS versions")
def tls_versions(context: Context) -> Finding:
    place = _https_place(context)
    if place is None:
        return bad(NO_NAME, SET_NAME)
    taken = {version: _handshake(place, version) for version in (_V10, _V11, _V12, _V13)}
    old = [version.name for version in (_V10, _V11) if taken[version]]
    if old:
        return bad(f"takes {', '.join(old)}", "nginx: ssl_protocols TLSv1.2 TLSv1.3;")
    if not taken[_V13]:
        return note("TLS 1.3 is not offered", "nginx: ssl_protocols TLSv1.2 TLSv1.3;")
    return good("TLS 1.3" + (" and 1.2" if taken[_V12] else "") + ", nothing older")


_V10, _V11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
_V12, _V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def _handshake(place: tuple[str, int], version: ssl.TLSVersion) -> bool:
    """Whether the server speaks exactly this version with us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the certificate has a check of its own
    context.set_ciphers("ALL:@SECLEVEL=0")  # else our own side would refuse the old versions
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what we ask about
            context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(place, timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=place[0]),
        ):
            return True
    except (ssl.SSLError, ConnectionError):
        return False


@check(SECTION, "headers")
def headers(context: Context) -> Finding:
    answer = context.call(_INDEX)
    wanted = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'"}
    missing = [name for name, value in wanted.items() if value not in answer.headers.get(name, "")]
    if missing:
        return bad(f"missing: {', '.join(missing)}", "nginx must pass the application's headers on.")
    twice = [name for name in wanted if "\n" in answer.headers[name]]
    if twice:
        return bad(f"twice: {', '.join(twice)}", "Take them out of nginx: the application sets them.")
    server = answer.headers.get("server", "")
    if re.search(r"\d", server):
        return note(f"Server: {server}", "nginx: server_tokens off;")
    return good("as the application sets them")


@check(SECTION, "foreign host")
def foreign_host(context: Context) -> Finding:
    try:
        answer = context.call(_INDEX, headers={"Host": "checklist.invalid"})
    except OSError:
        return good("the connection is closed")
    if answer.status < 400:
        return bad(f"answers {answer.status}", "ALLOWED_HOSTS and nginx's default server must refuse it.")
    return good(f"refused with {answer.status}")


@check(SECTION, "metrics are shut")
def metrics_shut(context: Context) -> Finding:
    if not context.host:
        return bad("there is no public name to look at", "Set PUBLIC_URL=https://…")
    answer = context.call("/metrics")
    if answer.status == 200:
        return bad("everybody reads /metrics", "nginx: location = /metrics { deny all; }")
    return good(f"/metrics answers {answer.status} to strangers")
