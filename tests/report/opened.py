"""A saved page in a real browser, and what a person would not want to see of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that the distribution has."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no chromium on this machine: apt-get install chromium, or leave these out: -m 'not browser'"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # chromium's sandbox refuses to run as root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=root)
        yield started
        started.close()


def opened(browser: Browser, saved: Path, width: int = 1400, scheme: str = "light") -> tuple[Page, list[str]]:
    """The page as loaded, and all that a person would not want to see: complaints, and requests that leave."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, trouble = context.new_page(), list[str]()
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request", lambda asked: trouble.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None
    )
    page.goto(saved.as_uri())
    return page, trouble


CONTRAST = """() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const value = part / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor
    return /, 0\\)$/.test(color) && element.parentElement ? behind(element.parentElement) : color
  }
  const shown = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !element.closest(".self") &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  return Math.min(...shown.map((element) => {
    const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a)
    return (pair[0] + 0.05) / (pair[1] + 0.05)
  }))
}"""
