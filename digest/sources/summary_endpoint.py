"""One line about a paper from the administrator's own endpoint, which speaks OpenAI's chat completions. Off by default.

The answer is text of a model about text of strangers: it is bounded, checked, and never more than text.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from digest.errors import BadInput, Misconfigured
from digest.papers import Record, checked_summary
from digest.settings import TextSetting
from digest.sources import http
from digest.sources.request_turns import Pacing
from digest.text.tex import readable

PACING = Pacing("own-summary")
_URL = TextSetting("summary_url", "")
_MODEL = TextSetting("summary_model", "")
_KEY = TextSetting("summary_key", "", secret=True)
SETTINGS = (_URL, _MODEL, _KEY)
TRIES, REQUEST_SECONDS = 2, 30.0
MAX_ANSWER = 256 * 1024  # bytes
MAX_TOKENS = 400
MAX_ABSTRACT_SENT = 6_000  # characters
_PROMPT = (
    "You summarise scientific papers. Answer with one plain sentence of at most 30 words that says what the authors "
    "did and what they found. Use only the abstract, and only its numbers. No introduction, no quotation marks."
)


def is_configured() -> bool:
    """True where an endpoint is set. Raises Misconfigured for an address or a set of settings that is no use."""
    url = _URL.value().strip()
    if not url:
        return False
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise Misconfigured("DIGEST_SUMMARY_URL must begin with https:// or http://, such as http://127.0.0.1:11434/v1")
    if not _MODEL.value().strip():
        raise Misconfigured("DIGEST_SUMMARY_MODEL is not set; DIGEST_SUMMARY_URL needs the name of a model")
    return True


def model() -> str:
    """The name of the model, which is the origin of its summaries."""
    return _MODEL.value().strip()


def summarize(record: Record) -> str:
    """One line about a paper.

    Raises SourceDown where the endpoint fails, RefusedSummary where its answer is not a summary of this paper, and
    Misconfigured.
    """
    title, abstract = readable(record.title[:2_000]), readable(record.abstract[:MAX_ABSTRACT_SENT])
    content = http.fetch(_request(title, abstract), _content, tries=TRIES)
    return checked_summary(content, title, abstract)


def _request(title: str, abstract: str) -> http.SourceRequest:
    url, key = _URL.value().strip().rstrip("/"), _KEY.value().strip()
    body = {
        "model": model(),
        "messages": [
            {"role": "system", "content": _PROMPT},
            {"role": "user", "content": f"Title: {title}\n\nAbstract: {abstract}"},
        ],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
        "stream": False,
    }
    return http.SourceRequest(
        url if url.endswith("/chat/completions") else f"{url}/chat/completions",
        PACING,
        headers=(("Authorization", f"Bearer {key}"),) if key else (),
        body=json.dumps(body).encode(),
        max_bytes=MAX_ANSWER,
        seconds=REQUEST_SECONDS,
    )


def _content(data: bytes) -> str:
    """The text of the first choice, '' for one that was cut off. Raises BadInput for anything but a completion."""
    try:
        answer = json.loads(data)
        choice = answer["choices"][0]
        text = choice["message"]["content"]
    except (ValueError, RecursionError) as error:
        raise BadInput("the answer is no JSON") from error
    except (KeyError, IndexError, TypeError) as error:
        raise BadInput("the answer is no chat completion") from error
    if text is not None and not isinstance(text, str):
        raise BadInput("the answer is no chat completion: its content is no text")
    return "" if text is None or choice.get("finish_reason") == "length" else text
