"""Projects as a resource."""

from __future__ import annotations

from ecatalog.catalog import query
from ecatalog.catalog.resource import Resource
from ecatalog.images.declaration import ImageList
from ecatalog.project.models import Project, ProjectImage
from ecatalog.project.schemas import ProjectSchema

PROJECT = Resource(
    name="project",
    label="Project",
    model=Project,
    schema=ProjectSchema,
    code="code_1c",
    nested=(ImageList(ProjectImage, plural="projects"),),
    search=("code_1c", "name", "title"),
    filters=(
        "name",
        "title",
        query.presence("description_status", query.filled("description"), "a description"),
    ),
    ordering=("title",),
    anonymous_read=True,
    max_limit=1000,
    example={
        "code_1c": "00-00000001",
        "name": "Toshkent savdo uyi",
        "title": "Торговый дом Ташкент",
        "description": "<p>Asosiy loyiha</p>",
    },
)
