"""`digest init --monitoring`: rules that promtool accepts and that fire when they should, and a dashboard."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import promtool
from tests.conftest import not_run
from tests.digest.cli.conftest import Terminal, terminal

__all__ = ["terminal"]

RULES = "papers-inbox-rules.yml"
RULES_TEST = Path(__file__).with_name("papers-inbox-rules-test.yml")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return promtool.find(tmp_path_factory.mktemp("promtool")) or not_run("promtool can't be had here")


@pytest.fixture
def written(terminal: Terminal, configured: Callable[..., None], tmp_path: Path) -> Path:
    """The folder that `digest init --monitoring` wrote."""
    configured(BASE_URL="https://papers.lab.example", SECRET_KEY="k" * 40, PORT=8123)
    terminal.ok("init", "--monitoring", str(tmp_path / "monitoring"))
    return tmp_path / "monitoring"


def run(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_promtool_accepts_the_rules_and_the_configuration(program: Path, written: Path) -> None:
    (written / "papers-inbox-token").write_text("a token")

    rules = run(program, "check", "rules", RULES, folder=written)
    configuration = run(program, "check", "config", "prometheus.yml", folder=written)

    assert rules.returncode == 0, rules.stderr
    assert configuration.returncode == 0, configuration.stderr


def test_the_rules_fire_on_what_they_are_for_and_not_before(program: Path, written: Path) -> None:
    shutil.copy(RULES_TEST, written)

    result = run(program, "test", "rules", RULES_TEST.name, folder=written)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_is_tested_and_says_what_to_do(written: Path) -> None:
    groups = yaml.safe_load((written / RULES).read_text())["groups"]
    alerts = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    fired = {
        test["alertname"]
        for part in yaml.safe_load(RULES_TEST.read_text())["tests"]
        for test in part.get("alert_rule_test", ())
        if test.get("exp_alerts")
    }

    assert set(alerts) == fired
    assert all(rule["labels"]["severity"] in {"critical", "warning"} for rule in alerts.values())
    assert all({"summary", "description"} == set(rule["annotations"]) for rule in alerts.values())


def test_prometheus_is_pointed_to_this_installation(written: Path) -> None:
    (job,) = yaml.safe_load((written / "prometheus.yml").read_text())["scrape_configs"]

    assert job["static_configs"] == [{"targets": ["127.0.0.1:8123"], "labels": {"service": "papers.lab.example"}}]
    assert "credentials_file" in job["authorization"]


def test_no_panel_overlaps_another_and_each_has_a_data_source(written: Path) -> None:
    dashboard: dict[str, Any] = json.loads((written / "papers-inbox-dashboard.json").read_text())
    places = [
        (panel["gridPos"]["x"] + column, panel["gridPos"]["y"] + line)
        for panel in dashboard["panels"]
        for column in range(panel["gridPos"]["w"])
        for line in range(panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(column for column, _ in places) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 20
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in dashboard["panels"] if panel["type"] != "row")
