"""Debian's Chromium without a screen, driven by Selenium: a browser with its own mind about cookies and policies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import Select, WebDriverWait

# A phone: narrow, and high enough for a whole page of ours.
WIDTH, HEIGHT = 390, 560
PAGE_SECONDS = 30


def require() -> None:
    """Skips a test where there is no Chromium; with CI=true it fails."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        missing = "Chromium is not installed: apt-get install chromium chromium-driver"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


class Browser:
    """One browser. Each method waits for the page that it leads to, and blocks: call it in a thread."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver
        self.tab = driver.current_window_handle

    def open(self, address: str) -> None:
        """Goes to an address."""
        self._driver.get(address)

    def open_tab(self, address: str) -> str:
        """Goes to an address in a new tab. Returns it, for `to_tab`."""
        self._driver.switch_to.new_window("tab")
        self._narrow()
        self._driver.get(address)
        return self._driver.current_window_handle

    def to_tab(self, tab: str) -> None:
        """Goes to a tab."""
        self._driver.switch_to.window(tab)

    def click(self, text: str) -> None:
        """Clicks on a link or a button, and waits for the next page."""
        found = self._driver.find_element(By.XPATH, f"//a[text()='{text}'] | //button[text()='{text}']")
        found.click()
        WebDriverWait(self._driver, PAGE_SECONDS).until(staleness_of(found))
        WebDriverWait(self._driver, PAGE_SECONDS).until(lambda driver: driver.find_elements(By.TAG_NAME, "h1"))

    def choose(self, workspace: str) -> None:
        """Chooses a workspace on Slack's page."""
        Select(self._driver.find_element(By.ID, "team")).select_by_value(workspace)

    def reload(self) -> None:
        """Loads the page again."""
        self._driver.refresh()

    @property
    def title(self) -> str:
        """The heading of the page."""
        return self._driver.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self) -> str:
        """What a person reads on it."""
        return self._driver.find_element(By.TAG_NAME, "body").text

    @property
    def address(self) -> str:
        """What the address bar has."""
        return self._driver.current_url

    def link(self, text: str) -> str | None:
        """Where a link leads."""
        return self._driver.find_element(By.LINK_TEXT, text).get_attribute("href")

    def cookies(self) -> list[dict[str, object]]:
        """Those of this page's host."""
        return self._driver.get_cookies()

    def overflows(self) -> bool:
        """Whether a person has to scroll to the side."""
        return bool(self._driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth"))

    def colour_of(self, text: str) -> str:
        """The background of a link: it shows whether the page's style was let through."""
        return self._driver.find_element(By.LINK_TEXT, text).value_of_css_property("background-color")

    def complaints(self) -> list[str]:
        """What the browser's console holds against the pages, but for the icon that none of them has."""
        said = [str(line["message"]) for line in self._driver.get_log("browser")]  # type: ignore[no-untyped-call] # Selenium's own
        return [line for line in said if "favicon.ico" not in line]

    def picture(self, file: Path) -> None:
        """Writes what is seen of the page as a PNG."""
        self._driver.save_screenshot(str(file))

    def _narrow(self) -> None:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": True}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def chromium(directory: Path) -> Iterator[Browser]:
    """A browser that nobody has used, until the block ends. `directory`: for its profile."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",  # as root there is none
        "--disable-dev-shm-usage",
        "--disable-background-networking",  # nothing of it reaches the internet
        "--disable-component-update",
        "--no-first-run",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        f"--user-data-dir={directory / 'profile'}",
    ):
        options.add_argument(argument)
    options.accept_insecure_certs = True  # the tests' own certificate
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver") or "chromedriver"))
    try:
        driver.set_page_load_timeout(PAGE_SECONDS)
        browser = Browser(driver)
        browser._narrow()
        yield browser
    finally:
        driver.quit()
