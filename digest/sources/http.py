"""HTTP requests to sources. The only module that uses the client library; its errors become SourceDown.

The library is imported at the first request: with what it imports it takes 8 MB, which most processes do not need.

Every answer is bounded in time and size, also when decompressed. Temporary failures are retried, no sooner than the
source asks for.
"""

from __future__ import annotations

import math
import random
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from digest import __version__, clock, logs, settings
from digest.errors import BadInput, Misconfigured, SourceDown
from digest.network_errors import describe_network_error
from digest.sources.redirect_policy import PERMANENT_REDIRECTS, SourceRequest, public_request, redirect_request
from digest.sources.request_deadline import ExchangeDeadline
from digest.sources.request_turns import MAX_WAIT_SECONDS, wait_for_turn

if TYPE_CHECKING:
    import httpx

__all__ = ["SourceRequest", "SourceResponse", "fetch", "fetch_answer"]

log = logs.get(__name__)

T = TypeVar("T")

TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 15.0, 30.0, 110.0
LONGEST_RETRY_AFTER = 6 * 3600.0
MAX_REDIRECTS = 3
PARSER_ERRORS = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError)
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}
_TEMPORARY_STATUSES = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """The body of an answer, unpacked, and its headers by names in lower case.

    `is_unchanged`: the answer to a conditional request is that nothing changed (304). `moved_to`: the address to use
    from now on, by permanent redirects (RFC 9110, sections 15.4.2 and 15.4.9), '' for none.
    """

    body: bytes
    headers: Mapping[str, str]
    is_unchanged: bool = False
    moved_to: str = ""


def fetch(
    request: SourceRequest,
    read: Callable[[bytes], T],
    *,
    is_complete: Callable[[T], bool] = lambda _: True,
    tries: int = TRIES,
) -> T:
    """`fetch_answer` for a parser that needs no headers."""
    return fetch_answer(request, lambda answer: read(answer.body), is_complete=is_complete, tries=tries)


def fetch_answer(
    request: SourceRequest,
    read: Callable[[SourceResponse], T],
    *,
    is_complete: Callable[[T], bool] = lambda _: True,
    tries: int = TRIES,
) -> T:
    """Send the request and parse the answer with `read`. One that it refuses (BadInput) may be truncated: retried.

    So is an answer that is not `is_complete`; if none is, an incomplete one is returned. Raises
    SourceDown after the last try, at once where a retry can't help, and with `retry_after` where the source asks
    to wait longer than SOURCE_PATIENCE.
    """
    incomplete: list[T] = []
    for attempt in range(1, tries + 1):
        try:
            answer = _parse(read, _follow_redirects(request))
        except (SourceDown, BadInput) as error:
            failure = error if isinstance(error, SourceDown) else SourceDown(f"not understood: {error}")
            wait_seconds = _backoff_seconds(attempt) if failure.retry_after is None else failure.retry_after
            longest_wait = min(settings.get().source_patience, _seconds_left(request))
            if attempt == tries or not failure.retryable or wait_seconds > longest_wait:
                if incomplete:
                    return incomplete[0]
                raise failure from error
        else:
            wait_seconds = _backoff_seconds(attempt)
            if attempt == tries or is_complete(answer) or wait_seconds > _seconds_left(request):
                return answer
            incomplete = [answer]
        log.info(
            "source_request_retried", source=request.pacing.name, attempt=attempt, wait_seconds=round(wait_seconds, 1)
        )
        time.sleep(wait_seconds)
    raise AssertionError("unreachable")


def _parse(read: Callable[[SourceResponse], T], answer: SourceResponse) -> T:
    """Parse an answer. What a parser did not foresee in outside data counts as not understood. Raises BadInput."""
    try:
        return read(answer)
    except PARSER_ERRORS as error:
        log.exception("source_answer_not_understood")
        raise BadInput(f"{type(error).__name__}: {str(error)[:120]}") from error


def _backoff_seconds(attempt: int) -> float:
    """Seconds before the next attempt: exponential with jitter."""
    return min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE) * random.uniform(0.75, 1.25)


class _Redirect(Exception):
    """The answer is a redirect."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(location)
        self.status, self.location = status, location


def _follow_redirects(request: SourceRequest) -> SourceResponse:
    """The answer, after at most three redirects; each request is paced."""
    configured_host = urlsplit(request.url).hostname or ""
    if request.is_public and configured_host not in settings.get().feed_private_hosts:
        request, configured_host = public_request(request), ""
    moved_to, is_permanent = "", True
    for _ in range(MAX_REDIRECTS + 1):
        if not _seconds_left(request):
            raise SourceDown(f"{urlsplit(request.url).hostname} did not answer in time", retryable=False)
        try:
            with wait_for_turn(request.pacing, min(MAX_WAIT_SECONDS, _seconds_left(request))) as turn_end:
                seconds = min(request.seconds or TOTAL_SECONDS, _seconds_left(request))
                answer = _send(request, min(turn_end, time.monotonic() + seconds))
                return replace(answer, moved_to=moved_to)
        except _Redirect as redirect:
            request = redirect_request(request, redirect.status, redirect.location, configured_host=configured_host)
            is_permanent = is_permanent and redirect.status in PERMANENT_REDIRECTS
            moved_to = request.url if is_permanent else moved_to
    raise SourceDown(f"redirected more than {MAX_REDIRECTS} times", retryable=False)


def _seconds_left(request: SourceRequest) -> float:
    """Seconds until the deadline of the request, 0 where it is over; infinite without one."""
    return math.inf if request.deadline is None else max(request.deadline - time.monotonic(), 0.0)


def _send(request: SourceRequest, deadline: float) -> SourceResponse:
    import httpx

    host = urlsplit(request.url).hostname
    with ExchangeDeadline(deadline - time.monotonic()) as exchange:
        try:
            answer = _exchange(request, deadline, exchange)
        except httpx.InvalidURL as error:
            if request.is_public:  # it comes from a form or a redirect
                raise SourceDown(f"{host} has no valid address: {error}", retryable=False) from error
            raise Misconfigured(f"{request.url[:100]} is no address: {error}") from error
        except UnicodeError as error:
            raise SourceDown(f"{host}: the request can't be sent ({error})"[:200], retryable=False) from error
        except httpx.HTTPError as error:
            if exchange.is_over:
                raise SourceDown(f"{host} did not answer in time") from error
            if isinstance(error, httpx.TimeoutException):
                raise SourceDown(f"{host} did not answer in time ({type(error).__name__})") from error
            raise SourceDown(f"{host}: {describe_network_error(error)[:160]}") from error
        if exchange.is_over:  # the end of the answer may be that of the connection
            raise SourceDown(f"{host} did not answer in time")
        return answer


def _exchange(request: SourceRequest, deadline: float, exchange: ExchangeDeadline) -> SourceResponse:
    """Send the request and read its answer. Raises httpx's errors, SourceDown, _Redirect."""
    import httpx

    seconds = max(deadline - time.monotonic(), 0.001)
    timeout = httpx.Timeout(min(READ_SECONDS, seconds), connect=min(CONNECT_SECONDS, seconds))
    max_bytes = min(settings.get().source_limit, request.max_bytes or settings.get().source_limit)
    headers = _headers(request)
    extensions: dict[str, Any] = {"trace": exchange.trace}
    url = httpx.URL(request.url)
    if request.params:
        url = url.copy_merge_params(dict(request.params))
    if request.address is not None:
        headers["Host"], extensions["sni_hostname"] = url.netloc.decode("ascii"), url.host
        url = url.copy_with(host=request.address)
    method = "GET" if request.body is None else "POST"
    with (
        httpx.Client(timeout=timeout, verify=_tls_context()) as client,
        client.stream(method, url, headers=headers, content=request.body, extensions=extensions) as answer,
    ):
        if answer.status_code in _REDIRECT_STATUSES and "location" in answer.headers:
            raise _Redirect(answer.status_code, answer.headers["location"])
        if answer.status_code == HTTPStatus.NOT_MODIFIED and _is_conditional(request):
            return SourceResponse(b"", dict(answer.headers), is_unchanged=True)
        if answer.status_code != HTTPStatus.OK:
            raise _error_for_status(answer, deadline)
        body = b"".join(_read_body(answer, max_bytes, deadline))
        return SourceResponse(body, {name.lower(): value for name, value in answer.headers.items()})


def _is_conditional(request: SourceRequest) -> bool:
    """RFC 9110, section 13.1."""
    return any(name.lower() in {"if-none-match", "if-modified-since"} for name, _ in request.headers)


def _headers(request: SourceRequest) -> dict[str, str]:
    agent = f"papers-inbox/{__version__} ({settings.get().base_url})"
    headers = {"User-Agent": agent, "Accept-Encoding": "gzip", "Connection": "close", **dict(request.headers)}
    return headers if request.body is None else {**headers, "Content-Type": "application/json"}


@cache
def _tls_context() -> ssl.SSLContext:
    """The TLS context, created once: loading the certificates takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()


def _error_for_status(answer: httpx.Response, deadline: float) -> SourceDown:
    """The error for a status other than 200."""
    status = answer.status_code
    body_start = b""
    for chunk in _read_body(answer, 64 * 1024, deadline):
        body_start += chunk
        if len(body_start) > 4096:
            break
    explanation = _error_text(body_start)
    text = f"{answer.url.host} answered {status}{f': {explanation}' if explanation else ''}"
    if status not in _TEMPORARY_STATUSES:
        return SourceDown(text, retryable=False, status=status)
    return SourceDown(text, retry_after=_retry_after(answer.headers.get("retry-after", "")), status=status)


def _error_text(body_start: bytes) -> str:
    """The error text of an API answer; '' for an HTML page."""
    text = " ".join(body_start.decode(errors="replace").split())
    if "<summary" in text:
        text = text.partition("<summary")[2].partition(">")[2].partition("<")[0]
    return "" if text.startswith("<") else text[:120]


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header (a number or a date), None where it is unreadable."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        retry_at = parsedate_to_datetime(value)
    except ValueError:
        return None
    retry_at = retry_at.replace(tzinfo=UTC) if retry_at.tzinfo is None else retry_at
    return min(max((retry_at - clock.now()).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _read_body(answer: httpx.Response, limit: int, deadline: float) -> Iterator[bytes]:
    """The decompressed body. Raises SourceDown beyond the limit of size or time, before a gzip bomb is expanded."""
    content_length = answer.headers.get("content-length", "")
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if content_length.isascii() and content_length.isdigit() and int(content_length) > limit:
        raise SourceDown(f"an answer of {content_length} bytes is over the limit of {limit}", retryable=False)
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise SourceDown(f"content encoding {encoding[:20]!r} was not requested", retryable=False)
    decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
    size_read = 0
    for chunk in answer.iter_raw():
        if time.monotonic() > deadline:
            raise SourceDown(f"{answer.url.host} did not answer in time")
        part = _decompress(decompressor, chunk, limit - size_read + 1) if decompressor else chunk
        size_read += len(part)
        if size_read > limit:
            raise SourceDown(f"the answer is over the limit of {limit} bytes", retryable=False)
        yield part
    if decompressor and not decompressor.eof:
        raise SourceDown("the compressed answer is cut off")


def _decompress(decompressor: zlib._Decompress, chunk: bytes, max_bytes: int) -> bytes:
    """Decompress at most `max_bytes` bytes; the caller refuses more."""
    try:
        return decompressor.decompress(chunk, max_bytes)
    except zlib.error as error:
        raise SourceDown(f"the compressed answer is damaged ({error})") from error
