"""The images of a resource as a client of the API sees them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from ecatalog.catalog.resource import Resource
from tests.images.pictures import jpeg

Json = dict[str, Any]


@dataclass
class Album:
    """Calls about one resource's images, signed in as ``headers`` say."""

    client: FlaskClient
    resource: Resource
    headers: dict[str, str]
    root: Path  # of the store

    @property
    def base(self) -> str:
        return f"/api/v1/{self.resource.name}-image/"

    @property
    def key(self) -> str:
        """The name of the field for the row."""
        return self.resource.name

    def row(self, code: str = "R-1", **values: Any) -> Json:
        """A new row."""
        body = {self.resource.code: code, "name": f"Row {code}", **values}
        return done(self.client.post(f"/api/v1/{self.resource.name}/", json=body, headers=self.headers), 201)

    def get_row(self, code: str = "R-1", **options: Any) -> TestResponse:
        return self.client.get(f"/api/v1/{self.resource.name}/{code}/", headers=self.headers, **options)

    def rows(self, **parameters: Any) -> list[Json]:
        answer = self.client.get(
            f"/api/v1/{self.resource.name}/", query_string=parameters, headers=self.headers
        )
        found: list[Json] = done(answer)["results"]
        return found

    def post(self, content: bytes | None = None, /, name: str = "a.jpg", **form: Any) -> TestResponse:
        """Upload to the row R-1, unless the form names another."""
        data = {self.key: "R-1", "image": upload(jpeg() if content is None else content, name), **form}
        return self._send(self.base, {key: value for key, value in data.items() if value is not None})

    def upload(self, content: bytes | None = None, /, **form: Any) -> Json:
        return done(self.post(content, **form), 201)

    def post_many(self, *contents: bytes, **form: Any) -> TestResponse:
        files = [upload(content, f"{number}.jpg") for number, content in enumerate(contents)]
        data = {self.key: "R-1", "images": files, **form}
        return self._send(f"{self.base}bulk-upload/", data)

    def _send(self, path: str, form: Json, method: str = "POST") -> TestResponse:
        # Written out in memory: of a large body the test client would leave a file open.
        boundary, body = encode_multipart(form)
        kind = f"multipart/form-data; boundary={boundary}"
        return self.client.open(path, method=method, data=body, content_type=kind, headers=self.headers)

    def send(self, method: str, image: Json, /, **form: Any) -> TestResponse:
        """A form for one image, which may bring a file as bytes."""
        sent = {key: upload(value) if isinstance(value, bytes) else value for key, value in form.items()}
        return self._send(f"{self.base}{image['id']}/", sent, method)

    def call(self, method: str, image: Json | int, **options: Any) -> TestResponse:
        image_id = image if isinstance(image, int) else image["id"]
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(f"{self.base}{image_id}/", method=method, headers=headers, **options)

    def patch(self, image: Json, **values: Any) -> Json:
        return done(self.call("PATCH", image, json=values))

    def page(self, **parameters: Any) -> Json:
        return done(self.client.get(self.base, query_string=parameters, headers=self.headers))

    def ids(self, **parameters: Any) -> list[int]:
        return [image["id"] for image in self.page(**parameters)["results"]]

    def mains(self) -> list[int]:
        """The ids of main images, as the list tells them."""
        return sorted(self.ids(is_main="true", page_size=100))

    def fetch(self, url: str) -> TestResponse:
        """A file, without a token."""
        return self.client.get(urlsplit(url).path, buffered=True)

    def picture(self, url: str) -> Image.Image:
        answer = self.fetch(url)
        assert answer.status_code == 200, url
        return Image.open(io.BytesIO(answer.data))

    def files(self) -> set[str]:
        """Every file in the store of this resource, and what uploads have left behind."""
        return {
            path.relative_to(self.root).as_posix()
            for folder in (self.resource.name, ".incoming")
            for path in (self.root / folder).rglob("*")
            if path.is_file()
        }


def upload(content: bytes, name: str = "a.jpg") -> FileStorage:
    """A file of a form."""
    return FileStorage(io.BytesIO(content), name, content_type="image/jpeg")


def done(answer: TestResponse, status: int = 200) -> Json:
    """The JSON object of an answer that has to have this status."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = answer.get_json()
    assert isinstance(body, dict)
    return body
