"""docker-compose.yml: valid, strict, and each service becomes healthy with its environment in the file."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest import redis
from digest.queues import QUEUES
from digest.services.admin import configuration
from digest.settings import Settings
from tests.conftest import ROOT
from tests.packaging import compose
from tests.packaging.conftest import CommandResult, plain_environment, run
from tests.patience import PATIENCE, wait_for
from tests.servers import MailServer, Postgres

ENV = {
    "DIGEST_MAIL_FROM": "Papers <papers@digest.example>",
    "DIGEST_BASE_URL": "https://digest.example",
}
SECRETS = {
    "secret_key": "a-key-for-tests-of-32-characters",
    "smtp_url": "smtp://mail:1025",
    "database_url": "postgresql://digest:password@postgres:5432/digest",
    **dict.fromkeys(
        ("dkim_key", "dkim_second_key", "metrics_token", "webhook_key", "ping_url", "bounce_imap_password"), ""
    ),
    **dict.fromkeys(("semantic_scholar_key", "openalex_key", "pubmed_api_key", "summary_key"), ""),
}
WORKERS = ("worker-background", "worker-delivery", "worker-ingestion", "worker-selection")
LONG_RUNNING = ("scheduler", "web", *WORKERS)
OUR_SERVICES = ("admin", "migrate", *LONG_RUNNING)
SECONDS_OF_A_TASK = 10
IN_CONTAINER = "/run/secrets/"
ALL = compose.services(ENV)


def test_the_file_follows_the_compose_specification() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    result = run([checker, "--builtin-schema", "vendor.compose-spec", compose.FILE])

    assert "ok" in result.text


@pytest.mark.parametrize("name", ENV)
def test_it_does_not_start_without_what_must_be_set(name: str) -> None:
    with pytest.raises(compose.Unset, match=name):
        compose.services({**ENV, name: ""})


@pytest.mark.parametrize("service", ALL)
def test_no_service_can_write_its_root_or_gain_rights(service: str) -> None:
    definition = ALL[service]

    assert definition["read_only"] is True
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in definition


def test_the_world_reaches_web_alone() -> None:
    ports = {
        name: service["ports"] for name, service in ALL.items() if "ports" in service and "profiles" not in service
    }

    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_what_a_profile_opens_is_open_to_this_machine_alone() -> None:
    ports = [port for service in ALL.values() if "profiles" in service for port in service.get("ports", ())]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_init_writes_is_this_file_without_the_build() -> None:
    template = ROOT / "templates" / "deploy" / "compose" / "docker-compose.yml"

    assert template.read_text() == compose.FILE.read_text().replace("  build: .\n", "")


def test_each_secret_goes_only_to_the_processes_that_need_it() -> None:
    users: dict[str, set[str]] = {name: set() for name in compose.secrets()}
    for service, definition in ALL.items():
        for secret in definition.get("secrets", ()):
            users[secret].add(service)

    assert {name: sorted(services - {"admin"}) for name, services in users.items()} == {
        "secret_key": ["scheduler", "web", "worker-background", "worker-delivery"],
        "smtp_url": ["worker-delivery"],
        "dkim_key": ["worker-delivery"],
        "dkim_second_key": ["worker-delivery"],
        "database_url": sorted(set(OUR_SERVICES) - {"admin"}),
        "postgres_password": ["postgres"],
        "metrics_token": ["web"],
        "webhook_key": ["web"],
        "ping_url": ["scheduler"],
        "bounce_imap_password": ["worker-background"],
        "semantic_scholar_key": ["worker-ingestion"],
        "openalex_key": ["worker-ingestion"],
        "pubmed_api_key": ["worker-ingestion"],
        "summary_key": ["worker-background"],
    }


@pytest.mark.parametrize("service", ALL)
def test_no_secret_stands_in_the_environment_and_each_file_is_one_of_its_secrets(service: str) -> None:
    definition = ALL[service]
    files = {name: value for name, value in definition.get("environment", {}).items() if name.endswith("_FILE")}
    plain = {name.removeprefix("DIGEST_").lower() for name in definition.get("environment", {})} - {"postgres_user"}

    assert {value.removeprefix(IN_CONTAINER) for value in files.values()} <= set(definition.get("secrets", ()))
    assert not plain & {*compose.secrets(), "database_url", "smtp_url"}


@pytest.mark.parametrize("service", ALL)
def test_every_service_has_limits_and_an_image_of_one_version(service: str) -> None:
    definition = ALL[service]

    assert {"mem_limit", "cpus", "pids_limit"} <= set(definition)
    assert re.fullmatch(r"[\w/.-]+:v?\d+(\.\d+)+", definition["image"])


@pytest.mark.parametrize("service", sorted({*OUR_SERVICES, "redis", "mail"}))
def test_a_service_runs_as_a_numeric_user_without_capabilities(service: str) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", ALL[service]["user"])
    assert ALL[service]["cap_drop"] == ["ALL"]


def test_each_queue_has_a_worker_of_its_own() -> None:
    served = [queue for name in WORKERS for queue in ALL[name]["command"][-1].split("+")]

    assert sorted(served) == sorted(QUEUES)


@pytest.mark.parametrize("service", [*LONG_RUNNING])
def test_a_service_waits_for_the_schema(service: str) -> None:
    assert ALL[service]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", sorted(set(ALL) - {"admin", "migrate", "mail"}))
def test_a_service_reports_its_health(service: str) -> None:
    check = ALL[service]["healthcheck"]

    assert check["test"][0] == "CMD"
    assert compose.seconds(check["timeout"]) <= compose.seconds(check["interval"])


def test_a_worker_is_given_the_time_that_a_task_takes() -> None:
    longest = SECONDS_OF_A_TASK + Settings.model_fields["message_timeout"].default

    assert all(compose.seconds(ALL[name]["stop_grace_period"]) > longest for name in WORKERS)


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_every_variable_is_a_setting(service: str) -> None:
    names = {name.removeprefix("DIGEST_").removesuffix("_FILE").lower() for name in ALL[service]["environment"]}
    declared = {setting.name for setting in configuration.declared_settings()}

    assert names <= {*Settings.model_fields, *declared}


@dataclass(frozen=True, slots=True)
class Stack:
    """The services' surroundings on this machine: replacements for the hosts `postgres`, `redis` and `mail`."""

    digest: Path
    replacements: Mapping[str, str]
    folder: Path
    postgres: Postgres
    redis_port: int

    def environment(self, service: str) -> dict[str, str]:
        """As in the file; only addresses of other hosts, the port and the folders are this machine's.

        The folder of secrets holds only those of the service.
        """
        folder = self.folder / f"secrets-{service}"
        folder.mkdir(exist_ok=True)
        for name in ALL[service]["secrets"]:
            (folder / name).write_text(self._replace(SECRETS[name]))
        variables = ALL[service]["environment"].items()
        values = {
            name: str(folder / value.removeprefix(IN_CONTAINER))
            if str(value).startswith(IN_CONTAINER)
            else self._replace(str(value))
            for name, value in variables
        }
        return {k: v for k, v in plain_environment().items() if k in {"PATH", "LANG"}} | values

    def _replace(self, text: str) -> str:
        for container_value, own_value in self.replacements.items():
            text = text.replace(container_value, own_value)
        return text

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """Its command, as the image would start it: after the entry point `digest`."""
        command = [str(self.digest), *ALL[service]["command"]]
        with (self.folder / f"{service}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=self.folder, env=self.environment(service), stdout=log, stderr=log)

    def examine(self, service: str) -> CommandResult:
        """Its health check, once."""
        _, digest, *command = ALL[service]["healthcheck"]["test"]
        assert digest == "digest"
        return run([self.digest, *command], env=self.environment(service), check=False)

    def wait_healthy(self, service: str) -> CommandResult:
        """The first successful health check, else the last one; waits longer than Compose does."""
        until = time.monotonic() + PATIENCE
        while (result := self.examine(service)).code and time.monotonic() < until:
            time.sleep(0.5)
        return result


@pytest.fixture(scope="module")
def stack(clean: Path, postgres: Postgres) -> Iterator[Stack]:
    """PostgreSQL, Redis started as the file says, a mail server; the schema in place."""
    folder = Path(tempfile.mkdtemp(prefix="stack-"))
    (folder / "data").mkdir()
    redis_port, web_port = _free_port(), _free_port()
    database = postgres.empty_database().partition("@")[2]
    with MailServer() as mail, _redis(folder, redis_port):
        _until_it_listens(redis_port)
        replacements = {
            "@postgres:5432/digest": f"@{database}",
            "redis:6379": f"127.0.0.1:{redis_port}",
            "smtp://mail:1025": mail.url,
            "/data": str(folder / "data"),
            "8000": str(web_port),
        }
        yield Stack(clean / "bin" / "digest", replacements, folder, postgres, redis_port)
    shutil.rmtree(folder)


def _until_it_listens(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens)


def _redis(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The file's own command line; only program, port and folder are this machine's."""
    command = [str(folder) if word == "/data" else word for word in ALL["redis"]["command"][1:]]
    program = [str(redis.find_server()), *command, "--port", str(port), "--bind", "127.0.0.1"]
    return _ScopedProcess(redis.start_guarded(program), stdout=subprocess.DEVNULL)


class _ScopedProcess(subprocess.Popen[bytes]):
    """A process that is ended with its block."""

    def __exit__(self, *_: object) -> None:
        self.terminate()
        self.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_services_come_up_healthy_and_end_on_a_signal(stack: Stack) -> None:
    codes_before = [stack.examine(service).code for service in ("web", "scheduler")]
    assert stack.start("migrate").wait(PATIENCE) == 0

    running = {service: stack.start(service) for service in LONG_RUNNING}
    try:
        results = {service: stack.wait_healthy(service) for service in running}
    finally:
        for process in running.values():
            process.terminate()
        codes = {service: running[service].wait(PATIENCE) for service in running}

    assert codes_before == [1, 1]
    assert {service: (result.code, result.text) for service, result in results.items() if result.code} == {}
    # uvicorn drains, then dies of the signal
    assert codes == {**dict.fromkeys(LONG_RUNNING, 0), "web": -signal.SIGTERM}


def test_migrating_again_changes_nothing(stack: Stack) -> None:
    stack.start("migrate").wait(PATIENCE)

    second_run = run([stack.digest, *ALL["migrate"]["command"]], env=stack.environment("migrate"))

    assert re.fullmatch(r"the schema is \w+, as before\n", second_run.text)


def test_redis_keeps_everything_and_drops_nothing(stack: Stack) -> None:
    options = {"appendonly": "yes", "maxmemory-policy": "noeviction"}

    with socket.create_connection(("127.0.0.1", stack.redis_port), timeout=PATIENCE) as line:
        for name, value in options.items():
            line.sendall(f"CONFIG GET {name}\r\n".encode())
            assert value.encode() in line.recv(1000)


def test_the_check_of_postgresql_is_one_that_its_program_takes(stack: Stack) -> None:
    _, program, *command = ALL["postgres"]["healthcheck"]["test"]
    arguments = [word.replace("127.0.0.1", str(stack.postgres.folder)) for word in command]

    result = run([stack.postgres.binaries / program, *arguments], check=False)

    assert result.code == 0, result.text
