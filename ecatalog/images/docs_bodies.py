"""Bodies and examples of the image routes for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from ecatalog.catalog import examples
from ecatalog.catalog.resource import Resource
from ecatalog.images.owners import id_key
from ecatalog.images.presentation import SOURCES, dimensions, owner_key
from ecatalog.images.sizes import SIZES
from ecatalog.images.uploads import BULK_FILES

Json = dict[str, Any]

FORM = "multipart/form-data"
_FILE = {"type": "string", "contentEncoding": "binary", "description": "A JPEG, PNG or WebP file."}
_HOST = "https://api.example.uz/media/"
_PHOTO = "0f8d2c4b6a1e4f0d9c3b5a7e8f6d4c2b"  # pragma: allowlist secret


def _owner(resource: Resource) -> Json:
    """The properties that name the row."""
    code: Json = {"type": "string", "maxLength": resource.code_length}
    whole: Json = {"type": "integer", "minimum": 1, "format": "int64"}
    named: Json = {
        owner_key(resource): {
            "anyOf": [whole, code],
            "description": f"The {resource.name} by its id or its `{resource.code}`. 409 where one is the id "
            "and the other the code of different rows: use one of the next two then.",
        },
        id_key(resource): whole | {"description": f"The {resource.name} by its id alone."},
        resource.code: code | {"description": f"The {resource.name} by its code alone."},
    }
    if resource.parent is not None:
        parent = resource.parent
        named[resource.link_column] = {
            "anyOf": [whole, {"type": "string", "const": "null"}],
            "description": f"Chooses among rows of one code in several {parent.name}s.",
        }
        named[parent.name] = {
            "type": "string",
            "maxLength": parent.code_length,
            "description": f"The same, by the {parent.name}'s code.",
        }
    return named


def _facts() -> Json:
    flag: Json = {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["true", "false", "1", "0"]}]}
    return {
        "is_main": flag | {"description": "Make it the row's main image; the others stop being it."},
        "category": {"type": ["string", "null"], "maxLength": 120},
        "note": {"type": ["string", "null"], "maxLength": 255},
        "is_active": flag | {"description": "Off: it stays visible but is out of use."},
    }


def upload_body(resource: Resource) -> Json:
    """The body of POST and PUT."""
    key = owner_key(resource)
    example = {key: examples.code(resource), "image": "(a photo)", "category": "front"}
    return _form(resource, {"image": _FILE}, ["image"], example)


def bulk_body(resource: Resource) -> Json:
    """The body of a bulk upload."""
    files = {"type": "array", "items": _FILE, "minItems": 1, "maxItems": BULK_FILES}
    example = {owner_key(resource): examples.code(resource), "images": ["(a photo)", "(another)"]}
    return _form(resource, {"images": files}, ["images"], example)


def _form(resource: Resource, file: Json, required: list[str], example: Json) -> Json:
    key = owner_key(resource)
    schema = {
        "type": "object",
        "required": required,
        "anyOf": [{"required": [name]} for name in (key, id_key(resource), resource.code)],
        "properties": {**_owner(resource), **file, **_facts()},
    }
    encoding = {next(iter(file)): {"contentType": "image/jpeg, image/png, image/webp"}}
    return {
        "required": True,
        "content": {FORM: {"schema": schema, "encoding": encoding, "example": example}},
    }


def patch_body(resource: Resource) -> Json:
    """The body of PATCH: any of the fields, and a new file in a form alone."""
    plain = {"type": "object", "properties": {**_owner(resource), **_facts()}}
    with_file = {"type": "object", "properties": {**_owner(resource), "image": _FILE, **_facts()}}
    main = {"main": {"value": {"is_main": True}}}
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": plain,
                "examples": {**main, "texts": {"value": {"category": "back", "note": None}}},
            },
            "application/x-www-form-urlencoded": {"schema": plain, "examples": main},
            FORM: {"schema": with_file, "examples": {"file": {"value": {"image": "(a photo)"}}}},
        },
    }


def example_image(resource: Resource) -> Json:
    """An image as answers show it."""
    folder = f"{_HOST}{resource.name}/2026/01/{_PHOTO}/"
    shown: Json = {"id": 1, owner_key(resource): 1}
    if resource.parent is not None:
        parent = resource.parent
        name = parent.example["name"]
        shown[parent.name] = {"id": 1, parent.code: examples.code(parent), "name": name}
    shown[resource.code] = examples.code(resource)
    shown["image"] = shown["image_url"] = f"{folder}original.jpg"
    for name in ("sm", "md", "lg", "thumbnail"):
        shown[f"image_{name}_url"] = f"{folder}{name}.jpg"
    return shown | {
        "image_dimensions": dimensions(3000, 4000, "JPEG", 3_565_158),
        "sources": [
            {"type": kind, "width": size.side, "height": size.side, "url": folder + file}
            for size, kind, file in SOURCES
        ],
        "is_main": True,
        "category": "front",
        "note": None,
        "is_active": True,
        "created_at": examples.EXAMPLE_TIME,
    }


def example_thumbnails(resource: Resource) -> Json:
    """An answer with one thumbnail."""
    image = example_image(resource)
    side = min(size.side for size in SIZES)
    entry = {
        "entity_type": resource.name,
        "entity_id": 1,
        "code_1c": examples.code(resource),
        "entity_name": resource.example["name"],
        "image_id": image["id"],
        "thumbnail_url": image["image_thumbnail_url"],
        "thumbnail_dimensions": dimensions(side, side, "JPEG", 6_144),
        "original_dimensions": image["image_dimensions"],
        "is_main": True,
        "category": image["category"],
        "note": image["note"],
        "created_at": examples.EXAMPLE_TIME,
    }
    total = {
        name: {key: entry[f"{name}_dimensions"][key] for key in ("size_bytes", "size")}
        for name in ("thumbnail", "original")
    }
    return {"results": [entry], "total_count": 1, "total_size": total}
