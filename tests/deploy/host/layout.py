"""Which hosts there are, and what each of them does, as the inventories of the repository have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PUBLIC_NAME = "catalog.test"


@dataclass(frozen=True)
class Layout:
    """``inventory``: the repository's; ``hosts``: addresses by name; ``groups``: names of hosts by group."""

    inventory: str
    hosts: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]

    @property
    def web_address(self) -> str:
        """Where the public name leads."""
        return self.hosts[self.groups["web"][0]]


ONE = Layout("single", {"catalog": "10.203.7.2"}, dict.fromkeys(("web", "app", "db", "cache"), ("catalog",)))
SEVERAL = Layout(
    "several",
    {"web1": "10.203.7.11", "app1": "10.203.7.12", "app2": "10.203.7.13", "data1": "10.203.7.14"},
    {"web": ("web1",), "app": ("app1", "app2"), "db": ("data1",), "cache": ("data1",)},
)
