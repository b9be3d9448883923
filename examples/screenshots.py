"""Takes the documents' pictures of the page, from a running service: `python examples/screenshots.py http://localhost:8000`

Needs Playwright, and a Chromium that is installed (`CHROMIUM` names it where it is not found by itself).
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
PICTURES = HERE.parent / "docs" / "pictures"
SAMPLES = HERE.parent / "service" / "samples"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 960}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}
QUALITY = 80
"""Of WebP: letters stay clear, and no picture takes more than 150 kB."""
SETTLE_MS = 500
"""Transitions and pictures that still load."""


def try_photo_and_text(page: Page) -> None:
    """A listing with everything, answered."""
    page.locator(".example").first.click()
    page.locator("#outcome .modalities").wait_for()


def try_on_a_phone(page: Page) -> None:
    """The same, with the answer in sight."""
    try_photo_and_text(page)
    page.locator("#outcome").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.getElementById('outcome').getBoundingClientRect().top + scrollY - 12)")


def why(page: Page) -> None:
    """A listing whose photo counts, explained."""
    page.locator("#designation").fill("Chaise scandinave")
    page.locator("#photo-file").set_input_files(HERE / "chair.jpg")
    page.locator("#outcome .modalities").wait_for()
    page.locator("#explain").click()
    page.locator("#why .what-if").wait_for()
    page.evaluate("scrollTo(0, document.getElementById('why').getBoundingClientRect().top + scrollY - 24)")


def browse(page: Page) -> None:
    """A labelled listing with a photo."""
    page.locator("#tab-browse").click()
    for _ in range(40):
        page.locator("#drawn:not([aria-busy]) .drawn").wait_for()
        if page.locator(".picture").count():
            return
        with page.expect_response("**/catalogue/listings?*"):
            page.locator("#draw").click()


def models(page: Page) -> None:
    """What the version can do."""
    page.locator("#tab-models").click()
    page.locator("#models-provenance").wait_for()
    page.evaluate("scrollTo(0, document.querySelector('.tiles').getBoundingClientRect().top + scrollY - 120)")


def batch(page: Page) -> None:
    """The samples as one file, decided."""
    page.locator("#tab-batch").click()
    page.locator("#batch-table").set_input_files(SAMPLES / "samples.csv")
    page.locator(".source-facts").wait_for()
    page.locator("#batch-photos").set_input_files(sorted((SAMPLES / "images").iterdir()))
    page.locator("#batch-start").click()
    page.locator("#batch-download").wait_for()
    page.locator("#batch-cancel").wait_for(state="detached")


SHOTS: dict[str, tuple[Callable[[Page], None], dict[str, Any]]] = {
    "try": (try_photo_and_text, WIDE),
    "why": (why, WIDE),
    "browse": (browse, WIDE),
    "models": (models, WIDE),
    "batch": (batch, WIDE),
    "try-phone-light": (try_on_a_phone, PHONE),
    "try-phone-dark": (try_on_a_phone, PHONE | {"color_scheme": "dark"}),
}


def take(browser: Browser, address: str, name: str) -> Path:
    """One picture; the file."""
    arrange, screen = SHOTS[name]
    context = browser.new_context(locale="en-GB", **({"color_scheme": "light"} | screen))
    page = context.new_page()
    page.goto(address)
    arrange(page)
    page.wait_for_timeout(SETTLE_MS)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    path = PICTURES / f"{name}.webp"
    picture.save(path, quality=QUALITY, method=6)
    return path


def main() -> None:
    """Take the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("address", nargs="?", default="http://localhost:8000")
    parser.add_argument("--only", nargs="*", choices=SHOTS, default=list(SHOTS))
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in options.only:
            path = take(browser, options.address, name)
            print(f"{path.relative_to(HERE.parent)}  {path.stat().st_size:,} bytes")  # noqa: T201 - a command
        browser.close()


if __name__ == "__main__":
    main()
