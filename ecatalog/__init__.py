"""E-Catalog: a REST catalogue in front of 1C:Enterprise."""

from __future__ import annotations

__version__ = "0.1.0"
