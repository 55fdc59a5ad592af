"""`digest init --systemd`, `--caddy`, `--nginx`, `--monitoring`, `--workflow`: files for the tools that run it."""

from __future__ import annotations

import getpass
import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined

import templates
from digest import settings
from digest.errors import BadInput, Refused
from digest.replace_file import PUBLIC_MODE, replace_file, require_possible_folder

SYSTEMD, CADDY, NGINX, MONITORING, WORKFLOW = "systemd", "caddy", "nginx", "monitoring", "workflow"
_UNITS = (
    "papers-inbox.service",
    "papers-inbox-web.service",
    "papers-inbox-run.service",
    "papers-inbox-run.timer",
    "papers-inbox-backup.service",
    "papers-inbox-backup.timer",
    "papers-inbox-bounces.service",
    "papers-inbox-bounces.timer",
)
_FILES = {
    SYSTEMD: tuple(f"systemd/{name}" for name in _UNITS),
    CADDY: ("Caddyfile",),
    NGINX: ("papers-inbox.conf",),
    MONITORING: (
        "monitoring/prometheus.yml",
        "monitoring/papers-inbox-rules.yml",
        "monitoring/papers-inbox-dashboard.json",
    ),
}
# Written as they are: they contain braces of Prometheus' and Grafana's own templates.
_VERBATIM = frozenset({"monitoring/papers-inbox-rules.yml", "monitoring/papers-inbox-dashboard.json"})
_WORKFLOW_FILES = {  # a scheduled job of `digest mail`, which needs no settings; by its path in the repository
    ".github/workflows/papers-inbox.yml": "workflow/papers-inbox.yml",
    "topics.txt": "workflow/topics.txt",
}
_WRITTEN_BY_USER = frozenset({"topics.txt"})  # an example is written; what is there stays, also with `force`
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_PUBLIC_FOLDER_MODE = 0o755
_PLAIN_PATH = re.compile(r"/[\w./@+-]*")


def write_deployment_files(kind: str, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the files of one kind, filled in for this folder, user and settings. Returns their paths.

    They hold no secrets, and other users read them (the proxy, Prometheus), so they are readable by all.
    Raises Refused where a file is there already (without `force`; none is written then), BadInput where the folder
    can't be written or a path has characters that such files would need escaped.
    """
    targets = {
        folder / name: text
        for name, text in _texts(kind).items()
        if not (name in _WRITTEN_BY_USER and (folder / name).exists())
    }
    present = [file for file in targets if file.exists()]
    if present and not force:
        raise Refused(f"{present[0]} is there already; --force replaces it")
    try:
        for file, text in targets.items():
            require_possible_folder(file.parent)
            _make_public_folder(file.parent)
            replace_file(file, text.encode(), mode=PUBLIC_MODE)
    except OSError as error:
        raise BadInput(f"{folder}: can't be written ({error.strerror})", field=kind) from error
    return list(targets)


def _make_public_folder(folder: Path) -> None:
    """Create the folder and its missing parents so that all may enter them. Raises OSError."""
    if not folder.is_dir():
        _make_public_folder(folder.parent)
        folder.mkdir()
        folder.chmod(_PUBLIC_FOLDER_MODE)  # the umask of commands is private


def _texts(kind: str) -> dict[str, str]:
    """The files of one kind, by their path in the folder."""
    if kind == WORKFLOW:
        return {path: _template(name) for path, name in _WORKFLOW_FILES.items()}
    values = _values()
    if kind in (CADDY, NGINX) and values["host"] in _LOOPBACK_HOSTS:
        raise BadInput(
            f"{settings.get().base_url} is this machine alone, and no certificate can be had for it; "
            "set DIGEST_BASE_URL to the https address that subscribers reach, then repeat this",
            field=kind,
        )
    return {Path(name).name: _render(name, values) for name in _FILES[kind]}


def _values() -> dict[str, str]:
    config = settings.get()
    folder = Path.cwd()
    host = urlsplit(config.base_url).hostname or "localhost"
    listen = "127.0.0.1" if config.host in {"0.0.0.0", "::", ""} else config.host  # noqa: S104 - compared
    values = {
        "digest": str(Path(shutil.which(sys.argv[0]) or Path(sys.executable).with_name("digest")).absolute()),
        "env_file": str(settings.ENV_FILE.absolute()),
        "folder": str(folder),
        "data_dir": str(config.data_dir.resolve()),
        "maildir": str(folder / "bounces"),
    }
    for name, path in values.items():
        if not _PLAIN_PATH.fullmatch(path):
            raise BadInput(f"{path}: choose a path of letters, digits and . _ - for {name}", field=name)
    upstream = f"{listen}:{config.port}"
    return {**values, "user": getpass.getuser(), "host": host, "base_url": config.base_url, "upstream": upstream}


def _render(name: str, values: dict[str, str]) -> str:
    if name in _VERBATIM:
        return _template(name)
    environment = Environment(
        loader=FunctionLoader(lambda included: _template(f"systemd/{included}")),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - units and proxies' settings, of values checked above
    )
    return environment.from_string(_template(name)).render(values)


def _template(name: str) -> str:
    return (files(templates) / "deploy").joinpath(*name.split("/")).read_text(encoding="utf-8")
