"""What the tests of the Batch view share."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page.conftest import OpenPage


@pytest.fixture
def batch(open_page: OpenPage) -> Page:
    """The page at its Batch view."""
    page = open_page("/#batch")
    expect(page.locator("#panel-batch h2")).to_be_visible()
    return page
