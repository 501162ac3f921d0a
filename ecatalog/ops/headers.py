"""Security headers on every answer. (Strict-Transport-Security is nginx's: only it knows about TLS.)"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from ecatalog.config import Settings

#: JSON needs nothing; this also disarms any answer that a browser would take for a page.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"

#: Swagger UI and ReDoc from our own files ({files}: where these are): no inline scripts, but both set styles;
#: ReDoc indexes in a worker.
DOCS_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src {files}",
        "style-src {files} 'unsafe-inline'",
        "img-src {files} data:",
        "font-src {files} data:",
        "connect-src 'self'",
        "worker-src {files} blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
DOCS_PREFIXES = ("/api/docs/", "/api/redoc/")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Front ends on other origins load images and read answers; CORS says which of them may read.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def _docs_policy(static_url: str) -> str:
    place = urlsplit(static_url)
    return DOCS_POLICY.format(files=f"'self' {place.scheme}://{place.netloc}" if place.netloc else "'self'")


def _with_policy(policy: str) -> tuple[tuple[str, str, str], ...]:
    """(lower-case name, name, value) of each header."""
    headers = {**SECURITY_HEADERS, "Content-Security-Policy": policy}
    return tuple((name.lower(), name, value) for name, value in headers.items())


def init_headers(app: Flask, settings: Settings) -> None:
    """Add the headers to every answer; a view that sets one itself keeps its value."""
    api_headers = _with_policy(API_POLICY)
    docs_headers = _with_policy(_docs_policy(settings.static_url))

    def secure(response: Response) -> Response:
        headers = response.headers
        present = {name.lower() for name, _ in headers}
        for key, name, value in docs_headers if request.path.startswith(DOCS_PREFIXES) else api_headers:
            if key not in present:
                headers.add(name, value)
        if "cache-control" not in present and request.path.startswith("/api/"):
            headers.add("Cache-Control", "no-store")  # tokens, histories, refusals: nobody else's business
        if response.mimetype == "text/html" and response.calculate_content_length() == 0:
            # Flask's default, in OPTIONS and redirects: there is no page
            del headers["Content-Type"]
        return response

    app.after_request(secure)
