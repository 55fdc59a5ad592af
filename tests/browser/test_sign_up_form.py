"""The sign-up form in a browser: nothing moves, nothing that was typed is lost, topics are edited in place."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.site import Site, days, text_of
from tests.browser.steps import ADA, TOPICS

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("context", [True], indirect=True, ids=["script"]),
]

THURSDAY, FRIDAY = date(2025, 11, 20), date(2025, 11, 21)
MAX_SHIFT = 0.02
WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            const moved = entry.sources.map((source) => String(source.node && source.node.className));
            window.shifts.push([entry.value, moved]);
        }
    }).observe({ type: 'layout-shift', buffered: true });
}"""


@pytest.fixture(params=[1280, 375], ids=["desk", "phone"])
def sized(request: pytest.FixtureRequest, context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": request.param, "height": 800})
    return page


def shifts(page: Page) -> list[tuple[float, list[str]]]:
    """The layout shifts so far, those right after an input among them, with what moved."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    entries: list[tuple[float, list[str]]] = page.evaluate("window.shifts")
    return entries


def topic_texts(page: Page) -> list[str]:
    return page.locator(".tag .words").all_inner_texts()


def see_preview(page: Page) -> None:
    expect(page.locator("#preview .bars")).to_be_visible()


def test_nothing_moves_during_a_whole_sign_up(sized: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    sized.goto(site.url)
    sized.evaluate(WATCH_SHIFTS)
    for topic in TOPICS:
        sized.locator("#topic").press_sequentially(topic)
        sized.keyboard.press("Enter")
    see_preview(sized)
    sized.get_by_role("button", name="diffusion model*").click()
    sized.locator("#topic").press_sequentially("ti:")
    sized.keyboard.press("Enter")
    sized.keyboard.press("Backspace")
    sized.locator("#topic").fill("")
    sized.select_option("#cadence", "weekly")
    sized.locator("#address").press_sequentially(ADA)
    expect(sized.locator(".tag .count").last).not_to_have_text("")
    layout_shifts = shifts(sized)
    sized.get_by_role("button", name="Subscribe").click()
    sized.get_by_role("heading", name="Check your inbox").wait_for()

    assert sum(value for value, _ in layout_shifts) <= MAX_SHIFT, layout_shifts


LATE = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}  # milliseconds
SLOW = LATE | {"latency": 600}  # longer than the form waits for further words
LONG_TOPIC = '"a long topic about (many things that nobody reads" AND (in one line of text OR in two'
LIBRARY = "\n".join(f"@misc{{p{n}, title = {{Offline reinforcement learning with pessimism {n}}}}}" for n in range(9))


def button_place(page: Page) -> dict[str, float]:
    """Where the button is on the page, however far that is scrolled."""
    place: dict[str, float] = page.get_by_role("button", name="Subscribe").evaluate(
        "button => { const box = button.getBoundingClientRect(); return {x: box.x, y: box.y + scrollY}; }"
    )
    return place


def test_nothing_moves_while_slow_previews_errors_and_corrections_come_and_go(sized: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    sized.goto(site.url)
    sized.evaluate(WATCH_SHIFTS)
    sized.context.new_cdp_session(sized).send("Network.emulateNetworkConditions", SLOW)
    places = [button_place(sized)]

    def see(locator: Locator) -> None:
        expect(locator).to_be_visible()
        places.append(button_place(sized))

    sized.locator("#topic").press_sequentially("reinforcement learning", delay=20)
    sized.keyboard.press("Enter")
    see(sized.locator("#preview .bars"))
    for topic in (*TOPICS, "graphs", "minimax"):
        sized.locator("#topic").press_sequentially(topic)
        sized.keyboard.press("Enter")
        places.append(button_place(sized))
    sized.locator("#topic").press_sequentially(LONG_TOPIC)
    sized.keyboard.press("Enter")
    see(sized.locator("#topics-error"))
    sized.locator(".tag .remove").last.click()
    sized.locator("#topic").press_sequentially("reinforcment lerning")
    sized.keyboard.press("Enter")
    see(sized.locator("#topics-note button"))
    while sized.locator(".tag").count():
        sized.locator(".tag .remove").first.click()
    see(sized.locator("#preview .blank").first)
    layout_shifts = shifts(sized)

    assert sum(value for value, _ in layout_shifts) <= MAX_SHIFT, layout_shifts
    assert places == [places[0]] * len(places)


def test_nothing_moves_on_the_pages_that_answer_a_library_and_a_mistake(sized: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    sized.goto(site.url)
    sized.locator("#library summary").click()
    sized.set_input_files("#library_file", {"name": "a.bib", "mimeType": "text/plain", "buffer": LIBRARY.encode()})
    sized.get_by_role("button", name="Suggest topics from these papers").click()
    sized.locator("#imported").wait_for()
    sized.evaluate(WATCH_SHIFTS)  # buffered: those before count, too
    see_preview(sized)
    sized.locator("#topic").press_sequentially("minimax")
    sized.keyboard.press("Enter")
    layout_shifts = shifts(sized)
    sized.locator("#box").evaluate("form => { form.noValidate = true; }")
    sized.fill("#address", "ada@bad..example")
    sized.get_by_role("button", name="Subscribe").click()
    expect(sized.locator("#address-error")).to_be_visible()
    sized.evaluate(WATCH_SHIFTS)
    see_preview(sized)
    layout_shifts += shifts(sized)

    assert sum(value for value, _ in layout_shifts) <= MAX_SHIFT, layout_shifts


def test_subscribe_does_not_move_between_pressing_and_releasing_the_mouse_when_an_answer_comes(
    sized: Page, site: Site
) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    sized.goto(site.url)
    sized.fill("#address", ADA)
    sized.context.new_cdp_session(sized).send("Network.emulateNetworkConditions", LATE)
    sized.locator("#topic").press_sequentially(LONG_TOPIC)
    button = sized.get_by_role("button", name="Subscribe")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    sized.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    sized.mouse.down()
    expect(sized.locator("#topics-error")).to_be_visible()
    assert button.bounding_box() == box
    sized.mouse.up()

    expect(sized.locator("#topics-error")).to_be_visible()


def test_an_error_of_the_server_stays_at_the_topics_until_they_are_previewed(page: Page, site: Site) -> None:
    page.route("**/preview", lambda route: route.abort())
    page.goto(f'{site.url}/?topics="open')

    expect(page.locator("#topics-error")).to_be_visible()
    expect(page.locator("#topic")).to_have_attribute("aria-invalid", "true")


def test_subscribe_is_not_lost_while_a_topic_is_half_typed(sized: Page, site: Site) -> None:
    sized.goto(site.url)
    sized.fill("#address", ADA)
    sized.locator("#topic").press_sequentially("offline rl")
    button = sized.get_by_role("button", name="Subscribe")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    sized.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    sized.mouse.down()
    expect(sized.locator(".tag")).to_have_count(1)
    assert button.bounding_box() == box
    sized.mouse.up()

    sized.get_by_role("heading", name="Check your inbox").wait_for()
    assert "confirm" in text_of(site.mail(ADA)).lower()


def test_going_back_shows_the_topics_that_would_be_sent(page: Page, site: Site) -> None:
    page.goto(site.url)
    for topic in TOPICS:
        page.fill("#topic", topic)
        page.press("#topic", "Enter")
    page.fill("#address", ADA)
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    page.go_back()

    expect(page.locator(".tag")).to_have_count(3)
    assert topic_texts(page) == list(TOPICS)
    assert page.locator("#topics").input_value() == "\n".join(TOPICS)
    assert page.input_value("#address") == ADA


def test_a_reload_keeps_the_topics(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.fill("#topic", "graphs")
    page.press("#topic", "Enter")
    page.reload()

    assert topic_texts(page) == ["graphs"]


def test_a_topic_is_edited_in_its_place(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?topics=one%0Atwo%0Athree")
    page.get_by_role("button", name="Edit two").click()
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    assert topic_texts(page) == ["one", "second", "three"]
    page.get_by_role("button", name="Edit one").click()
    page.keyboard.type("other")
    page.keyboard.press("Escape")
    assert topic_texts(page) == ["one", "second", "three"]
    page.get_by_role("button", name="Edit three").click()
    page.keyboard.press("Delete")
    page.locator("#address").focus()

    assert topic_texts(page) == ["one", "second"]


def test_backspace_in_the_empty_field_takes_the_last_topic_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?topics=graphs%0Aminimax")
    page.focus("#topic")
    page.keyboard.press("Backspace")

    assert (topic_texts(page), page.input_value("#topic")) == (["graphs"], "minimax")


def test_space_chooses_an_example_and_does_not_scroll(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1280, "height": 300})
    page.goto(site.url)
    page.locator("[data-example]").first.focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("Space")

    assert topic_texts(page) == ["offline reinforcement learning"]
    assert page.evaluate("scrollY") <= before


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("graphs, minimax", ["graphs", "minimax"]),
        ("graphs; minimax；trees", ["graphs", "minimax", "trees"]),
        ('"a, b" AND c, d', ['"a, b" AND c', "d"]),
        ("(x OR y, z) AND w", ["(x OR y, z) AND w"]),
        (" , ,graphs,, graphs", ["graphs"]),
    ],
)
@pytest.mark.parametrize("input_method", ["typed", "pasted"])
def test_a_comma_ends_a_topic_as_enter_does(
    page: Page, site: Site, typed: str, expected: list[str], input_method: str
) -> None:
    page.goto(site.url)
    if input_method == "typed":
        page.locator("#topic").press_sequentially(typed)
    else:
        page.fill("#topic", typed)
    page.press("#topic", "Enter")

    assert topic_texts(page) == expected


def test_a_silent_topic_says_so_and_a_misspelled_one_is_corrected_by_a_click(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    page.goto(site.url)
    for topic in ("reinforcement learning", "reinforcment lerning"):
        page.fill("#topic", topic)
        page.press("#topic", "Enter")
    silent = page.locator(".tag", has_text="reinforcment lerning").locator(".count")
    expect(silent).to_have_text("nothing in 14 days")
    expect(page.locator(".tag .count").first).to_contain_text("a day")
    page.get_by_role("button", name="reinforcement learning", exact=True).last.click()

    assert topic_texts(page) == ["reinforcement learning"]


def test_a_topic_in_error_is_reported_at_the_field_at_once(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.fill("#topic", "(foo")
    page.press("#topic", "Enter")

    expect(page.locator("#topics-error")).to_contain_text("‘(foo’")
    expect(page.locator("#topic")).to_have_attribute("aria-invalid", "true")


def test_the_preview_goes_on_by_itself_after_the_limit(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    refused = []

    def refuse_once(route: object) -> None:
        if refused:
            route.continue_()  # type: ignore[attr-defined]
            return
        refused.append(route)
        body = '<p class="error" data-field="">Too many.</p>'
        route.fulfill(status=429, headers={"Retry-After": "1", "Content-Type": "text/html"}, body=body)  # type: ignore[attr-defined]

    page.route("**/preview", refuse_once)
    page.goto(site.url)
    page.fill("#topic", TOPICS[0])
    page.press("#topic", "Enter")
    expect(page.locator("#preview .error")).to_contain_text("goes on by itself")

    see_preview(page)


def test_categories_alone_have_a_preview(page: Page, site: Site) -> None:
    site.announce(THURSDAY, days(FRIDAY)[0])
    page.goto(site.url)
    page.get_by_text("Subjects, sources, exclusions, authors, length").click()
    page.locator("[name=categories]").first.check()

    see_preview(page)
