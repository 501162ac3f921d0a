"""The filter ``fill_parts``: a configuration file that works as it stands, with parts of it replaced."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping

PART = re.compile(r"^(?P<indent> *)# site: (?P<name>[a-z-]+)\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)


def fill_parts(text: str, parts: Mapping[str, str | None]) -> str:
    """Replace what stands between ``# site: NAME`` and ``# end`` by the part of that name; None is nothing.

    Raises ValueError unless each name in the text has a part, and each part a place in the text.
    """
    names = {match["name"] for match in PART.finditer(text)}
    if names != parts.keys():
        raise ValueError(f"parts without a place, or places without a part: {sorted(names ^ parts.keys())}")

    def filled(match: re.Match[str]) -> str:
        part = (parts[match["name"]] or "").strip("\n")
        return textwrap.indent(f"{part}\n", match["indent"]) if part else ""

    return PART.sub(filled, text)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"fill_parts": fill_parts}
