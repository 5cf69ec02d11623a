"""The report in a real browser: Chromium with its driver, where they are installed."""

import shutil
import warnings
from itertools import pairwise

import pytest

from tests.report.scenes import subject, write

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BINARY and DRIVER), reason="Chromium and its driver are not installed"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A volume with a ground truth and one without, two runs."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(path, subject(), subject("no ground truth", ground_truth=None))
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        driver.quit()


def show(browser, page, *, width=1200, scheme="light"):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page)
    return browser.execute_script


def test_it_loads_whole_without_the_network(browser, page):
    run = show(browser, page)
    assert run("return document.title") == "AnyStar report"
    assert run("return document.images.length") == 3 * (1 + 3) + 3 * (1 + 2)
    assert run("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert run("return performance.getEntriesByType('resource').every(e => e.name.startsWith('data:'))")
    assert browser.get_log("browser") == []
    # A name with signs that mean something in HTML is only a name.
    assert "ball & <sons>" in run("return document.querySelector('h3').textContent")


def state(run):
    return run(
        "const v = document.querySelector('.viewer');"
        "return [...v.querySelectorAll('figure')].map(f => ({"
        " slider: +f.querySelector('input').value, spoken: f.querySelector('input').ariaValueText,"
        " at: f.querySelector('.at').textContent, grey: f.querySelector('.grey').src,"
        " outline: f.querySelector('.outline').src}))"
    )


def test_slices_scroll_by_keyboard(browser, page):
    from selenium.webdriver.common.keys import Keys

    run = show(browser, page)
    before = state(run)
    for _ in range(60):  # as a person without a mouse comes there
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if run("return document.activeElement.type") == "range":
            break
    assert run("return document.activeElement.matches('.viewer input[type=range]:focus-visible')")
    assert run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.switch_to.active_element.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    after = state(run)
    assert after[0]["slider"] == 1
    assert after[0]["spoken"] == f"Z {after[0]['at']}"
    assert after[0]["grey"] != before[0]["grey"]
    assert after[0]["outline"] != before[0]["outline"]
    assert after[1:] == before[1:]
    assert run("return document.querySelectorAll('.viewer .cross:not([hidden])').length") == 6


def test_an_object_of_the_list_is_shown(browser, page):
    run = show(browser, page)
    button = "document.querySelector('button[aria-label=\"Show ground truth 9, missed\"]')"
    run(f"{button}.focus(); {button}.click()")
    assert "Showing ground truth 9, missed, at Z, Y, X = 4, 32, 10." in run(
        "return document.querySelector('.viewer .status').textContent"
    )
    assert [s["at"] for s in state(run)] == ["4", "32", "10"]
    box = run(
        "const s = document.querySelector('.stack'), b = s.querySelector('.box').getBoundingClientRect(),"
        " f = s.getBoundingClientRect();"
        "return [(b.left - f.left) / f.width * 50, (b.top - f.top) / f.height * 40,"
        " (b.right - f.left) / f.width * 50, (b.bottom - f.top) / f.height * 40]"
    )
    assert box == pytest.approx([6, 28, 15, 37], abs=0.3)


def test_a_click_moves_the_other_slices(browser, page):
    run = show(browser, page)
    run(
        "const s = document.querySelector('.stack'), f = s.getBoundingClientRect();"
        "const place = {clientX: f.left + f.width * 10.5 / 50, clientY: f.top + f.height * 32.5 / 40};"
        "s.dispatchEvent(new PointerEvent('click', place))"  # as browsers send it, with parts of a pixel
    )
    across, down = (int(s["at"]) for s in state(run)[1:])
    assert (across, down) == (32, 10)  # the slices through true object 9, which is listed, are there


def test_outlines_can_be_hidden(browser, page):
    run = show(browser, page)
    shown = (
        "return [...document.querySelectorAll('.viewer')].map("
        "v => [...v.querySelectorAll('.outline')].filter(i => i.checkVisibility()).length)"
    )
    assert run(shown) == [9, 6]
    run("document.querySelector('.viewer input[type=checkbox]').click()")
    assert run(shown) == [6, 6]


def test_the_outline_of_the_only_visible_run_is_whole(browser, page):
    run = show(browser, page)
    masks = (
        "return [...document.querySelector('.viewer .stack').querySelectorAll('.outline')]"
        ".map(i => getComputedStyle(i).maskImage)"
    )
    ground_truth, first, exact = run(masks)
    assert ground_truth == "none"
    assert first != exact
    assert all("repeating-linear-gradient" in mask for mask in (first, exact))
    run("document.querySelectorAll('.viewer input[type=checkbox]')[2].click()")
    assert run(masks)[1] == "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_every_width_and_scheme(browser, page, scheme, width):
    run = show(browser, page, scheme=scheme, width=width)
    assert run("return document.documentElement.scrollWidth") <= width
    red = run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert (int(red) < 50) == (scheme == "dark")
    tall = run("return [...document.querySelectorAll('.stack')].map(s => s.clientHeight / s.clientWidth)")
    assert tall[:3] == pytest.approx([20 / 25, 20 / 25, 20 / 20], abs=0.02)


def test_the_structure_for_screen_readers(browser, page):
    run = show(browser, page)
    levels = run("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert run(f"return document.querySelectorAll('{landmark}').length") == 1
    assert run("return [...document.images].every(i => i.hasAttribute('alt'))")
    assert run("return [...document.querySelectorAll('input')].every(i => i.labels.length)")
    # Said, though not seen.
    spoken = "[...document.querySelectorAll('#summary ~ .scroll .spoken')]"
    assert run(f"return {spoken}.map(s => s.checkVisibility() && s.innerText)") == ["95% interval"] * 6
    named = "document.getElementById(s.getAttribute('aria-labelledby')).textContent"
    assert run(f"return [...document.querySelectorAll('svg[role=img]')].every(s => {named})")
    assert run(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "return ids.length === new Set(ids).size"
    )
    links = "[...document.querySelectorAll('a')]"
    assert run(f"return {links}.every(a => document.getElementById(a.hash.slice(1)))")
