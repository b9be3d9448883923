"""Takes the documents' pictures of the page: `.venv-dev/bin/python examples/screenshots.py [ADDRESS]`.

The service has to run at ADDRESS (http://localhost:8000), and Chromium has to be installed.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDE, PHONE = (1280, 1000), (390, 844)
TABS = ("browse", "models", "batch")
QUALITY = 82
"""Of WebP: text stays sharp, and a picture takes 30 to 80 kB."""
WAIT_MS = 60_000


def main(arguments: Sequence[str]) -> None:
    """Take every picture anew."""
    address = arguments[0] if arguments else "http://localhost:8000"
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("no Chromium is installed (on Debian: apt install chromium)")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try_a_listing(browser, address, "try", WIDE, "light")
        try_a_listing(browser, address, "try-dark", WIDE, "dark")
        try_a_listing(browser, address, "try-phone", PHONE, "light")
        for tab in TABS:
            page = open_page(browser, f"{address}/#{tab}", WIDE, "light")
            save(page, tab)
        browser.close()


def open_page(browser: Browser, address: str, size: tuple[int, int], scheme: str) -> Page:
    """The page at rest, in English."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


def try_a_listing(browser: Browser, address: str, name: str, size: tuple[int, int], scheme: str) -> None:
    """The first example, answered and explained."""
    page = open_page(browser, f"{address}/#try", size, scheme)
    page.locator("button.example").first.click()
    page.locator("#explain").click()
    page.locator("#why:not([aria-busy]) h3").first.wait_for()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    save(page, name)


def save(page: Page, name: str) -> None:
    """What the window shows, as `docs/pictures/NAME.webp`."""
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(PICTURES / f"{name}.webp", "WEBP", quality=QUALITY, method=6)
    page.context.close()


if __name__ == "__main__":
    main(sys.argv[1:])
