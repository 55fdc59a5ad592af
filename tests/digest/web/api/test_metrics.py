"""`/metrics`: what Prometheus reads, on both databases; the shipped rules and dashboard name only what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
import time_machine
import yaml
from prometheus_client.parser import text_string_to_metric_families

import templates
from digest import clock, redis
from digest.db.core.engine import transaction
from digest.db.papers import source_days
from digest.models import RunReport
from digest.models.subscriber import UNSUBSCRIBED
from digest.redis import PrivateRedis
from digest.redis.task_lists import task_lists
from digest.services.runs import run_report
from tests.digest.services.stored_rows import add_run, add_subscriber
from tests.digest.web.conftest import METRICS, Browser
from tests.outbox import Outbox
from tests.servers import RCPT, MailServer

FOLDER = files(templates) / "deploy" / "monitoring"
NAME = re.compile(r"\bdigest_[a-z_]+\b")


@pytest.fixture
def redis_server(configured: Callable[..., None], settled: None) -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        configured(REDIS_URL=server.url)
        yield server


def samples(web: Browser) -> dict[str, float]:
    """The values by name and labels, as `name{label="value"}`."""
    response = web.get("/metrics", headers=METRICS)
    assert response.status_code == 200
    values = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            values[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return values


def test_attempts_are_counted_by_outcome_and_class_of_the_reply(
    web: Browser, outbox: Outbox, smtp: MailServer, clock_stands: time_machine.Traveller
) -> None:
    smtp.fail(RCPT, "550 5.1.1 no such user", address="gone@one.example")
    smtp.fail(RCPT, "451 4.2.0 later", address="busy@one.example")
    outbox.enqueue("ada@one.example", "bob@one.example", "gone@one.example", "busy@one.example")
    outbox.send()

    attempts = {name: value for name, value in samples(web).items() if "delivery_attempts_total" in name and value}
    assert attempts == {
        'digest_delivery_attempts_total{outcome="sent",reply="2xx"}': 2,
        'digest_delivery_attempts_total{outcome="rejected",reply="5xx"}': 1,
        'digest_delivery_attempts_total{outcome="deferred",reply="4xx"}': 1,
    }


def test_counters_grow_over_passes_and_are_there_before_the_first(
    web: Browser, outbox: Outbox, smtp: MailServer
) -> None:
    name = 'digest_delivery_attempts_total{outcome="sent",reply="2xx"}'
    values = [samples(web)[name]]
    for number in range(2):
        outbox.enqueue("ada@one.example", first=number + 1)
        outbox.send()
        values.append(samples(web)[name])

    assert values == [0, 1, 2]


def test_the_lag_of_a_mail_is_from_queueing_to_acceptance(
    web: Browser, outbox: Outbox, smtp: MailServer, clock_stands: time_machine.Traveller
) -> None:
    outbox.enqueue("ada@one.example")
    clock_stands.shift(100)
    outbox.send()

    values = samples(web)
    buckets = [values[f'digest_delivery_lag_seconds_bucket{{le="{bound}"}}'] for bound in ("60.0", "300.0", "+Inf")]
    assert buckets == [0, 1, 1]
    assert (values["digest_delivery_lag_seconds_sum"], values["digest_delivery_lag_seconds_count"]) == (100, 1)
    assert values["digest_smtp_duration_seconds_count"] == 1


def test_a_mail_that_is_refused_has_no_lag_but_a_duration(web: Browser, outbox: Outbox, smtp: MailServer) -> None:
    smtp.fail(RCPT, "550 5.1.1 no such user")
    outbox.enqueue("gone@one.example")
    outbox.send()

    values = samples(web)
    assert (values["digest_delivery_lag_seconds_count"], values["digest_smtp_duration_seconds_count"]) == (0, 1)


def test_ages_of_a_source_are_ages_not_points_in_time(web: Browser, clock_stands: time_machine.Traveller) -> None:
    with transaction() as session:
        source_days.store_source_state(session, "arxiv-rss", at=clock.now(), outcome="", detail="", retry_at=None)
    clock_stands.shift(90)
    with transaction() as session:
        source_days.store_source_state(session, "arxiv-rss", at=clock.now(), outcome="down", detail="", retry_at=None)
    clock_stands.shift(10)

    values = samples(web)
    assert values['digest_source_request_age_seconds{source="arxiv-rss"}'] == 10
    assert values['digest_source_success_age_seconds{source="arxiv-rss"}'] == 100


def test_an_edition_is_overdue_from_its_slot_on_and_only_for_active_subscribers(
    web: Browser, clock_stands: time_machine.Traveller
) -> None:
    due_at = clock.now() - timedelta(hours=3)
    add_subscriber("bob@one.example", next_due_at=due_at, state=UNSUBSCRIBED)
    add_subscriber("cyd@one.example", next_due_at=clock.now() + timedelta(hours=60))
    assert samples(web)["digest_edition_overdue_seconds"] == 0

    add_subscriber("ada@one.example", next_due_at=due_at)
    assert samples(web)["digest_edition_overdue_seconds"] == 3 * 3600


def test_the_last_run_has_an_age_and_a_duration(web: Browser, clock_stands: time_machine.Traveller) -> None:
    run = add_run()
    clock_stands.shift(600)
    run_report.report_ended_runs()
    clock_stands.shift(60)

    values = samples(web)
    assert values["digest_last_run_age_seconds"] == 60
    assert values["digest_last_run_duration_seconds"] >= 600
    assert values['digest_runs_ended_total{outcome="finished"}'] == 1
    with transaction() as session:
        assert session.get_one(RunReport, run).outcome == "finished"


def test_queues_and_processes_are_seen_through_redis(web: Browser, redis_server: PrivateRedis) -> None:
    store = redis.connect(redis_server.url)
    store.record_progress("a:1", redis.SCHEDULER)
    store.task_ended("a:2", ["delivery"])
    for name in [*task_lists("delivery"), *task_lists("selection")]:
        store._client.rpush(name, "task")

    values = samples(web)
    assert values["digest_redis_up"] == 1
    assert values["digest_scheduler_progress_age_seconds"] < 60
    assert values['digest_worker_progress_age_seconds{queue="delivery"}'] < 60
    assert values['digest_worker_progress_age_seconds{queue="selection"}'] == float("inf")
    assert (values['digest_queue_tasks{queue="delivery"}'], values['digest_queue_tasks{queue="selection"}']) == (1, 2)


def test_a_redis_that_does_not_answer_is_a_figure_not_an_error(web: Browser, configured: Callable[..., None]) -> None:
    configured(REDIS_URL="redis://127.0.0.1:1")

    values = samples(web)
    assert values["digest_redis_up"] == 0
    assert values["digest_scheduler_progress_age_seconds"] == float("inf")


def test_without_redis_its_figures_are_absent(web: Browser) -> None:
    assert not [name for name in samples(web) if "redis" in name or "progress_age" in name]


def test_the_build_names_version_and_schema(web: Browser) -> None:
    (build,) = [name for name in samples(web) if name.startswith("digest_build_info")]

    assert re.search(r'python="3\.\d+\.\d+",schema="\d{4}",version="\d+\.\d+\.\d+"', build)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_names_follow_the_conventions_of_prometheus(
    web: Browser, redis_server: PrivateRedis, outbox: Outbox, smtp: MailServer, database: str
) -> None:
    """https://prometheus.io/docs/practices/naming/: base units in plural; `_total` for counters alone."""
    text = web.get("/metrics", headers=METRICS).text
    types = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))

    assert {name for name, kind in types.items() if kind == "counter"} == {
        name for name in types if name.endswith("_total")
    }
    assert all(name.endswith("_seconds") for name in types if re.search("age|duration|lag|oldest", name))
    assert not [name for name in types if re.search("_(ms|minutes|hours|kb|mb)(_|$)", name)]


def _expressions(document: Any) -> Iterator[str]:
    """All expressions of rules or of a dashboard."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in {"expr", "definition"}:
                yield value
            else:
                yield from _expressions(value)
    elif isinstance(document, list):
        for part in document:
            yield from _expressions(part)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["papers-inbox-rules.yml", "papers-inbox-dashboard.json"])
def test_every_metric_of_the_shipped_files_exists(
    web: Browser, redis_server: PrivateRedis, database: str, name: str, clock_stands: time_machine.Traveller
) -> None:
    add_run()
    clock_stands.shift(600)
    run_report.report_ended_runs()
    described = set(re.findall(r"^# TYPE (\S+)", web.get("/metrics", headers=METRICS).text, re.MULTILINE))
    metric_names = described | {f"{metric}{part}" for metric in described for part in ("_bucket", "_sum", "_count")}
    text = (FOLDER / name).read_text()
    document = json.loads(text) if name.endswith("json") else yaml.safe_load(text)

    used = {metric for expression in _expressions(document) for metric in NAME.findall(expression)}
    assert len(used) >= 10
    assert used - metric_names == set()
