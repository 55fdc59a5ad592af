"""Mails as subscribers see them."""

from __future__ import annotations

import html
import os
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.compose.edition import FOLLOWED, NEW, RISING, Content, Entry
from digest.compose.email import other_emails
from digest.compose.email.subject_line import QuietDay, WeekFigures
from digest.compose.email.template_context import Links, RenderedMail
from digest.compose.text.text_wrapping import width
from digest.papers import Record
from tests.digest.compose import samples

SNAPSHOTS = Path(__file__).resolve().parents[3] / "snapshots"

hostile = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"), st.sampled_from("\r\n\0\1\2\3\x85\u2028\u202e\u2066\u200b\ufeff{}#%<>&\"'\\$^_")
    ),
    max_size=120,
) | st.sampled_from(
    [
        "{{ 7*7 }}",
        "{% raw %}",
        "<script>alert(1)</script>",
        '"><img src=x>',
        "a\r\nBcc: x@y.example",
        "x" * 150,
        "مرحبا بالعالم",
        "強化学習",
    ]
)


class TagCollector(HTMLParser):
    """The tags of a document in their order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


def day(records: tuple[Record, ...] = samples.INVENTED, **changes: object) -> RenderedMail:
    recipient = replace(samples.RECIPIENT, **changes)  # type: ignore[arg-type]
    return other_emails.digest(
        samples.edition(records), samples.papers(records), recipient, samples.LINKS, service=samples.SERVICE
    )


def digest_of(record: Record, **entry: object) -> RenderedMail:
    fields: dict[str, object] = {"paper": 0, "revision": 1, "section": NEW} | entry
    content = Content((Entry(**fields),))  # type: ignore[arg-type]
    return other_emails.digest(content, {(0, 1): record}, samples.RECIPIENT, samples.LINKS, service=samples.SERVICE)


@pytest.mark.parametrize("kind", ["digest", "welcome", "resend"])
def test_the_text_part_is_the_one_agreed_on(kind: str) -> None:
    """Set DIGEST_SNAPSHOTS=write to agree on a new one."""
    path = SNAPSHOTS / f"{kind}.txt"
    mail = day(kind=kind)
    rendered = f"Subject: {mail.subject}\n\n{mail.text}"
    if os.environ.get("DIGEST_SNAPSHOTS") == "write":
        path.write_text(rendered, encoding="utf-8")

    assert rendered == path.read_text(encoding="utf-8")


def test_the_text_part_has_every_title_reason_and_address() -> None:
    text = day().text

    for part in (
        "Sampling proteins with diffusion models",
        "you follow Yingbin Liang",
        "https://arxiv.org/abs/2511.04321",
    ):
        assert part in text
    assert samples.LINKS.unsubscribe is not None
    assert samples.LINKS.unsubscribe in text


def test_the_title_of_the_page_is_the_subject() -> None:
    mail = day()
    title = re.search(r"<title>(.*?)</title>", mail.html)

    assert title is not None
    assert html.unescape(title[1]) == mail.subject


def test_matched_words_are_marked_where_they_stand() -> None:
    page = digest_of(Record(title="Off-line learning"), matched=((0, ("offline learning", "learning")),)).html

    assert ">Off-line learning</span>" in page


def test_a_word_is_marked_whatever_its_case_and_accents() -> None:
    page = digest_of(Record(title="SCHRÖDINGER bridges"), matched=((0, ("schrodinger bridge",)),)).html

    assert ">SCHRÖDINGER bridges</span>" in page


def test_a_followed_author_is_always_named() -> None:
    names = ("Ada A", "Bea B", "Cid C", "Dan D", "Eve E", "Yingbin Liang")
    text = digest_of(Record(title="T", authors=names), section="followed", followed=("Y. Liang",)).text

    assert "A. A, B. B, Y. Liang ★, and 3 more" in text


def test_a_rising_paper_shows_its_facts() -> None:
    text = digest_of(Record(title="T"), section=RISING, signals=(("upvotes", 41.0), ("stars", 1200.0))).text

    assert "↑ 41 votes, 1,200 stars" in text


def test_long_days_roll_over_to_the_web_view() -> None:
    records = tuple(
        replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words here. " * 30) for i in range(150)
    )
    mail = day(records)

    assert len(mail.html.encode()) <= 100_000
    assert "more papers did not fit into this mail" in mail.html
    assert "more papers did not fit into this mail" in mail.text


def test_the_web_view_shows_all_of_it() -> None:
    records = tuple(
        replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words here. " * 30) for i in range(150)
    )
    content = samples.edition(records)
    page = other_emails.digest(content, samples.papers(records), samples.RECIPIENT, samples.LINKS, limit=None).html

    assert page.count("<h3") == 150


def test_links_that_do_not_exist_are_left_out() -> None:
    content = samples.edition(samples.INVENTED)
    page = other_emails.digest(content, samples.papers(samples.INVENTED), samples.RECIPIENT, Links()).html

    assert "like this" not in page
    assert "None" not in page
    assert "Unsubscribe" not in page


def test_no_link_leaves_tls_and_no_image_is_loaded() -> None:
    record = replace(samples.INVENTED[0], code_url="http://plain.example/code")
    tags = TagCollector(day((record,)).html)

    assert not [link for link in tags.links if not link.startswith("https://")]
    assert not {"img", "script", "form", "link", "iframe"} & set(tags.names)


def test_a_title_that_looks_like_an_address_is_no_link() -> None:
    page = digest_of(Record(title="www.example.com considered harmful")).html

    assert 'class="title"' not in page


def test_a_paper_whose_title_is_no_link_has_one_to_its_abstract() -> None:
    page = digest_of(Record(title="www.example.com considered harmful", arxiv_id="2511.00001")).html

    assert 'href="https://arxiv.org/abs/2511.00001"' in page


def test_a_confirmation_holds_the_plain_address_and_a_button() -> None:
    mail = other_emails.confirmation(samples.URL, "https://papers.example/not-me/x", service=samples.SERVICE)

    assert mail.html.count(samples.URL) == 3
    assert samples.URL in mail.text
    assert "https://papers.example/not-me/x" in mail.text
    assert 'href="https://papers.example/not-me/x"' in mail.html


def test_a_quiet_day_says_how_many_papers_there_were() -> None:
    text = other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, 412, service=samples.SERVICE).text

    assert "Nothing new for your topics today. 412 papers were announced." in text


def test_a_quiet_day_says_how_many_papers_were_looked_at_since_when() -> None:
    quiet = QuietDay(week=WeekFigures(1204, 5, date(2025, 11, 14), is_whole=True))
    mail = other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, 412, quiet=quiet, service=samples.SERVICE)
    line = "412 papers were announced. 1,204 papers were looked at for you since Fri 14 Nov. 5 came to you."

    assert line in mail.html
    assert line in mail.text.replace("\n", " ")


def test_a_first_quiet_day_says_each_figure_once() -> None:
    quiet = QuietDay(week=WeekFigures(412, 0, date(2025, 11, 10), is_whole=True))
    text = other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, 412, quiet=quiet).text.replace("\n", " ")

    assert "412 papers were looked at for you since Mon 10 Nov." in text
    assert text.count("412") == 1


@pytest.mark.parametrize(
    ("day", "topics", "considered", "advice"),
    [
        (date(2025, 11, 23), ("bandits",), 0, "with “on weekdays” no mail comes then"),
        (date(2025, 11, 23), ("bandits",), 5, "One more topic, or an author whom you follow, brings more."),
        (date(2025, 11, 21), (), 0, "A topic, or an author to follow, brings more."),
        (date(2025, 11, 21), ("a", "b", "c"), 0, "Your preferences show how many papers each topic brought."),
    ],
)
def test_a_quiet_day_has_one_piece_of_advice_from_the_first_day_on(
    day: date, topics: tuple[str, ...], considered: int, advice: str
) -> None:
    recipient = replace(samples.RECIPIENT, topics=topics, day=day)
    mail = other_emails.no_matches_notice(recipient, samples.LINKS, considered)

    assert advice in mail.text.replace("\n", " ")
    assert f'<a href="{samples.LINKS.preferences}"' in mail.html
    assert "has brought nothing" not in mail.text


def test_a_quiet_day_names_the_silent_topic_and_what_helps() -> None:
    mail = other_emails.no_matches_notice(
        samples.RECIPIENT, samples.LINKS, 412, quiet=QuietDay(("regret bounds", 23)), service=samples.SERVICE
    )

    assert "“regret bounds” has brought nothing for 23 days." in mail.text
    assert "Try other words for it, or add a broader topic." in mail.text.replace("\n", " ")
    assert "Change your preferences" in mail.html
    assert mail.subject == "Nothing on regret bounds for 23 days"
    preview = mail.html.partition('<div class="hidden"')[2].partition(">")[2]
    assert preview.startswith("“regret bounds” has brought nothing for 23 days. Try other words for it")


@pytest.mark.parametrize(
    ("topic", "advice"),
    [
        ('"KV cache" AND llm', "fewer conditions bring more"),
        ("speech recognition for low-resource languages", "Fewer words bring more"),
        ("KV cache", "a broader topic"),
    ],
)
def test_a_quiet_day_has_advice_for_the_kind_of_topic(topic: str, advice: str) -> None:
    mail = other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, 412, quiet=QuietDay((topic, 23)))

    assert advice in mail.text.replace("\n", " ")


def week(mailed: int = 0, *, is_whole: bool = True) -> WeekFigures:
    return WeekFigures(1204, mailed, date(2025, 11, 16), is_whole)


def test_the_subject_of_a_quiet_day_is_not_the_same_every_day() -> None:
    subjects = {other_emails.no_matches_notice(samples.RECIPIENT, samples.LINKS, papers).subject for papers in (1, 412)}

    assert subjects == {
        "Fri 21 Nov: 1 paper, not on your topics",
        "Fri 21 Nov: none of 412 papers on your topics",
    }


@pytest.mark.parametrize(
    ("quiet", "subject"),
    [
        (QuietDay(), "Sun 23 Nov: nothing announced"),
        (QuietDay(week=week(mailed=1)), "Sun 23 Nov: nothing announced, 1 paper for you this week"),
        (QuietDay(week=week(mailed=23)), "Sun 23 Nov: nothing announced, 23 papers for you this week"),
        (QuietDay(week=week()), "Sun 23 Nov: nothing announced, 1,204 papers looked at since Sun 16 Nov"),
        (
            QuietDay(week=week(mailed=2, is_whole=False)),
            "Sun 23 Nov: nothing announced, 2 papers for you since Sun 16 Nov",
        ),
        (QuietDay(all_muted=True, week=week(mailed=4)), "Sun 23 Nov: all your topics are muted"),
        (QuietDay(("KV cache", 9), week=week(mailed=4)), "Nothing on KV cache for 9 days"),
        (QuietDay(("KV cache", 56)), "Sun 23 Nov: nothing on KV cache for over 7 weeks"),
        (QuietDay(('"KV cache" AND llm', 9)), "Sun 23 Nov: nothing announced"),
        (
            QuietDay(("speech recognition for low-resource languages", 9)),
            "Nothing on speech recognition... for 9 days",
        ),
    ],
)
def test_the_subject_of_a_day_without_announcement_is_of_that_day(quiet: QuietDay, subject: str) -> None:
    sunday = replace(samples.RECIPIENT, day=date(2025, 11, 23))

    assert other_emails.no_matches_notice(sunday, samples.LINKS, 0, quiet=quiet).subject == subject


def test_a_quiet_day_does_not_speak_of_topics_to_a_subscriber_without_any() -> None:
    mail = other_emails.no_matches_notice(
        replace(samples.RECIPIENT, topics=()), samples.LINKS, 412, service=samples.SERVICE
    )

    assert "topics" not in mail.subject + mail.text


def test_links_say_which_paper_they_are_about() -> None:
    page = digest_of(samples.INVENTED[1], matched=((0, ("diffusion",)),)).html

    for label in (
        "PDF: Sampling proteins with diffusion models",
        "More or less like this: Sampling proteins with diffusion models",
    ):
        assert f'aria-label="{label}"' in page


def many(number: int, topics: int = 2) -> RenderedMail:
    records = [replace(samples.INVENTED[1], title=f"Paper number {i} of its day") for i in range(number)]
    entries = [Entry(i, 1, NEW, topic=i % topics, matched=((i % topics, ("proteins",)),)) for i in range(number)]
    return other_emails.digest(Content(tuple(entries)), samples.papers(records), samples.RECIPIENT, samples.LINKS)


def test_from_eight_papers_on_a_mail_opens_with_today_in_short() -> None:
    mail = many(8, topics=3)

    assert "Today in short" in mail.html
    assert "TODAY IN SHORT\n\n  offline reinforcement learning (3): Paper number 0 of its day\n" in mail.text
    assert mail.text.count("of its day\n", 0, mail.text.index("NEW FOR YOU")) == 3
    assert "Today in short" not in many(7).html


def test_a_day_of_two_topics_is_summarised_by_both_and_the_next_paper() -> None:
    opening = many(9).text.partition("NEW FOR YOU")[0]

    assert [f"Paper number {i} of" in opening for i in range(4)] == [True, True, True, False]


def test_a_day_of_one_topic_is_not_summarised() -> None:
    mail = many(9, topics=1)

    assert "in short" not in (mail.html + mail.text).lower()


def test_subject_headline_and_both_parts_hold_the_same_papers() -> None:
    mail = many(9)

    assert mail.subject.startswith("Paper number 0 of its day, and 8 more")
    assert "9 new on your topics" in mail.html
    assert mail.html.count("<h3") == mail.text.count("https://arxiv.org/abs/") == 9


def in_categories(number: int, *categories: str) -> RenderedMail:
    """Papers that came in these categories by turns, to a subscriber of them without topics."""
    records = [
        replace(
            samples.INVENTED[1], title=f"Paper number {i} of its day", categories=(categories[i % len(categories)],)
        )
        for i in range(number)
    ]
    recipient = replace(samples.RECIPIENT, topics=(), categories=categories)
    content = Content(tuple(Entry(i, 1, NEW) for i in range(number)), considered=412)
    return other_emails.digest(content, samples.papers(records), recipient, samples.LINKS)


def test_a_subscriber_of_categories_is_told_these() -> None:
    mail = in_categories(9, "cs.CL", "stat.ML")

    assert mail.subject == "Paper number 0 of its day, and 8 more in cs.CL and stat.ML"
    assert "9 new in cs.CL and stat.ML" in mail.text
    assert "cs.CL (5): Paper number 0" in mail.text
    assert "stat.ML (4): Paper number 1" in mail.text
    assert "topics" not in mail.text


def test_no_order_is_claimed_where_a_close_paper_stands_before_one_that_matches() -> None:
    records = [replace(samples.INVENTED[1], title=f"Paper number {i} of its day") for i in range(9)]
    entries = tuple(Entry(i, 1, NEW, topic=0, strict=i > 0, matched=((0, ("proteins",)),)) for i in range(9))
    mail = other_emails.digest(Content(entries), samples.papers(records), samples.RECIPIENT, samples.LINKS)

    assert "BEST MATCH" not in mail.text


def test_many_categories_are_not_listed_in_the_headline() -> None:
    assert "9 new for you" in in_categories(9, "cs.CL", "stat.ML", "cs.LG").text


def test_a_long_mail_says_how_long_it_takes_and_what_comes_first() -> None:
    mail = many(9)

    assert "About 1 minute to read." in mail.text
    assert "NEW FOR YOU, BEST MATCH FIRST" in mail.text
    assert "minute" not in many(3).text
    assert "BEST MATCH" not in in_categories(9, "cs.CL").text


@pytest.mark.parametrize(
    ("comment", "fact"),
    [
        ("12 pages, 5 figures", "12 pages"),
        ("Accepted at ICRA; 8 pp", "8 pages"),
        ("30 double-column pages", ""),
        ("150 manuscript pages", "150 pages"),
        ("see pages 3-9", ""),
        (None, ""),
    ],
)
def test_the_length_of_a_paper_is_among_its_facts(comment: str | None, fact: str) -> None:
    text = digest_of(replace(samples.INVENTED[1], comment=comment)).text

    assert (f"q-bio.BM · {fact}\n" if fact else "q-bio.BM\n") in text


def test_in_the_text_part_each_address_has_a_line_to_itself() -> None:
    record = replace(samples.INVENTED[0], doi="10.1000/published", code_url="https://github.com/example/code")
    lines = digest_of(record).text.splitlines() + day().text.splitlines()
    with_address = [line.strip() for line in lines if "https://" in line]

    assert len(with_address) > 10
    assert [line for line in with_address if not line.startswith("https://") or " " in line] == []


def test_a_category_does_not_break_across_lines() -> None:
    page = in_categories(9, "q-bio.BM").html

    assert page.count('<span style="white-space:nowrap">q-bio.BM</span>') == 1 + 2 * 9  # headline, facts and reasons
    assert "white-space" not in in_categories(9, "q-bio.BM").text


@pytest.mark.parametrize("width_left", range(40, 50))
def test_no_line_begins_with_the_dot_between_two_facts(width_left: int) -> None:
    record = replace(samples.INVENTED[1], venue="V" * width_left, comment="12 pages", code_url="https://github.com/a/b")
    mail = digest_of(record)

    assert "\n  ·" not in mail.text
    assert max(map(width, mail.text.splitlines())) <= 76
    assert "q-bio.BM</span>\u00a0· code" in mail.html


def test_the_preview_text_of_a_single_paper_says_what_it_did() -> None:
    assert '<div class="hidden" style="' in (html := digest_of(samples.INVENTED[1]).html)
    assert html.partition('<div class="hidden"')[2].partition(">")[2].startswith("Diffusion models sample well.")


def test_authors_of_arxiv_without_a_letter_are_neither_shown_nor_counted() -> None:
    record = replace(samples.INVENTED[1], authors=("BICEP/Keck Collaboration", ":", "P. A. R. Ade", "Mara Lind"))

    assert "\n  BICEP/Keck Collaboration, P. A. R. Ade and M. Lind · q-bio.BM\n" in digest_of(record).text


def test_in_the_overview_a_query_is_named_in_plain_words() -> None:
    recipient = replace(samples.RECIPIENT, topics=('cat:cs.CL AND ("machine translation*" OR ti:speech)', "proteins"))
    entry = Entry(0, 1, NEW, strict=True, topic=0, matched=((0, ("cat:cs.CL", "machine translation")),))
    other = entry._replace(topic=1, matched=((1, ("proteins",)),))
    content = Content((*(entry._replace(paper=number) for number in range(7)), other._replace(paper=7)))
    mail = other_emails.digest(content, samples.papers([samples.INVENTED[1]] * 8), recipient, samples.LINKS)

    assert "cs.CL and machine translation or speech (7): " in " ".join(mail.text.split())


def test_only_the_words_of_the_topics_that_the_reason_names_are_added_to_an_excerpt() -> None:
    statement = (
        "We propose a sampler of proteins that keeps its steps few, its memory small and its answers right, always."
    )
    rest = ("Kinases matter to us. ", "Regret is bounded here. ", "Offline data are plenty. ")
    record = replace(samples.INVENTED[1], abstract=f"{statement} {''.join(rest)}" + "It costs little to run. " * 9)
    words = (("offline reinforcement learning", "regret"), ("kinases",), ("offline data",))
    mail = digest_of(record, strict=True, matched=tuple(enumerate(words)))

    assert [sentence.strip() in " ".join(mail.text.split()) for sentence in rest] == [True, True, False]


def test_what_rolls_over_is_linked_in_both_parts() -> None:
    records = tuple(replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words. " * 30) for i in range(150))
    mail = day(records)

    assert re.search(r"more papers did not fit into this mail\.\nhttps://papers\.example/editions/", mail.text)


def test_in_short_counts_the_whole_edition_where_papers_roll_over() -> None:
    records = [replace(samples.INVENTED[0], title=f"Paper {i}", abstract="Long words. " * 30) for i in range(150)]
    entries = [Entry(i, 1, NEW, topic=i % 2, matched=((i % 2, ("words",)),)) for i in range(150)]
    mail = other_emails.digest(Content(tuple(entries)), samples.papers(records), samples.RECIPIENT, samples.LINKS)

    assert mail.html.count("<h3") < 150
    assert "150 new on your topics" in mail.text
    assert "offline reinforcement learning (75)" in mail.text


def test_papers_past_the_limit_are_a_link_in_both_parts() -> None:
    content, papers = samples.edition(samples.INVENTED), samples.papers(samples.INVENTED)
    mail = other_emails.digest(content, papers, samples.RECIPIENT, samples.LINKS)

    assert f'<a href="{samples.LINKS.further}"' in mail.html
    assert f"3 more on your topics:\n{samples.LINKS.further}\n" in mail.text


def test_a_first_edition_says_so() -> None:
    mail = day(kind="welcome")

    assert mail.subject.startswith("First edition: ")
    assert "First edition: the best of the last two weeks." in mail.text.replace("\n", " ")
    assert "Chosen from 412 papers announced in that time." in mail.text


@pytest.mark.parametrize(("days_back", "span"), [(1, "last day"), (3, "last 3 days"), (12, "last two weeks")])
def test_a_first_edition_promises_only_the_days_that_are_stored(days_back: int, span: str) -> None:
    content, papers = samples.edition(samples.INVENTED), samples.papers(samples.INVENTED)
    recipient = replace(samples.RECIPIENT, kind="welcome")
    mail = other_emails.digest(replace(content, days_back=days_back), papers, recipient, samples.LINKS)

    line = f"First edition: the best of the {span}. From now on you get what is new."
    assert line in " ".join(mail.text.split())
    assert line in mail.html


def test_an_edition_without_papers_still_reads_well() -> None:
    mail = other_emails.digest(Content(considered=3), {}, samples.RECIPIENT, samples.LINKS)

    assert mail.subject == "Fri 21 Nov: Nothing new for your topics today"
    assert "Chosen from 3 announced papers." in mail.text


def test_shared_blocks_give_the_same_mail() -> None:
    blocks = other_emails.PaperBlocks()
    content, papers = samples.edition(samples.INVENTED), samples.papers(samples.INVENTED)
    other = replace(samples.RECIPIENT, topics=("proteins", "bounds", "pessimism"))
    other_emails.digest(content, papers, other, samples.LINKS, blocks=blocks)

    shared = other_emails.digest(content, papers, samples.RECIPIENT, samples.LINKS, blocks=blocks)

    assert shared == other_emails.digest(content, papers, samples.RECIPIENT, samples.LINKS)


@given(hostile, hostile, hostile, hostile)
@settings(max_examples=100, deadline=None)
def test_no_foreign_text_can_change_the_structure(title: str, abstract: str, author: str, topic: str) -> None:
    plain = samples.Record(title="Title", abstract="Abstract.", authors=("Ada Byron",), arxiv_id="2511.00001")
    foreign = replace(plain, title=f"Title {title}", abstract=f"Abstract {abstract}.", authors=(f"Ada {author}",))
    content = Content((Entry(paper=0, revision=1, section=NEW, topic=0, matched=((0, ("zzz",)),)),))
    usual = other_emails.digest(
        content, {(0, 1): plain}, replace(samples.RECIPIENT, topics=("offline",)), samples.LINKS
    )
    mail = other_emails.digest(
        content, {(0, 1): foreign}, replace(samples.RECIPIENT, topics=(f"t {topic}",)), samples.LINKS
    )

    assert [name for name in TagCollector(mail.html).names if name != "a"] == [
        n for n in TagCollector(usual.html).names if n != "a"
    ]
    assert "{{" not in mail.html
    assert "{%" not in mail.html
    assert "\r" not in mail.subject + mail.text
    assert "\n" not in mail.subject
    assert "\u202e" not in mail.html + mail.text
    assert all(width(line) <= 76 for line in mail.text.split("\n") if "https://" not in line)


words = st.sampled_from(("offline", "diffusion models", "regret", "proteins", "zzz"))
entry_lists = st.lists(
    st.builds(
        Entry,
        paper=st.integers(0, len(samples.INVENTED) - 1),
        revision=st.just(1),
        section=st.sampled_from([FOLLOWED, NEW, RISING]),
        score=st.integers(0, 3),
        strict=st.booleans(),
        matched=st.lists(st.tuples(st.integers(0, 1), st.tuples(words)), max_size=2).map(tuple),
        followed=st.sampled_from([(), ("Ada Byron",), ("Y. Liang",)]),
        signals=st.sampled_from([(), (("upvotes", 3.0),)]),
        reason=st.sampled_from(["", "3 votes"]),
        spark=st.sampled_from(["", "▁▂▅"]),
    ),
    max_size=4,
    unique_by=lambda entry: entry.paper,
)
subscribers = st.tuples(entry_lists, st.tuples(words, words), st.booleans(), st.booleans())


@given(st.lists(subscribers, max_size=6), st.integers(1, 5))
@settings(deadline=None)
def test_shared_blocks_never_leak_between_subscribers(
    run: list[tuple[list[Entry], tuple[str, str], bool, bool]], size: int
) -> None:
    shared, papers = other_emails.PaperBlocks(size), samples.papers(samples.INVENTED)
    for entries, topics, asks, pages in run:
        links = replace(
            samples.LINKS,
            feedback=samples.LINKS.feedback if asks else None,
            paper=(lambda paper: f"https://papers.example/papers/{paper}") if pages else None,
        )
        content, recipient = Content(tuple(entries)), replace(samples.RECIPIENT, topics=topics)

        mail = other_emails.digest(content, papers, recipient, links, blocks=shared)
        assert mail == other_emails.digest(content, papers, recipient, links)


HIDDEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f\\xad\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff]")
USUAL = {
    "class",
    "style",
    "href",
    "dir",
    "lang",
    "role",
    "align",
    "border",
    "cellpadding",
    "cellspacing",
    "aria-hidden",
}
USUAL |= {"charset", "name", "content", "data-css-inline", "aria-label"}
foreign_records = st.builds(
    Record,
    title=hostile,
    abstract=hostile,
    authors=st.lists(hostile, max_size=5).map(tuple),
    arxiv_id=st.none() | hostile,
    doi=st.none() | hostile,
    categories=st.lists(hostile, max_size=2).map(tuple),
    venue=st.none() | hostile,
    institutions=st.lists(hostile, max_size=2).map(tuple),
    code_url=st.none() | hostile | hostile.map("https://code.example/{}".format),
)
foreign_entries = st.builds(
    Entry,
    paper=st.just(0),
    revision=st.just(1),
    section=st.sampled_from([FOLLOWED, NEW, RISING]),
    strict=st.booleans(),
    matched=st.lists(st.tuples(st.integers(0, 2), st.lists(hostile, max_size=2).map(tuple)), max_size=2).map(tuple),
    followed=st.lists(hostile, max_size=2).map(tuple),
    reason=hostile,
)


@given(foreign_records, foreign_entries, st.lists(hostile, min_size=2, max_size=2), hostile, hostile)
@settings(max_examples=100, deadline=None)
def test_whatever_a_source_or_subscriber_wrote_is_only_text(
    record: Record, entry: Entry, topics: list[str], notice: str, name: str
) -> None:
    service = replace(samples.SERVICE, name=f"S {name}", postal_address=name)
    recipient = replace(samples.RECIPIENT, topics=tuple(topics))
    mail = other_emails.digest(
        Content((entry,), notice=notice), {(0, 1): record}, recipient, samples.LINKS, service=service
    )
    tags = TagCollector(mail.html)

    assert set(tags.names) <= set(TagCollector(day().html).names)
    assert tags.names.count("h3") == 1
    assert tags.attributes <= USUAL
    assert all(link.startswith("https://") for link in tags.links)
    assert sum("/feedback/" in link for link in tags.links) == 1
    assert not {"{{", "{%", "{#"} & {mail.html[start : start + 2] for start in range(len(mail.html))}
    assert not HIDDEN.search(mail.html.replace("\n", "") + mail.text.replace("\n", "") + mail.subject)
    assert "\n" not in mail.subject


def test_texts_of_a_megabyte_cost_no_more_than_their_beginnings() -> None:
    long = "word {" * 200_000
    record = Record(title=long, abstract=long, authors=(long,), venue=long, institutions=(long,), doi="10.1/x")
    mail = digest_of(record, reason="41 votes", followed=("Ada",), section="followed")

    assert len(mail.html) < 30_000


def test_a_huge_abstract_costs_no_more_than_its_beginning() -> None:
    mail = digest_of(Record(title="T", abstract="word $\\frac{" * 100_000))

    assert len(mail.html) < 20_000


def test_the_bars_of_a_rising_paper_are_hidden_from_screen_readers() -> None:
    mail = digest_of(Record(title="T"), section=RISING, reason="41 votes", spark="▁▂▅▇")

    assert "↑ 41 votes · ▁▂▅▇" in mail.text
    assert '<span aria-hidden="true">▁▂▅▇</span>' in mail.html


@pytest.mark.parametrize(("novelty", "is_named"), [(95.0, True), (92.0, False), (72.0, False)])
def test_only_the_most_unusual_papers_are_called_so(novelty: float, is_named: bool) -> None:
    mail = digest_of(samples.INVENTED[0], signals=(("novelty", novelty),))

    assert (" · code · NeurIPS 2026 · unusual for its field" in mail.html.replace("\u00a0", " ")) is is_named
    assert ("unusual for its field" in mail.text) is is_named
    assert "novelty" not in mail.text


def test_a_paper_without_category_is_not_called_unusual_for_its_field() -> None:
    mail = digest_of(replace(samples.INVENTED[0], categories=()), signals=(("novelty", 95.0),))

    assert "unusual for its field" not in mail.text
