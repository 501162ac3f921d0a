"""Entity tags: they change with what an answer shows, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.catalogue import Catalogue, Row, ok

FAILED = {"detail": "The row has changed since it was read."}


def tag(answer: Any) -> str:
    value = answer.headers["ETag"]
    assert isinstance(value, str)
    assert value.startswith('"')
    assert value.endswith('"')
    return value


class TestRows:
    def test_every_detail_answer_and_write_carries_one(self, rows: Catalogue) -> None:
        answers = [
            rows.post(rows.body("E")),
            rows.get("E"),
            rows.by_code("GET", "E"),
            rows.patch("E", {"name": "1"}),
            rows.put("E", rows.body("E")),
            rows.restore("E"),
        ]
        tags = [tag(answer) for answer in answers]
        assert tags[0] == tags[1] == tags[2]
        assert len({tags[0], tags[3], tags[4]}) == 3
        assert tags[4] == tags[5] == tag(rows.get("E"))

    def test_changes_with_every_write(self, rows: Catalogue) -> None:
        rows.create("W")
        seen = {tag(rows.get("W"))}
        for name in "abc":
            seen.add(tag(rows.patch("W", {"name": name})))
        rows.delete("W")
        seen.add(tag(rows.restore("W")))
        assert len(seen) == 5
        assert tag(rows.get("W")) in seen

    def test_stays_when_others_are_written(self, rows: Catalogue) -> None:
        rows.create("A")
        rows.create("B")
        before = tag(rows.get("A"))
        rows.patch("B", {"name": "x"})
        rows.delete("B")
        assert tag(rows.get("A")) == before

    def test_writing_nothing_new_keeps_it(self, rows: Catalogue) -> None:
        row = rows.create("N")
        before, listed = tag(rows.get("N")), tag(rows.call("GET", rows.base))
        feed = rows.changes()
        for answer in (rows.patch("N", {}), rows.patch("N", {"name": row["name"]}), rows.put("N", row)):
            assert ok(answer) == row
            assert tag(answer) == before
        assert tag(rows.call("GET", rows.base)) == listed
        assert rows.changes() == feed
        assert len(rows.history("N")) == 1

    def test_changes_with_the_project(self, children: Catalogue, projects: Catalogue) -> None:
        owner = projects.create("P")
        children.create("C", project_id=owner["id"])
        children.create("D")
        mine, other = tag(children.get("C")), tag(children.get("D"))
        projects.patch("P", {"name": "New"})
        assert tag(children.get("C")) != mine
        assert tag(children.get("D")) == other
        answer = children.get("C", headers={"If-None-Match": mine})
        assert ok(answer)["project"]["name"] == "New"
        refused = children.patch("C", {"name": "x"}, headers={"If-Match": mine})
        assert refused.status_code == 412


class TestIfNoneMatch:
    def test_304(self, rows: Catalogue) -> None:
        rows.create("N")
        for path in (rows.path("N"), f"{rows.base}by-code/?code=N", rows.base):
            now = tag(rows.call("GET", path))
            for header in (now, f"W/{now}", f'"other", {now}', f'"a" ,W/{now} , "b"', "*"):
                answer = rows.call("GET", path, headers={"If-None-Match": header})
                assert (answer.status_code, answer.data) == (304, b""), header
                assert answer.headers["ETag"] == now
            for header in ('"other"', 'W/"other"', now.strip('"'), "", '""', now[:-2] + '"'):
                assert rows.call("GET", path, headers={"If-None-Match": header}).status_code == 200, header

    def test_is_for_reading_alone(self, rows: Catalogue) -> None:
        rows.create("N")
        headers = {"If-None-Match": tag(rows.get("N"))}
        answer = rows.patch("N", {"name": "x"}, headers=headers)
        assert ok(answer)["name"] == "x"
        assert rows.restore("N", headers={"If-None-Match": tag(answer)}).status_code == 200

    def test_a_deleted_row_is_404(self, rows: Catalogue) -> None:
        rows.create("N")
        now = tag(rows.get("N"))
        rows.delete("N")
        assert rows.get("N", headers={"If-None-Match": now}).status_code == 404

    def test_caches_must_ask(self, rows: Catalogue) -> None:
        rows.create("N")
        for path in (rows.path("N"), rows.base):
            directives = rows.call("GET", path).headers["Cache-Control"].split(", ")
            assert "no-cache" in directives
            assert ("private" in directives) is not rows.resource.anonymous_read


class TestIfMatch:
    def writes(self, rows: Catalogue, headers: dict[str, str]) -> list[Any]:
        return [
            rows.patch("M", {"name": "patched"}, headers=headers),
            rows.put("M", rows.body("M", name="put"), headers=headers),
            rows.by_code("PATCH", "M", json={"name": "patched"}, headers=headers),
            rows.restore("M", headers=headers),
            rows.delete("M", headers=headers),
        ]

    def test_412_changes_nothing(self, rows: Catalogue) -> None:
        row = rows.create("M")
        old = tag(rows.get("M"))
        row = ok(rows.patch("M", {"name": "second"}))
        for header in (old, f"W/{old}", '"x"', f'"x", {old}', "", "nonsense"):
            for answer in self.writes(rows, {"If-Match": header}):
                assert (answer.status_code, answer.get_json()) == (412, FAILED), header
        assert ok(rows.get("M")) == row
        assert len(rows.history("M")) == 2

    def test_even_when_nothing_would_change(self, rows: Catalogue) -> None:
        rows.create("M")
        assert rows.patch("M", {}, headers={"If-Match": '"x"'}).status_code == 412

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', '"x",W/{} ,"y"', "*"])
    def test_what_holds(self, rows: Catalogue, form: str) -> None:
        answer = rows.post(rows.body("M"))
        for name in ("1", "2"):
            answer = rows.patch("M", {"name": name}, headers={"If-Match": form.format(tag(answer))})
            assert ok(answer)["name"] == name
        answer = rows.put("M", rows.body("M"), headers={"If-Match": form.format(tag(answer))})
        assert answer.status_code == 200
        assert rows.delete("M", headers={"If-Match": form.format(tag(answer))}).status_code == 204

    def test_on_a_missing_row(self, rows: Catalogue) -> None:
        assert rows.patch("nobody", {}, headers={"If-Match": "*"}).status_code == 404

    def test_second_writer_loses(self, rows: Catalogue) -> None:
        headers = {"If-Match": tag(rows.post(rows.body("M")))}
        assert rows.patch("M", {"name": "first"}, headers=headers).status_code == 200
        assert rows.patch("M", {"name": "second"}, headers=headers).status_code == 412
        assert ok(rows.get("M"))["name"] == "first"

    def test_is_never_required(self, rows: Catalogue) -> None:
        rows.create("M")
        assert [answer.status_code for answer in self.writes(rows, {})] == [200, 200, 200, 200, 204]


class TestLists:
    def listed(self, rows: Catalogue, **parameters: Any) -> str:
        return tag(rows.call("GET", rows.base, query_string=parameters))

    def test_changes_with_any_write_of_the_resource(self, rows: Catalogue) -> None:
        seen = [self.listed(rows)]
        for write in (
            lambda: rows.create("L"),
            lambda: rows.patch("L", {"name": "x"}),
            lambda: rows.delete("L"),
            lambda: rows.restore("L"),
        ):
            write()
            seen.append(self.listed(rows))
        assert len(set(seen)) == 5

    def test_stays_without_a_write(self, rows: Catalogue) -> None:
        rows.create("L")
        before = self.listed(rows)
        rows.get("L")
        rows.page(search="x")
        rows.post(rows.body("L"))
        rows.post({})
        rows.patch("L", {"name": ""})
        rows.patch("nobody", {"name": "x"})
        rows.restore("L")
        rows.changes()
        assert self.listed(rows) == before

    def test_changes_with_the_projects(self, children: Catalogue, projects: Catalogue) -> None:
        children.create("C")
        before = self.listed(children)
        projects.create("P")
        assert self.listed(children) != before

    def test_stays_when_other_resources_are_written(
        self, children: Catalogue, projects: Catalogue, rows: Catalogue
    ) -> None:
        projects_before, before = self.listed(projects), self.listed(children)
        rows.create()
        written = rows.resource
        if written is not projects.resource:
            assert self.listed(projects) == projects_before
        if written not in (projects.resource, children.resource):
            assert self.listed(children) == before

    def test_is_one_of_each_page_and_filter(self, rows: Catalogue) -> None:
        queries: list[Row] = [
            {},
            {"page_size": 5},
            {"search": "a"},
            {"ordering": "name"},
            {"is_active": "true"},
        ]
        assert len({self.listed(rows, **query) for query in queries}) == len(queries)

    def test_304_shows_no_stale_page(self, rows: Catalogue) -> None:
        rows.create("L", name="old")
        known = {"If-None-Match": self.listed(rows)}
        assert rows.call("GET", rows.base, headers=known).status_code == 304
        rows.patch("L", {"name": "new"})
        assert ok(rows.call("GET", rows.base, headers=known))["results"][0]["name"] == "new"
