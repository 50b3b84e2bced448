"""Chromium for tests: the machine's own, started once, with a fresh context for every person in a story."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests import requirements_plugin

# How long an expectation may take to come true, in milliseconds. Machines that run tests are busy.
PATIENCE_MS = 10_000 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))

expect.set_options(timeout=PATIENCE_MS)

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 375, "height": 740}

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium; skip where it is not installed."""
    program = requirements_plugin.need_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield browser
        await browser.close()


class Watched:
    """A browser context whose pages are watched: an error in a script or a breach of the page's policy fails the test."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        # What went wrong in any page, in order.
        self.wrongs: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", self._watch)

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrongs.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message.type, message.text))

    def _hear(self, page: Page, kind: str, text: str) -> None:
        is_breach = "Content Security Policy" in text or "Content-Security-Policy" in text
        is_missing = text.startswith("The page has no text")
        if (
            is_breach
            or is_missing
            or (kind == "error" and "Failed to load resource" not in text and "WebSocket" not in text)
        ):
            self.wrongs.append(f"{page.url}: {text}")


async def violations(page: Page) -> list[str]:
    """Run axe over the page as it stands; return what it found, one line each."""
    results: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: "
        + " | ".join(str(node["target"]) for node in found["nodes"])
        for found in results["violations"]
    ]
