"""Uploads beside Pillow alone, and list pages with and without images: `python -m bench.images [ROUNDS]`.

Subject and reference take turns in one run, and their medians are compared: the machine may be busy.
"""

from __future__ import annotations

import io
import itertools
import statistics
import sys
from collections.abc import Callable

import requests
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.house import House, open_house, timed

ROWS = 20
IMAGES_A_ROW = 3
SIDES = ((1200, 90, 85), (600, 85, 82), (300, 85, 82), (150, 80, 80))  # pixels, quality of JPEG and WebP


def photo() -> bytes:
    """A JPEG of 12 megapixels with as much detail as a phone's: some 4 MB."""
    noise = Image.effect_noise((1000, 750), 70).resize((4000, 3000), Image.Resampling.BICUBIC)
    shapes = Image.effect_mandelbrot((4000, 3000), (-2, -1.5, 1, 1.5), 60)
    mixed = Image.merge("RGB", (noise, shapes, noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    target = io.BytesIO()
    mixed.save(target, "JPEG", quality=88)
    return target.getvalue()


def with_pillow_alone(content: bytes) -> None:
    """The reference: decode at half size, crop, make the four sizes from one another, encode each twice."""
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (1200, 1200))
        image.load()
        edge = min(image.size)
        left, top = (image.width - edge) / 2, (image.height - edge) / 2
        box = (left, top, left + edge, top + edge)
        square = image.resize((1200, 1200), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    for side, jpeg_quality, webp_quality in SIDES:
        if square.width != side:
            square = square.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        square.save(io.BytesIO(), "JPEG", quality=jpeg_quality, progressive=True)
        square.save(io.BytesIO(), "WEBP", quality=webp_quality)


def in_turns(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each work, done by turns."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for place, work in enumerate(works):
            seconds[place].append(timed(work))
    return [statistics.median(each) for each in seconds]


def measure_upload(house: House, session: requests.Session, rounds: int, table: Table) -> None:
    content = photo()
    row = {"code_1c": "PHOTO", "name": "Photo"}
    session.post(f"{house.url}/api/v1/nomenklatura/", json=row, timeout=60).raise_for_status()

    def upload() -> None:
        answer = session.post(
            f"{house.url}/api/v1/nomenklatura-image/",
            data={"nomenklatura": "PHOTO"},
            files={"image": ("photo.jpg", content)},
            timeout=60,
        )
        answer.raise_for_status()

    upload()
    before = house.worker_megabytes()
    alone, uploaded = in_turns(rounds, lambda: with_pillow_alone(content), upload)
    grown = house.worker_megabytes() - before
    table.add_row("Pillow alone, 12 megapixels", f"{alone * 1000:,.0f} ms", "reference")
    table.add_row("upload of the same", f"{uploaded * 1000:,.0f} ms", f"{uploaded / alone:.2f} × (≤ 1.5)")
    table.add_row("worker's growth", f"{grown:.0f} MB", "(under 150 MB)")


def fill(house: House, session: requests.Session, project: str, images: int) -> None:
    """A project of ROWS items with so many images each."""
    base = f"{house.url}/api/v1"
    body = {"code_1c": project, "name": project}
    session.post(f"{base}/project/", json=body, timeout=60).raise_for_status()
    small = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(small, "JPEG")
    for number in range(ROWS):
        code = f"{project}-{number}"
        item = {"code_1c": code, "name": f"Item {number}", "project": project, "base_price": "12000.00"}
        session.post(f"{base}/nomenklatura/", json=item, timeout=60).raise_for_status()
        if images:
            answer = session.post(
                f"{base}/nomenklatura-image/bulk-upload/",
                data={"nomenklatura": code},
                files=[("images", (f"{index}.jpg", small.getvalue())) for index in range(images)],
                timeout=60,
            )
            answer.raise_for_status()


def measure_lists(house: House, session: requests.Session, rounds: int, table: Table) -> None:
    fill(house, session, "WITHOUT", 0)
    fill(house, session, "WITH", IMAGES_A_ROW)
    numbers = itertools.count()

    def page(project: str, *, fresh: bool) -> Callable[[], object]:
        def get() -> None:
            # A parameter that means nothing makes another page of it, which nobody has kept.
            query = {"project": project, "page_size": str(ROWS)}
            if fresh:
                query["fresh"] = str(next(numbers))
            answer = session.get(f"{house.url}/api/v1/nomenklatura/", params=query, timeout=60)
            answer.raise_for_status()
            images = sum(len(row["images"]) for row in answer.json()["results"])
            if images != ROWS * IMAGES_A_ROW * (project == "WITH"):
                raise RuntimeError(f"{images} images on the page of {project}")

        return get

    for what, fresh in (("built", True), ("kept", False)):
        bare, full = in_turns(rounds, page("WITHOUT", fresh=fresh), page("WITH", fresh=fresh))
        table.add_row(f"page of {ROWS} rows, {what}", f"{bare * 1000:.1f} ms", "reference")
        shown = f"{full / bare:.2f} × (≤ 1.6)"
        table.add_row(f"the same with {IMAGES_A_ROW} images a row", f"{full * 1000:.1f} ms", shown)


def main(rounds: int) -> None:
    """Print the table: medians of that many rounds for uploads, and of twenty times as many for pages."""
    table = Table("what", "measured", "ratio", title="images")
    with open_house() as house:
        session = house.session()
        measure_upload(house, session, rounds, table)
        measure_lists(house, session, rounds * 20, table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
