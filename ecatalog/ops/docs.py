"""The OpenAPI document, and its pages: Swagger UI and ReDoc from installed packages, so no internet is needed."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("docs", __name__, url_prefix="/api")
