"""Export and import: a round trip that keeps all that decides who gets what, and errors that name line and column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, col, select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.subscribers import former_addresses, subscribers
from digest.errors import BadInput
from digest.matching.profile import Examples, ExampleTerm, Profile, Topic
from digest.models import Consent, Delivery, ProfileVersion, SignUpRequest, Subscriber, Suppression
from digest.services.admin import subscriber_admin
from digest.services.subscriptions import consent_origin, csv_import_export, preference_fields
from digest.services.subscriptions.sign_up import WORDING_VERSION
from digest.services.subscriptions.sign_up_confirmation import activate
from tests.combinations import MAINLY_SQLITE
from tests.digest.services.stored_rows import add_subscriber, store_row

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EVERYONE = ("subscriber", "suppression", "consent", "profile_version", "sign_up_request")

EXAMPLES = Examples(
    (ExampleTerm("draft model", "draft models", 96), ExampleTerm("é;", "é;", 5)), 7, (("A; \n", (0, 1)),)
)
texts = st.text(st.sampled_from("ab;,'\\éß=+ 1\t"), min_size=1, max_size=12).filter(str.strip)
quoted = st.text(st.sampled_from('ab;,\\é"\n\r\u2028'), max_size=6)
topics = st.one_of(
    texts.map(lambda text: f'"{text.replace(chr(34), "")}"'), st.sampled_from(["graphs; bandits", "a\\", "\\;"])
)
instants = st.integers(0, 150_000_000).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@st.composite
def people(draw: st.DrawFn) -> list[SQLModel]:
    """A subscriber in any state, with anything that can be chosen, and perhaps a suppression."""
    state = draw(st.sampled_from(["pending", "active", "left"]))
    topic_values = draw(st.lists(st.tuples(topics, st.none() | st.integers(1, 50), st.booleans()), max_size=3))
    profile = Profile(
        topics=tuple({text: Topic(text, cap, muted) for text, cap, muted in _readable(topic_values)}.values()),
        exclusions=draw(st.sampled_from([(), ("survey",), ("a; b", "reviews")])),
        categories=draw(st.sampled_from([(), ("cs.LG",), ("cs.LG", "astro-ph.CO"), ("bio.neuroscience", "q-bio")])),
        sources=draw(st.sampled_from([(), ("arxiv",), ("medrxiv", "arxiv")])),
        languages=draw(st.sampled_from([(), ("en",), ("de", "en")])),
        primary_only=draw(st.booleans()),
        authors=draw(st.sampled_from([(), ("Byron, Ada; jr",), ("Ada Byron", "É. Noether")])),
        close=draw(st.booleans()),
        minimum=draw(st.sampled_from(["usual", "high"])),
        limit=draw(st.integers(1, 50)),
        likes=draw(st.sampled_from([(), (("graph", 3), ("neural", 32))])),
        examples=draw(st.sampled_from([None, EXAMPLES])),
    )
    subscriber = Subscriber(
        address="Ada.B@one.example",
        address_key="ada.b@one.example",
        state=state,
        created_at=draw(instants),
        confirmed_at=draw(instants) if state != "pending" else None,
        left_at=draw(instants) if state == "left" else None,
        time_zone=draw(st.sampled_from(["UTC", "Asia/Kathmandu"])),
        send_at=draw(st.sampled_from([time(7), time(23, 45)])),
        cadence=draw(st.sampled_from(["daily", "weekdays", "weekly"])),
        weekday=draw(st.integers(0, 6)),
        paused_until=draw(st.none() | st.dates(date(2025, 1, 1), clock.now().date() + timedelta(days=300))),
        quiet_day=draw(st.sampled_from(["skip", "notice"])),
    )
    events = draw(
        st.lists(st.tuples(st.sampled_from(["asked", "confirmed", "left"]), instants, quoted), min_size=1, max_size=3)
    )
    consents = [
        Consent(subscriber_id=0, event=e, at=consented_at, client=client, wording="2025-11")
        for e, consented_at, client in events
    ]
    rows: list[SQLModel] = [subscriber, _profile_holder(subscriber, profile), *consents]
    if draw(st.booleans()):
        reason = draw(st.sampled_from(["complaint", "no such address"]))
        rows.append(
            Suppression(address_key="ada.b@one.example", reason=reason, source="score; a, b", at=draw(instants))
        )
    if draw(st.booleans()):
        rows.append(Suppression(address_key="gone@one.example", reason="complaint", at=draw(instants)))
    return rows


def _profile_holder(subscriber: Subscriber, profile: Profile) -> SQLModel:
    """The row that holds the profile: a profile version, or the request of an unconfirmed sign-up."""
    if subscriber.state != "pending":
        return ProfileVersion(subscriber_id=0, number=1, created_at=NOON, profile=profile.to_json())
    schedule = {name: getattr(subscriber, name) for name in preference_fields.SIGN_UP_SCHEDULE}
    return SignUpRequest(
        subscriber_id=0,
        created_at=subscriber.created_at,
        profile=profile.to_json(),
        schedule=schedule | {"send_at": subscriber.send_at.isoformat()},
        client=consent_origin.ADMINISTRATOR,
        wording=WORDING_VERSION,
    )


def _readable(topic_values: Sequence[tuple[str, int | None, bool]]) -> list[tuple[str, int | None, bool]]:
    """Topics as they are stored: tidied by the reading of preferences; those that are no query are left out."""
    readable = []
    for text, cap, muted in topic_values:
        try:
            stored = preference_fields.validate(preference_fields.SignUpPreferences, {"topics": [text]}).topics
        except BadInput:
            continue
        readable += [(stored_text, cap, muted) for stored_text in stored]
    return readable


def store(rows: Sequence[SQLModel]) -> None:
    """Put one person with all that belongs to them into the database."""
    with transaction() as session:
        subscriber = next(row for row in rows if isinstance(row, Subscriber))
        session.add(subscriber)
        session.flush()
        for row in rows:
            if isinstance(row, ProfileVersion | SignUpRequest | Consent):
                row.subscriber_id = subscriber.id or 0
            session.add(row)
            session.flush()
            if isinstance(row, ProfileVersion):
                subscriber.profile_id = row.id


def empty() -> None:
    """Another installation: nobody is known."""
    with transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())


def imported(tmp_path: Path, text: str | bytes) -> tuple[int, list[str]]:
    file = tmp_path / "people.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return csv_import_export.import_file(file, consent="asked in person")


def refused(tmp_path: Path, text: str | bytes) -> str:
    """Why the file as a whole is refused."""
    with pytest.raises(BadInput) as error:
        imported(tmp_path, text)
    return str(error.value)


def topics_of(address: str) -> list[str]:
    with reading() as session:
        subscriber = subscribers.by_key(session, address)
        assert subscriber is not None
        return [topic.text for topic in subscribers.profile_of(session, subscriber).topics]


def state_of(address: str) -> str:
    with reading() as session:
        subscriber = subscribers.by_key(session, address)
        return subscriber.state if subscriber else "unknown"


@given(rows=people(), as_json=st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_is_exported_decides_the_same_elsewhere(
    service: str, tmp_path: Path, rows: list[SQLModel], as_json: bool
) -> None:
    empty()
    store(rows)
    before = csv_import_export.export_rows()
    text = json.dumps(before) if as_json else csv_import_export.export_csv()
    empty()

    added, bad = imported(tmp_path, text)

    assert bad == []
    assert added == len(before)
    assert csv_import_export.export_rows() == before


def test_an_import_mails_nobody_who_unsubscribed_or_is_suppressed(service: str, tmp_path: Path) -> None:
    text = (
        "address,state,left_at,suppressed_reason\n"
        "left@one.example,left,2025-01-01T00:00:00+00:00,\n"
        "bad@one.example,active,,no such address\n"
        "never@one.example,suppressed,,complaint\n"
        "asked@one.example,pending,,\n"
    )

    assert imported(tmp_path, text) == (4, [])
    with reading() as session:
        due = session.exec(
            select(Subscriber.address).where(Subscriber.state == "active", col(Subscriber.next_due_at).is_not(None))
        )
        assert due.all() == ["bad@one.example"]
        assert subscribers.suppression(session, "bad@one.example") is not None
        assert subscribers.suppression(session, "never@one.example") is not None
        assert session.exec(select(Delivery)).all() == []


@MAINLY_SQLITE
@pytest.mark.parametrize("state", ["left", "suppressed", "forgotten", "erased by themselves"])
def test_an_import_does_not_resubscribe_an_unsubscribed_person(service: str, tmp_path: Path, state: str) -> None:
    if state == "left":
        add_subscriber("ada@one.example", state="left")
    elif state == "suppressed":
        store_row(Suppression(address_key="ada@one.example", reason="complaint", at=NOON))
    else:
        with transaction() as session:
            former_addresses.store_former_address(
                session, "ada@one.example", reason="x", suppressed=state == "forgotten", at=NOON
            )

    added, bad = imported(tmp_path, "address,topics\nada@one.example,graphs\nbob@one.example,graphs\n")

    assert added == 1
    assert len(bad) == 1
    assert bad[0].startswith("line 2: ")
    assert state_of("ada@one.example") in {"left", "unknown"}


def test_a_suppression_in_the_file_stops_mail_to_an_active_subscriber(service: str, tmp_path: Path) -> None:
    add_subscriber("ada@one.example")

    assert imported(tmp_path, "address,suppressed_reason\nada@one.example,complaint\n") == (1, [])
    with reading() as session:
        assert subscribers.suppression(session, "ada@one.example") is not None


def test_a_person_who_unsubscribed_and_was_deleted_may_sign_up_again(service: str) -> None:
    with transaction() as session:
        former_addresses.store_former_address(session, "ada@one.example", reason="left", suppressed=False, at=NOON)
        parsed_address = subscribers.parse_address("ada@one.example")
        subscriber = subscribers.admit(session, parsed_address, now=NOON)
        version = subscribers.add_profile_version(session, subscriber.id or 0, Profile(), now=NOON)
        activate(session, subscriber, version, event="confirmed", client="203.0.113.7", now=NOON)

    with reading() as session:
        assert former_addresses.find_former_address(session, "ada@one.example") is None


@SQLITE
@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("address;topics;cadence", "ada@one.example;graphs;weekly"),
        ("address\ttopics\tcadence", "ada@one.example\tgraphs\tweekly"),
        (" Address , TOPICS,Cadence ", " ada@one.example , graphs, weekly"),
        ('\ufeff"address", "topics", "cadence"', '"ada@one.example", "graphs", "weekly"'),
        ("sep=;\naddress;topics;cadence", "ada@one.example;graphs;weekly"),
        ("address,topics,cadence,,", "ada@one.example,graphs,weekly,,"),
        ("\naddress,topics,cadence", "\n,,\nada@one.example,graphs,weekly\n\n"),
        ("Cadence,address,topics", "weekly,ada@one.example,graphs"),
        ("address,topics,cadence", "ada@one.example,graphs,weekly\r\n"),
    ],
)
def test_a_table_is_understood_as_people_write_it(service: str, tmp_path: Path, header: str, row: str) -> None:
    assert imported(tmp_path, f"{header}\n{row}\n") == (1, [])
    assert topics_of("ada@one.example") == ["graphs"]
    with reading() as session:
        assert session.exec(select(Subscriber.cadence)).one() == "weekly"


@SQLITE
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("address,topic\na@one.example,x\n", "line 1: column 2, 'topic' is no column here; did you mean 'topics'?"),
        ("email,topics\na@one.example,x\n", "line 1: column 1, 'email' is no column here; did you mean 'address'?"),
        ("address,Time-zon\na@one.example,x\n", "did you mean 'time_zone'?"),
        ("address,colour\na@one.example,x\n", "'colour' is no column here; known are address, state"),
        ("address,topics,Topics\na@one.example,x,y\n", "column 3, 'topics' stands twice, first as column 2"),
        ("address,,topics\na@one.example,x,y\n", "line 1: column 2, has no name"),
        ("topics,cadence\nx,daily\n", "'address' among them"),
        ("", "'address' among them"),
        ('address,topics\na@one.example,x\nb@one.example,"x\n', "line 3: a quote is opened and never closed"),
        ('address,"topics"x\na@one.example,y\n', "line 1: a quote inside a cell"),
        ("address,topics\na@one.example," + "x" * 140_000 + "\n", "line 2: a cell is longer than 131072 characters"),
        ("address,topics\na@one.example,x\n".encode("utf-16"), "is UTF-16 or UTF-32 text; save it as UTF-8"),
        ("address,topics\na@one.example,x\n".encode("utf-16-le"), "is UTF-16 or UTF-32 text; save it as UTF-8"),
        ("address,topics\na@one.example,Grüße\n".encode("latin-1"), "line 2, character 17: byte 0xfc is not UTF-8"),
        ("[{", "is no JSON"),
    ],
)  # fmt: skip
def test_a_file_that_can_t_be_used_is_refused_whole(
    service: str, tmp_path: Path, text: str | bytes, expected: str
) -> None:
    error = refused(tmp_path, text)

    assert expected in error
    assert "people.csv" in error
    assert "\n" not in error
    assert state_of("a@one.example") == "unknown"


@SQLITE
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bad@one.example,graphs,UTC,daily,,extra", "column 6: 6 cells, but 5 columns"),
        (
            "bad@one.example,graphs,Berlin,daily,",
            "time_zone: time zone 'Berlin' is unknown; did you mean Europe/Berlin?",
        ),
        ("bad@one.example,graphs,localtime,daily,", "time_zone: "),
        ("bad@one.example,graphs,UTC,hourly,", "cadence: "),
        ('bad@one.example,"(a",UTC,daily,', "topics: ‘(a’"),
        ('bad@one.example,"graph nets" AND x,UTC,daily,', "a quote inside a cell: put the whole cell in quotes"),
        ("bad@one.example,gr\0aphs,UTC,daily,", "topics: holds a NUL character"),
        ("bad@one.example," + "x" * 600 + ",UTC,daily,", "topics: at most 500 characters"),
        ("bad@one.example,graphs,UTC,daily,bandits", "muted: 'bandits' is not one of the row's topics"),
        ("not an address,graphs,UTC,daily,", "address: "),
        (",graphs,UTC,daily,", "address: "),
        ("ADA@one.example,graphs,UTC,daily,", "address: the same inbox as in line 2"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column_and_the_rest_goes_on(
    service: str, tmp_path: Path, row: str, reason: str
) -> None:
    good_rows = [f"{name}@one.example,graphs,UTC,daily," for name in ("ada", "bob")]
    text = "\n".join(["address,topics,time_zone,cadence,muted", good_rows[0], "", row, good_rows[1], ""])

    added, bad = imported(tmp_path, text)

    assert added == 2
    assert len(bad) == 1
    assert bad[0].startswith(f"line 4: {reason}")
    assert "\n" not in bad[0]


@SQLITE
@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("state", "subscribed", "state: 'subscribed'; use active"),
        ("caps", "51 graphs", "caps: "),
        ("caps", "x", "caps: "),
        ("left_at", "yesterday", "left_at: "),
        ("left_at", "2025-01-01", "left_at: "),
        ("confirmed_at", "2999-01-01T00:00:00+00:00", "confirmed_at: "),
        ("confirmed_at", "0001-01-01T00:00:00+14:00", "confirmed_at: "),
        ("consents", '[{""event"": ""asked"", ""at"": ""2025-01-01T00:00:00""}]', "consents: 0.at: "),
        ("consents", '[{""event"": ""a\\u0000"", ""at"": ""2025-01-01T00:00:00Z""}]', "consents: holds a NUL"),
        ("consents", '[{""event"": ""a"", ""at"": ""0001-01-01T00:00:00+14:00""}]', "consents: "),
        ("likes", '[[""\\u0000"", 1]]', "likes: holds a NUL"),
        ("examples", "[]", "examples: "),
        (
            "examples",
            '{""terms"": [{""stems"": ""a b c"", ""written"": """", ""weight"": 1}], ""floor"": 1}',
            "examples: ",
        ),
        (
            "examples",
            '{""terms"": [{""stems"": ""a"", ""written"": """", ""weight"": 1}], ""floor"": 1,'
            ' ""papers"": [[""A"", [7]]]}',
            "examples: ‘A’",
        ),
        ("consents", "asked", "consents: "),
        ("likes", "[[1]]", "likes: "),
        ("suppressed_at", "2025-01-01T00:00:00+00:00", "suppressed_reason: "),
        ("primary_only", "perhaps", "primary_only: "),
        ("paused_until", "2999-01-01", "pause"),
    ],
)
def test_what_only_an_export_writes_is_checked_too(
    service: str, tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    added, bad = imported(tmp_path, f'address;{column}\nada@one.example;"{cell}"\n')

    assert added == 0
    assert reason in bad[0]


@SQLITE
def test_topics_stand_a_line_each_or_apart_by_semicolons(service: str, tmp_path: Path) -> None:
    text = 'address,topics\nada@one.example,"graphs; protein folding\nbandits\\; arms"\n'

    assert imported(tmp_path, text) == (1, [])
    assert topics_of("ada@one.example") == ["graphs", "protein folding", "bandits; arms"]


@SQLITE
def test_columns_follow_the_list_of_preferences(service: str) -> None:
    add_subscriber("ada@one.example")

    assert set(preference_fields.FIELDS) <= set(csv_import_export.COLUMNS)
    assert set(preference_fields.FIELDS) <= set(subscriber_admin.subscriber_rows()[0])


@MAINLY_SQLITE
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("7", "row 1: expected an object"),
        ('{"address": "ada@one.example", "topic": "x"}', "row 1: 'topic' is no column here; did you mean 'topics'?"),
        ('{"address": "ada@one.example", "topics": {"text": "x"}}', "row 1: topics: expected a text, a list"),
        ('{"address": "ada@one.example", "topics": ["a\\u0000"]}', "row 1: topics: holds a NUL character"),
        ('{"address": "ada@one.example", "suppressed_reason": "\\ud800"}', "row 1: suppressed_reason: holds half"),
        ('{"address": 7}', "row 1: address: "),
    ],
)
def test_a_bad_row_of_json_is_named_too(service: str, tmp_path: Path, row: str, reason: str) -> None:
    added, bad = imported(tmp_path, f'[{row}, {{"address": "bob@one.example", "topics": ["a; b", "c"], "limit": 7}}]')

    assert added == 1
    assert bad[0].startswith(reason)
    assert topics_of("bob@one.example") == ["a; b", "c"]
