"""A local server that speaks the sources' wire forms from real days, with configurable faults and a log."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape
from zlib import crc32
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><rss version="2.0"><channel><title>&c;</title></channel></rss>'
)
API_ERROR = (
    b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry>'
    b"<id>https://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title>"
    b"<summary>incorrect id format</summary></entry></feed>"
)
FEED_ERROR = (
    b'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed error for query: cs.XX</title>'
    b"<description>Invalid archive cs.XX.</description></channel></rss>"
)


@dataclass(frozen=True, slots=True)
class Work:
    """One paper as the server knows it: `day` of its announcement; `changed`, and its version, of its last change."""

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    day: date
    comment: str = ""
    version: int = 1
    kind: str = "new"
    changed: date | None = None
    deleted: bool = False

    @property
    def stamp(self) -> date:
        return self.changed or self.day

    @property
    def sent_in(self) -> datetime:
        """Noon in New York on the day of the cut-off: in the window of its announcement."""
        before = 3 if self.day.weekday() == 0 else 1
        return datetime.combine(self.day - timedelta(days=before), datetime.min.time(), NEW_YORK) + timedelta(hours=12)


def works(rows: Iterable[Mapping[str, object]]) -> list[Work]:
    """Papers from rows of the replay days."""
    return [
        Work(
            str(row["id"]),
            str(row["title"]),
            str(row["abstract"]),
            tuple(row.get("authors") or ()),  # type: ignore[arg-type]
            tuple(row.get("categories") or ()),  # type: ignore[arg-type]
            date.fromisoformat(str(row["announced"])),
            str(row.get("comment") or ""),
        )
        for row in rows
    ]


@dataclass(slots=True)
class LoggedRequest:
    """One logged request; times are monotonic seconds."""

    service: str
    params: dict[str, str]
    began_at: float
    ended: float = 0.0  # when it was about to be answered
    status: int = 0


Spoil = Callable[["WireHandler", bytes], None]


@dataclass(slots=True)
class SourceFault:
    """A fault in place of the next `times` responses of a service."""

    service: str
    spoil: Spoil
    times: int = 1
    after: int = 0


@dataclass(slots=True)
class WireServer:
    """The sources on loopback. `today` is the day of its feeds; `page` and `slice` bound its responses."""

    works: list[Work] = field(default_factory=list)
    daily: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    today: date = date(2025, 9, 29)
    page: int = 300
    slice: int = 200
    forms: tuple[str, ...] = ("arXivRaw", "arXiv")
    feed_of: date | None = None
    visible: date | None = None
    delay: float = 0.0
    log: list[LoggedRequest] = field(default_factory=list)
    faults: list[SourceFault] = field(default_factory=list)
    tokens: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> WireServer:
        owner = self

        class Bound(WireHandler):
            wire = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def settings(self) -> dict[str, object]:
        """The settings that point the sources here."""
        return {
            "ARXIV_RSS_URL": f"{self.url}/rss.arxiv.org",
            "ARXIV_API_URL": f"{self.url}/api/query",
            "ARXIV_OAI_URL": f"{self.url}/oai",
            "HUGGINGFACE_URL": self.url,
            "SEMANTIC_SCHOLAR_URL": self.url,
            "OPENALEX_URL": self.url,
            "ARXIV_INTERVAL": 0,
        }

    def fail(self, service: str, spoil: Spoil, *, times: int = 1, after: int = 0) -> None:
        """Damage responses of a service (`rss`, `api`, `oai`, `hf`, `s2`, `openalex`), `after` that many good ones."""
        self.faults.append(SourceFault(service, spoil, times, after))

    def requests_to(self, service: str) -> list[LoggedRequest]:
        return [request for request in self.log if request.service == service]

    def fault(self, service: str) -> Spoil | None:
        for planned_fault in self.faults:
            if planned_fault.service == service and planned_fault.times:
                if planned_fault.after:
                    planned_fault.after -= 1
                    return None
                planned_fault.times -= 1
                return planned_fault.spoil
        return None

    def change(self, work_id: str, day: date, **changes: object) -> None:
        """Change a paper on a date: another version, other categories, …"""
        position = next(i for i, work in enumerate(self.works) if work.id == work_id)
        self.works[position] = replace(self.works[position], changed=day, **changes)


# --- faults


def status(code: int, **headers: str) -> Spoil:
    def spoil(handler: WireHandler, _body: bytes) -> None:
        handler.give(b"not now", "text/plain", code, {k.replace("_", "-"): v for k, v in headers.items()})

    return spoil


def body(data: bytes, kind: str = "application/xml") -> Spoil:
    return lambda handler, _body: handler.give(data, kind)


def drop_connection(handler: WireHandler, data: bytes) -> None:
    """The connection breaks in mid-body."""
    handler.head(200, "application/xml", {"Content-Length": str(len(data))})
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


def half_body(handler: WireHandler, data: bytes) -> None:
    """Half a page with a matching length."""
    handler.give(data[: len(data) // 2], "application/xml")


def endless(size: int) -> Spoil:
    """A generated body of that size, without a Content-Length."""

    def spoil(handler: WireHandler, _body: bytes) -> None:
        handler.head(200, "application/xml", {})
        block = b" " * 65536
        try:
            for _ in range(size // len(block)):
                handler.wfile.write(block)
        except OSError:
            pass
        handler.close_connection = True

    return spoil


def packed_bomb(size: int) -> Spoil:
    """A small compressed body that unpacks to that size."""
    packed = gzip.compress(b" " * size, 9)
    return lambda handler, _body: handler.give(packed, "application/xml", 200, {"Content-Encoding": "gzip"})


# --- the sources


class WireHandler(BaseHTTPRequestHandler):
    wire: WireServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """The log is the server's own."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, content: bytes) -> None:
        parts = urlsplit(self.path)
        params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        service, make = self._route(parts.path)
        request = LoggedRequest(service, params, time.monotonic())
        with self.wire.lock:
            self.wire.log.append(request)
            spoil = self.wire.fault(service)
        try:
            data, kind, code = make(params, parts.path, content)
            time.sleep(self.wire.delay)
            request.ended = time.monotonic()  # before the response is sent, so that the client's next action is later
            if spoil is not None:
                spoil(self, data)
            else:
                self.give(data, kind, code)
        except OSError:
            self.close_connection = True

    def _route(self, path: str) -> tuple[str, Callable[[dict[str, str], str, bytes], tuple[bytes, str, int]]]:
        if path.startswith("/rss.arxiv.org/"):
            return "rss", self._rss
        if path == "/works":
            return "openalex", self._openalex
        if path == "/authors":
            return "openalex", self._openalex_authors
        handlers = {"/api/query": ("api", self._api), "/oai": ("oai", self._oai), "/api/daily_papers": ("hf", self._hf)}
        return handlers.get(path, ("s2", self._s2))

    def give(self, data: bytes, kind: str, code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.head(code, kind, {"Content-Length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def head(self, code: int, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _rss(self, _params: dict[str, str], path: str, _content: bytes) -> tuple[bytes, str, int]:
        categories = set(path.rpartition("/")[2].split("+"))
        day, feed_day = self.wire.today, self.wire.feed_of or self.wire.today
        items = []
        for work in self.wire.works:
            if not categories & set(work.categories):
                continue
            if work.day == feed_day and work.version == 1:
                kind = work.kind if work.kind != "new" or work.categories[0] in categories else "cross"
            elif work.stamp == feed_day and work.version > 1:
                kind = "replace" if work.categories[0] in categories else "replace-cross"
            else:
                continue
            items.append((["new", "cross", "replace", "replace-cross"].index(kind), self._item(work, kind, day)))
        midnight = format_datetime(datetime.combine(day, datetime.min.time(), NEW_YORK))
        body = "".join(item for _, item in sorted(items, key=lambda pair: pair[0])[:2000])
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><rss xmlns:arxiv="http://arxiv.org/schemas/atom" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel><title>updates on arXiv.org</title>'
            f"<pubDate>{midnight}</pubDate><lastBuildDate>{midnight}</lastBuildDate>{body}</channel></rss>"
        )
        return text.encode(), "application/rss+xml", 200

    def _item(self, work: Work, kind: str, day: date) -> str:
        number = f"{work.id}v{work.version}"
        categories = "".join(f"<category>{name}</category>" for name in work.categories)
        return (
            f"<item><title>{escape(work.title)}</title><link>https://arxiv.org/abs/{work.id}</link>"
            f"<description>arXiv:{number} Announce Type: {kind} \nAbstract: {escape(work.abstract)}</description>"
            f'<guid isPermaLink="false">oai:arXiv.org:{number}</guid>{categories}'
            f"<arxiv:announce_type>{kind}</arxiv:announce_type>"
            f"<dc:creator>{escape(', '.join(work.authors))}</dc:creator></item>"
        )

    def _api(self, params: dict[str, str], _path: str, _content: bytes) -> tuple[bytes, str, int]:
        query = params.get("search_query", "")
        categories = set(re.findall(r"cat:([\w.-]+)", query))
        between = re.search(r"submittedDate:\[(\d{12}) TO (\d{12})\]", query)
        assert between is not None
        first, last = (datetime.strptime(f"{stamp}+0000", "%Y%m%d%H%M%z") for stamp in between.groups())
        works = [
            work
            for work in self.wire.works
            if categories & set(work.categories) and first <= work.sent_in < last and self._is_visible(work)
        ]
        start, most = int(params["start"]), min(int(params["max_results"]), self.wire.slice)
        entries = "".join(self._entry(work) for work in works[start : start + most])
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
            'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
            f"<title>arXiv Query</title><opensearch:totalResults>{len(works)}</opensearch:totalResults>"
            f"<opensearch:startIndex>{start}</opensearch:startIndex>{entries}</feed>"
        )
        return text.encode(), "application/atom+xml", 200

    def _is_visible(self, work: Work) -> bool:
        return work.day <= (self.wire.visible or self.wire.today)

    def _entry(self, work: Work) -> str:
        stamp = work.sent_in.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")
        comment = f"<arxiv:comment>{escape(work.comment)}</arxiv:comment>" if work.comment else ""
        return (
            f"<entry><id>http://arxiv.org/abs/{work.id}v{work.version}</id><title>{escape(work.title)}</title>"
            f"<updated>{stamp}</updated><published>{stamp}</published><summary>{escape(work.abstract)}</summary>"
            + "".join(f"<author><name>{escape(name)}</name></author>" for name in work.authors)
            + "".join(f'<category term="{name}"/>' for name in work.categories)
            + f'<arxiv:primary_category term="{work.categories[0]}"/>{comment}</entry>'
        )

    def _oai(self, params: dict[str, str], _path: str, _content: bytes) -> tuple[bytes, str, int]:
        start = 0
        if token := params.get("resumptionToken"):
            if token not in self.wire.tokens or set(params) != {"verb", "resumptionToken"}:
                return self._oai_error("badResumptionToken"), "text/xml", 200
            params, start = self.wire.tokens[token]
        if params.get("metadataPrefix") not in self.wire.forms:
            return self._oai_error("cannotDisseminateFormat"), "text/xml", 200
        first, last = params["from"], params["until"]
        archive = params.get("set", "").rpartition(":")[2]
        works = [
            work
            for work in self.wire.works
            if first <= str(work.stamp) <= last
            and self._is_visible(work)
            and (not archive or any(name.rpartition(".")[2] == archive for name in work.categories))
        ]
        if not works:
            return self._oai_error("noRecordsMatch"), "text/xml", 200
        records = "".join(
            self._record(work, params["metadataPrefix"]) for work in works[start : start + self.wire.page]
        )
        token = ""
        if start + self.wire.page < len(works):
            name = f"verb%3DListRecords%26from%3D{first}%26set%3D{archive}%26skip%3D{start + self.wire.page}"
            self.wire.tokens[name.replace("%3D", "=").replace("%26", "&")] = (params, start + self.wire.page)
            token = f"<resumptionToken>{name}</resumptionToken>"
        text = f"{_OAI_HEAD}<ListRecords>{records}{token or '<resumptionToken/>'}</ListRecords></OAI-PMH>"
        return text.encode(), "text/xml", 200

    def _oai_error(self, code: str) -> bytes:
        return f'{_OAI_HEAD}<error code="{code}">so it is</error></OAI-PMH>'.encode()

    def _record(self, work: Work, form: str) -> str:
        head = f"<identifier>oai:arXiv.org:{work.id}</identifier><datestamp>{work.stamp}</datestamp>"
        if work.deleted:
            return f'<record><header status="deleted">{head}</header></record>'
        shared = (
            f"<title>{escape(work.title)}</title><categories>{' '.join(work.categories)}</categories>"
            f"<comments>{escape(work.comment)}</comments><abstract>{escape(work.abstract)}</abstract>"
        )
        if form == "arXivRaw":
            dates = [work.sent_in] * (work.version - 1) + [datetime.combine(work.stamp, datetime.min.time(), NEW_YORK)]
            dates[0] = work.sent_in
            versions = "".join(
                f'<version version="v{n}"><date>{format_datetime(dated)}</date><size>9kb</size></version>'
                for n, dated in enumerate(dates, start=1)
            )
            own = f"<id>{work.id}</id>{versions}<authors>{escape(', '.join(work.authors))}</authors>"
        else:
            names = "".join(f"<author><keyname>{escape(name)}</keyname></author>" for name in work.authors)
            updated = f"<updated>{work.stamp}</updated>" if work.version > 1 else ""
            own = f"<id>{work.id}</id><created>{work.sent_in.date()}</created>{updated}<authors>{names}</authors>"
        space = f"http://arxiv.org/OAI/{form}/"
        meta = f'<metadata><{form} xmlns="{space}">{own}{shared}</{form}></metadata>'
        return f"<record><header>{head}</header>{meta}</record>"

    def _hf(self, params: dict[str, str], _path: str, _content: bytes) -> tuple[bytes, str, int]:
        rows = self.wire.daily.get(params.get("date") or params.get("week") or params.get("sort", ""), [])
        start = int(params.get("p", 0)) * int(params.get("limit", 100))
        return json.dumps(rows[start : start + int(params.get("limit", 100))]).encode(), "application/json", 200

    def _s2(self, _params: dict[str, str], _path: str, content: bytes) -> tuple[bytes, str, int]:
        work_ids = {work.id for work in self.wire.works}
        ids = [identifier.removeprefix("ARXIV:") for identifier in json.loads(content)["ids"]]
        rows = [{"externalIds": {"ArXiv": i}, "citationCount": len(i)} if i in work_ids else None for i in ids]
        return json.dumps(rows).encode(), "application/json", 200

    def _openalex(self, params: dict[str, str], _path: str, _content: bytes) -> tuple[bytes, str, int]:
        """Works by DOI; those that it does not know are not in the list. Every author has a key of their name."""
        home, results = "https://openalex.org", []
        ids = [doi.rpartition("arxiv.")[2] for doi in params["filter"].removeprefix("doi:").split("|")]
        for work in (work for work in self.wire.works if work.id in ids):
            keys = [f"{home}/A{crc32(name.encode())}" for name in work.authors]
            authorships = [
                {"author": {"id": key, "display_name": name.upper()}, "raw_author_name": name}
                for key, name in zip(keys, work.authors, strict=True)
            ]
            doi = f"https://doi.org/10.48550/arxiv.{work.id}"
            results.append({"doi": doi, "display_name": "A work", "cited_by_count": 7, "authorships": authorships})
        return self._openalex_list(results, params)

    def _openalex_authors(self, params: dict[str, str], _path: str, _content: bytes) -> tuple[bytes, str, int]:
        keys = params["filter"].removeprefix("openalex:").split("|")
        stats = {"works_count": 12, "cited_by_count": 345, "summary_stats": {"h_index": 6, "i10_index": 4}}
        people = [{"id": f"https://openalex.org/{key}", "display_name": f"Author {key}"} | stats for key in keys]
        return self._openalex_list(people, params)

    def _openalex_list(self, results: list[dict[str, object]], params: dict[str, str]) -> tuple[bytes, str, int]:
        if len(results) > int(params["per-page"]):
            return b'{"error": "Too many values"}', "application/json", 400
        return json.dumps({"meta": {"count": len(results)}, "results": results}).encode(), "application/json", 200


_OAI_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2025-10-04T04:00:01Z</responseDate><request>http://127.0.0.1/oai</request>"
)
