"""The resources that this service offers. A new one is one more entry here."""

from __future__ import annotations

from ecatalog.catalog.resource import Resource
from ecatalog.client.resource import CLIENT
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.project.resource import PROJECT

RESOURCES: tuple[Resource, ...] = (PROJECT, CLIENT, NOMENKLATURA)
