"""What needs no engine to be seen of the containers; ``make image-test`` builds and runs the image."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving import ROOT

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
CONFIGURATION = ROOT / "docker" / "nginx.conf"


def test_the_configuration_is_made_of_the_site_s() -> None:
    made = runpy.run_path(str(ROOT / "docker" / "make_nginx_conf.py"))["made"]()
    assert CONFIGURATION.read_text("utf-8") == made, "run python docker/make_nginx_conf.py"


def test_nginx_accepts_it(tmp_path: Path) -> None:
    text = CONFIGURATION.read_text("utf-8").replace("/tmp/nginx.pid", f"{tmp_path}/nginx.pid")  # noqa: S108
    temporary = f"client_body_temp_path {tmp_path}/bodies;\n    proxy_temp_path {tmp_path}/answers;\n"
    (tmp_path / "nginx.conf").write_text(text.replace("http {\n", f"http {{\n    {temporary}", 1), "utf-8")
    done = subprocess.run(
        ["nginx", "-t", "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"db"}))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_nothing_but_nginx_is_reached_from_outside_and_that_from_this_host_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"nginx": ["${HTTP_ADDRESS:-127.0.0.1}:${HTTP_PORT:-8080}:8080"]}


def test_the_service_waits_for_what_it_needs() -> None:
    waits = {name: rule["condition"] for name, rule in SERVICES["web"]["depends_on"].items()}
    assert waits == {
        "db": "service_healthy",
        "cache": "service_healthy",
        "migrate": "service_completed_successfully",
    }
