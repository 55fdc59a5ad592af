"""The examples of docs/API.md, run against the application on a real socket."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import httpx
import pytest

from digest.services.security import api_tokens
from tests.combinations import MAINLY_SQLITE
from tests.conftest import ROOT
from tests.digest.services.stored_rows import add_mail, add_run, add_subscriber
from tests.digest.web.conftest import Browser
from tests.digest.web.live import serving

PAGE = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CURL = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
HOST = "https://papers.example.org"


@pytest.fixture
def api(web: Browser) -> Iterator[httpx.Client]:
    run = add_run()
    for number in range(5):
        add_mail(add_subscriber(f"r{number}@one.example"), run)
    with serving(web.app) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        yield client


def curl(api: httpx.Client, line: str) -> httpx.Response:
    """Send what curl would: an address, and `--json` with a body."""
    program, address, *options = shlex.split(line)
    assert program == "curl"
    path = address.removeprefix(HOST)
    if not options:
        return api.get(path)
    name, body = options
    assert name == "--json"
    return api.post(path, content=body, headers={"content-type": "application/json"})


@MAINLY_SQLITE
def test_the_examples_for_curl_are_answered(api: httpx.Client) -> None:
    assert len(CURL) == 5
    assert [curl(api, line).status_code for line in CURL] == [200, 200, 200, 200, 202]


@MAINLY_SQLITE
@pytest.mark.parametrize("example", PYTHON, ids=lambda text: text.splitlines()[0][:40])
def test_an_example_in_python_runs(api: httpx.Client, example: str) -> None:
    token = api_tokens.create_token("reader", ["admin"], expires_at=None)
    statuses: list[int] = []
    api.event_hooks = {"response": [lambda response: statuses.append(response.status_code)]}
    exec(example, {"api": api, "headers": {"Authorization": f"Bearer {token}"}, "print": lambda *_: None})

    assert statuses
    assert [status for status in statuses if status >= 300 and str(status) not in example] == []


@MAINLY_SQLITE
def test_every_resource_is_on_the_page(web: Browser) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    resources = {path.split("/")[3] for path in paths} - {"likes"}  # open by the preferences link alone

    assert {name for name in resources if f"`{name}`" not in PAGE} == set()


def test_every_scope_is_on_the_page_about_security() -> None:
    page = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")

    assert {scope for scope in api_tokens.SCOPES if f"`{scope}`" not in page} == set()
