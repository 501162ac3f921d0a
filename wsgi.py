"""The application for gunicorn and the ``flask`` command: ``wsgi:app``."""

from __future__ import annotations

import sys

from ecatalog import create_app
from ecatalog.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    # One line on stderr and exit status 1, in place of a trace that hides what to set.
    sys.exit(f"ecatalog: {error}")
