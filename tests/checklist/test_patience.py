"""The checklist's patience with what is about to be well."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from ecatalog.checklist import registry
from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Check, Finding, Status, run_all


def test_what_is_bad_is_looked_at_again_while_there_is_patience(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.all_checks()  # they come on the list when they are first imported
    monkeypatch.setattr(registry, "SECONDS_BETWEEN_LOOKS", 0.01)
    looks: list[str] = []

    def late(_context: Context) -> Finding:
        looks.append("late")
        return registry.good("here") if looks.count("late") == 3 else registry.bad("not yet", "Wait.")

    def well(_context: Context) -> Finding:
        looks.append("well")
        return registry.good("here")

    monkeypatch.setattr(registry, "CHECKS", [Check("machine", "late", late), Check("machine", "well", well)])
    context = Context(app, app.extensions["ecatalog_settings"])

    assert [result.finding.status for result in run_all(context)] == [Status.BAD, Status.GOOD]
    assert [result.finding.status for result in run_all(context, patience=60)] == [Status.GOOD, Status.GOOD]
    assert looks == ["late", "well", "late", "well", "late"]

    looks.clear()
    monkeypatch.setattr(registry, "SECONDS_BETWEEN_LOOKS", 60)
    began = time.monotonic()
    assert run_all(context, patience=0.05)[0].finding.status is Status.BAD
    assert time.monotonic() - began < 30
