"""The page as headless Chromium shows it: nothing overflows, and axe-core finds nothing serious.

Chromium is on the path as `chromium`, axe-core where NODE_PATH, or `npm root --global`, says (`npm install --global
axe-core`); where one is absent, its test is skipped and says so.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from monitoring.page.__main__ import make_page
from tests.monitoring.pages import DS, page_in, whole_night

LONG = "Waterproof" + "trousers" * 40
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
PHONE, DESK = 390, 1280
WIDTH_OF_THE_PAGE = """
const frame = document.querySelector('iframe');
const wide = [...frame.contentDocument.querySelectorAll('body *')].filter(
    one => one.getBoundingClientRect().right > frame.clientWidth + 1 && !one.closest('.scroll, .stack, svg'));
return {inside: frame.clientWidth, page: frame.contentDocument.documentElement.scrollWidth,
        wide: wide.map(one => one.outerHTML.slice(0, 100))};
"""
AXE = """
const found = await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']});
return found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(
    one => [one.id, one.nodes.map(node => node.html.slice(0, 200))]);
"""


@pytest.fixture
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("there is no chromium: apt-get install chromium")
    return found


@pytest.fixture
def axe():
    folders = [os.environ.get("NODE_PATH")]
    if shutil.which("npm"):
        folders.append(subprocess.run(["npm", "root", "--global"], capture_output=True, text=True).stdout.strip())
    for folder in filter(None, folders):
        if (file := Path(folder) / "axe-core" / "axe.min.js").is_file():
            return file.read_text()
    pytest.skip("there is no axe-core: npm install --global axe-core")


def answer_in(chromium: str, page: Path, script: str, *flags: str, width: int = DESK):
    """What a script says in a page, whose own policy would forbid it: a copy without that line is opened."""
    probe = (
        f"<script>(async () => {{ document.title = JSON.stringify(await (async () => {{{script}}})()) }})()</script>"
    )
    copy = page.with_name("probed.html")
    copy.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    command = [chromium, *FLAGS, *flags, f"--user-data-dir={page.parent / 'browser'}", f"--window-size={width},900"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom", copy.as_uri()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    title = html.unescape(said.partition("<title>")[2].partition("</title>")[0])
    assert title[:1] in "[{", f"the browser said {title!r}"
    return json.loads(title)


def without_policy(page: str) -> str:
    [line] = [line for line in page.splitlines() if "Content-Security-Policy" in line]
    return page.replace(line, "")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_overflows(home, chromium, width):
    """In a frame, as a window of headless Chromium is not as narrow as a phone."""
    whole_night(home, title=LONG)
    make_page(DS)
    file = home.pages / "framed.html"
    (home.pages / "inner.html").write_text(without_policy(page_in(home)))
    frame = f'<iframe src="inner.html" width="{width}" height="900" style="border:0"></iframe>'
    file.write_text(f"<!doctype html><title>-</title><body>{frame}</body>")
    waiting = "await new Promise(done => document.querySelector('iframe').contentDocument.readyState === 'complete' ? "
    waiting += "done() : addEventListener('load', done));"
    found = answer_in(chromium, file, waiting + WIDTH_OF_THE_PAGE)
    assert found["inside"] == width
    assert found["page"] <= width, found["wide"]
    assert found["wide"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(home, chromium, axe, scheme):
    whole_night(home)
    make_page(DS)
    file = home.pages / "checked.html"
    page = without_policy(page_in(home)).replace("</body>", f"<script>{axe}</script></body>", 1)
    file.write_text(page)
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    assert answer_in(chromium, file, AXE, *dark) == []
