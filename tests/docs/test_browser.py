"""Swagger UI and ReDoc in a real browser, which reaches this service and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as condition
from selenium.webdriver.support.wait import WebDriverWait

from ecatalog.config import Settings
from tests.conftest import MakeUser, Serve

pytestmark = pytest.mark.any_database

HOST = "catalog.example.com"  # not "localhost", for which browsers and pages make exceptions
PASSWORD = "olma-daraxti-7"
SECONDS = 60
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--window-size=1400,2400", f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND"),
)


def program(*names: str) -> str:
    found = next((path for path in map(shutil.which, names) if path), None)
    assert found, (
        f"This test needs a browser, but {names[0]} is not installed: apt install chromium chromium-driver"
    )
    return found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = program("chromium", "chromium-browser", "google-chrome")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options=options, service=Service(program("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def base_url(serve: Serve, settings: Settings) -> str:
    """A running service on the database of ``make_user``."""
    url = serve({"DATABASE_URL": settings.database_url, "ALLOWED_HOSTS": f"{HOST},127.0.0.1"})
    return url.replace("127.0.0.1", HOST)


class Page:
    """What a person does and sees."""

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser = browser
        browser.get(address)

    def _wait(self, until: Any) -> WebElement:
        found: WebElement = WebDriverWait(self.browser, SECONDS).until(until)
        return found

    def find(self, selector: str) -> WebElement:
        return self._wait(condition.visibility_of_element_located((By.CSS_SELECTOR, selector)))

    def click(self, selector: str) -> None:
        place = (By.CSS_SELECTOR, selector)
        element = self._wait(condition.presence_of_element_located(place))
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        self._wait(condition.element_to_be_clickable(place)).click()

    def wait_for_text(self, selector: str, text: str) -> str:
        self._wait(condition.text_to_be_present_in_element((By.CSS_SELECTOR, selector), text))
        return self.find(selector).text


def requested(browser: Chrome) -> list[str]:
    """Addresses that pages asked for; those of the browser's own pages and data left out."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if urlsplit(url).scheme not in ("data", "blob", "chrome")]


def complaints(browser: Chrome) -> list[str]:
    """What the console says of policies, missing files and broken scripts."""
    words = ("Content Security Policy", "Failed to load", "Uncaught", "violates", "ERR_")
    messages = [str(entry["message"]) for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    return [message for message in messages if any(word in message for word in words)]


def check_quiet(browser: Chrome, base_url: str) -> None:
    urls = requested(browser)
    assert any(url.endswith("/api/schema/") for url in urls)
    assert [url for url in urls if not url.startswith(f"{base_url}/")] == []
    assert complaints(browser) == []


def sign_in(base_url: str) -> str:
    """An access token, got as anybody would."""
    local = base_url.replace(HOST, "127.0.0.1")
    answer = requests.post(
        f"{local}/api/token/", json={"username": "anvar", "password": PASSWORD}, timeout=SECONDS
    )
    assert answer.status_code == 200, answer.text
    token = str(answer.json()["access"])
    made = requests.post(
        f"{local}/api/v1/client/",
        json={"client_code_1c": "НФ-000123", "name": "Шоколад Савдо"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS,
    )
    assert made.status_code == 201, made.text
    return token


def test_swagger_ui_executes_a_request_with_a_token(
    browser: Chrome, base_url: str, make_user: MakeUser
) -> None:
    make_user("anvar", password=PASSWORD)
    token = sign_in(base_url)
    page = Page(browser, f"{base_url}/api/docs/")
    assert "E-Catalog" in page.find(".info .title").text

    page.click("#operations-tag-client")
    page.click("#operations-client-client_list .opblock-summary-control")
    page.click("#operations-client-client_list .execute")
    refused = page.wait_for_text("#operations-client-client_list .live-responses-table .response", "401")
    assert "Authentication credentials were not provided." in refused

    page.click(".auth-wrapper > .authorize")
    page.find(".auth-container input").send_keys(token)
    page.click(".auth-btn-wrapper .authorize")
    page.click(".auth-btn-wrapper .btn-done")
    page.click("#operations-client-client_list .execute")
    answered = page.wait_for_text("#operations-client-client_list .live-responses-table .response", "200")
    assert "Шоколад Савдо" in answered

    urls = requested(browser)
    assert f"{base_url}/api/v1/client/" in urls
    assert [url for url in urls if not url.startswith(f"{base_url}/")] == []
    messages = complaints(browser)
    assert [message for message in messages if "401" not in message] == []


def test_swagger_ui_keeps_the_token_over_a_reload(browser: Chrome, base_url: str) -> None:
    page = Page(browser, f"{base_url}/api/docs/")
    page.click(".auth-wrapper > .authorize")
    page.find(".auth-container input").send_keys("abc")
    page.click(".auth-btn-wrapper .authorize")
    page.click(".auth-btn-wrapper .btn-done")
    browser.refresh()
    page.find(".auth-wrapper > .authorize.locked")


def test_swagger_ui_opens_at_a_linked_operation(browser: Chrome, base_url: str) -> None:
    page = Page(browser, f"{base_url}/api/docs/#/nomenklatura/nomenklatura_create")
    assert "Шоколад молочный" in page.find("#operations-nomenklatura-nomenklatura_create textarea").text
    check_quiet(browser, base_url)


def test_redoc_shows_the_document(browser: Chrome, base_url: str) -> None:
    page = Page(browser, f"{base_url}/api/redoc/")
    text = page.wait_for_text("body", "Send user name and password")
    for word in ("E-Catalog", "Sign in", "nomenklatura", "Authorize"):
        assert word in text
    page.find('img[alt="redocly logo"]')
    check_quiet(browser, base_url)
