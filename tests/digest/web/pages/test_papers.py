"""The start page, the preview, papers and authors, health and figures."""

from __future__ import annotations

import re
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest.compose.text import highlighting
from digest.web.ui import charts, preview_rows
from tests.combinations import MAINLY_SQLITE
from tests.digest.web.conftest import ADA, METRICS, NOW, Browser, everything, subscribed


@MAINLY_SQLITE
def test_the_start_page_has_the_box_above_what_rises(web: Browser) -> None:
    text = web.get("/").text

    assert text.index('name="topics"') < text.index('name="address"') < text.index("Posterior Sampling")


@MAINLY_SQLITE
def test_the_preview_works_without_a_script(web: Browser) -> None:
    text = web.get("/", params={"topics": "reinforcement learning"}).text

    assert "About 6 papers a day." in text
    assert "<mark>Reinforcement Learning</mark>" in text
    assert ">reinforcement learning</textarea>" in text


@MAINLY_SQLITE
def test_trying_topics_by_the_button_keeps_what_was_typed_and_changes_nothing(web: Browser) -> None:
    before = everything()
    response = web.post("/", data={"topics": "reinforcement learning", "address": ADA})

    assert "About 6 papers a day." in response.text
    assert f'value="{ADA}"' in response.text
    assert everything() == before


@MAINLY_SQLITE
def test_the_preview_alone_answers_the_script(web: Browser) -> None:
    response = web.post("/preview", data={"topics": "reinforcement learning", "time_zone": "Europe/Berlin"})

    assert response.status_code == 200
    assert "<html" not in response.text
    assert "About 6 papers a day." in response.text


@MAINLY_SQLITE
def test_a_topic_that_can_not_be_read_is_named_in_the_preview(web: Browser) -> None:
    response = web.post("/preview", data={"topics": 'graphs\n"open'})

    assert response.status_code == 422
    assert "‘&#34;open’" in response.text


@MAINLY_SQLITE
def test_a_paper_has_its_reason_and_its_links(web: Browser) -> None:
    text = web.get("/papers/1").text

    assert "↑ 41 votes 10 h after listing" in text
    assert 'href="https://arxiv.org/abs/2310.18919"' in text


@MAINLY_SQLITE
def test_a_paper_s_page_explains_its_figures(web: Browser) -> None:
    text = web.get("/papers/1").text

    assert '72 of 100; nearest in its field in the 90 days before: <a href="/papers/2">' in text
    assert "64 of 100: trending in its field (weight 3) 80, novelty (weight 2) 72" in text
    assert "Novelty" not in web.get("/papers/2").text


@MAINLY_SQLITE
def test_the_trending_page_and_the_api_show_what_is_known_of_a_paper_s_quality(web: Browser) -> None:
    first, second = web.get("/api/v1/papers").json()["papers"][:2]

    assert "novelty 72 · score 64" in web.get("/trending").text
    assert (first["novelty"], first["score"]) == (72, 64)
    assert (second["novelty"], second["score"]) == (None, None)


@MAINLY_SQLITE
def test_an_author_can_be_followed_from_their_page(web: Browser) -> None:
    text = web.get("/authors/Ming%20Yin").text

    link = "/?authors=Ming%20Yin"
    assert f'href="{link}"' in text
    assert "Ming Yin</textarea>" in web.get(link).text


@MAINLY_SQLITE
def test_figures_are_counted_for_prometheus(web: Browser) -> None:
    web.post("/subscribe", data={"address": "bob@digest.example"})
    text = web.get("/metrics", headers=METRICS).text

    assert 'digest_deliveries{state="queued"} 1.0' in text
    assert 'digest_subscribers{state="pending"} 1.0' in text
    assert "digest_papers 0.0" in text
    assert "digest_queue_age_seconds 0.0" in text


@MAINLY_SQLITE
def test_ready_means_database_and_worker(web: Browser) -> None:
    response = web.get("/readyz", headers=METRICS).json()

    assert (response["database"], response["worker"]) == ("ok", "ok")
    assert set(response["sources"].values()) == {"never fetched"}


@MAINLY_SQLITE
def test_without_a_worker_it_is_alive_but_not_ready(web: Browser) -> None:
    web.app.state.enqueue.living = False

    assert web.get("/healthz").status_code == 200
    assert web.get("/readyz").status_code == 503


@MAINLY_SQLITE
def test_a_confirmed_subscriber_is_counted_as_active(web: Browser) -> None:
    subscribed(web)

    assert 'digest_subscribers{state="active"} 1.0' in web.get("/metrics", headers=METRICS).text


@given(totals=st.lists(st.integers(0, 5000), max_size=60))
def test_bars_stand_on_the_ground_and_stay_inside(totals: list[int]) -> None:
    bars = charts.bars([(NOW.date() + timedelta(days=n), total) for n, total in enumerate(totals)])

    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in bars)
    assert all(
        abs(bar.y + bar.height - charts.BASELINE) < 0.11 and 0 <= bar.height <= charts.MAX_HEIGHT for bar in bars
    )


@given(number=st.integers(0, 999_000_000))
def test_a_number_over_a_bar_is_short(number: int) -> None:
    assert len(charts.abbreviated(number)) <= 4


def test_numbers_over_bars_are_rounded() -> None:
    assert [charts.abbreviated(n) for n in (0, 999, 1000, 1234, 9_960, 84_321, 1_250_000)] == [
        "0", "999", "1k", "1.2k", "10k", "84k", "1.2M",
    ]  # fmt: skip


@given(title=st.text(max_size=80), words=st.lists(st.text(max_size=12), max_size=4))
def test_the_pieces_of_a_title_are_the_title(title: str, words: list[str]) -> None:
    assert "".join(text for text, _ in highlighting.highlighted_pieces(title, tuple(words))) == title


def test_the_amount_of_mail_is_described_in_words() -> None:
    sentences = [preview_rows.frequency_sentence(number) for number in (0, 0.2, 0.7, 1, 6.4)]

    assert sentences == [
        "No paper matched. Try fewer or wider words.",
        "About one paper every 5 days.",
        "A paper on most days.",
        "About 1 paper a day.",
        "About 6 papers a day.",
    ]


def test_an_empty_service_still_has_a_page() -> None:
    assert charts.bars([]) == ()
    assert charts.bars([(date(2025, 11, 21), 0)])[0].height == 0


@MAINLY_SQLITE
def test_trending_papers_show_their_rank(web: Browser) -> None:
    ranks = re.findall(r'<span class="rank">(\d+)\.</span>', web.get("/trending").text)

    assert ranks == [str(number) for number in range(1, len(ranks) + 1)]
    assert ranks


@MAINLY_SQLITE
def test_every_page_leads_to_the_listing_by_ids(web: Browser) -> None:
    assert 'href="/papers"' in web.get("/").text
    assert 'href="/papers"' in web.get("/trending").text
