"""`digest init --compose`: docker-compose.yml, an .env without secrets, and a file for each secret.

Compose mounts the files of secrets with their owner and mode, and the containers run as user 10001. So the files are
readable by all, in a folder that only its owner can enter. Which service gets which secret:
`templates/deploy/compose/docker-compose.yml`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import time
from importlib.resources import files
from pathlib import Path

import templates
from digest import settings
from digest.errors import BadInput, Refused
from digest.replace_file import PUBLIC_MODE, replace_file, require_possible_folder
from digest.services.admin.configuration import SECRETS, declared_settings
from digest.services.admin.setup_questions import SetupAnswers, quote_value

COMPOSE_FILE, ENV_FILE, SECRETS_FOLDER = "docker-compose.yml", ".env", "secrets"
SECRET_MODE, SECRETS_FOLDER_MODE, ENV_MODE = 0o444, 0o700, 0o600
DATABASE_USER = "digest"
_KEYS_IN_CONTAINER = {
    "dkim_key_file": "/run/secrets/dkim_key",
    "dkim_second_key_file": "/run/secrets/dkim_second_key",
}
# Settings that the compose file makes itself, or that are secrets.
_NOT_IN_ENV_FILE = SECRETS | {
    "smtp_url", "database_url", "redis_url", "data_dir", "host", "port", "trusted_proxies", *_KEYS_IN_CONTAINER,
}  # fmt: skip
_IMAGES_NOTE = """\
# The images are pinned by version. To pin them by content, too, add the digest that your registry shows:
# POSTGRES_IMAGE=postgres:18.1@sha256:…
# REDIS_IMAGE=valkey/valkey:9.0.0@sha256:…
# PAPERS_INBOX_IMAGE=papers-inbox:0.1.0
# Limits: SELECTION_MEMORY=2g  BACKGROUND_MEMORY=1g  POSTGRES_MEMORY=1g  APP_CPUS=2  POSTGRES_CPUS=2
"""


@dataclass(frozen=True, slots=True)
class ComposeFiles:
    """The paths of the written files, and of secrets that were kept although the present settings differ."""

    written: list[Path]
    kept_secrets: list[Path]


def write_compose_files(
    folder: Path, answers: SetupAnswers, *, force: bool = False, replace_smtp_url: bool = False
) -> ComposeFiles:
    """Write what is missing, from the answers and the present settings.

    Existing secrets are kept, because the database and the links in mails depend on them, except with `force` and
    `replace_smtp_url` that of the mail server. So is an existing compose file without `force`. Raises BadInput;
    Refused where there is an .env already (without `force`).
    """
    answers.check()
    if (folder / ENV_FILE).exists() and not force:
        raise Refused(f"{folder / ENV_FILE} is there already; --force replaces it, and keeps the secrets")
    config = settings.get()
    try:
        require_possible_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        values = _secret_values(config, answers)
        replaced = {"smtp_url"} if force and replace_smtp_url else set()
        written = _write_secrets(folder / SECRETS_FOLDER, values, replaced)
        kept_secrets = _differing_secrets(folder / SECRETS_FOLDER, values, config)
        if force or not (folder / COMPOSE_FILE).exists():
            template = (files(templates) / "deploy" / "compose").joinpath(COMPOSE_FILE)
            _write_new(folder / COMPOSE_FILE, template.read_text(encoding="utf-8"), PUBLIC_MODE)
            written.append(folder / COMPOSE_FILE)
        _write_new(folder / ENV_FILE, _env_text(config, answers), ENV_MODE)
    except OSError as error:
        raise BadInput(f"{folder}: can't be written ({error.strerror})", field="compose") from error
    return ComposeFiles([*written, folder / ENV_FILE], kept_secrets)


def _secret_values(config: settings.Settings, answers: SetupAnswers) -> dict[str, str]:
    """The contents of the secrets' files, by name. An empty one is a setting that is not set."""
    database_password = secrets.token_urlsafe(24)
    smtp_urls = config.smtp_url if answers.smtp_url in config.smtp_url else (answers.smtp_url,)
    values = {
        "secret_key": ",".join(config.secret_key) or secrets.token_urlsafe(32),
        "smtp_url": ",".join(smtp_urls),
        "dkim_key": _read_key(config.dkim_key_file),
        "dkim_second_key": _read_key(config.dkim_second_key_file),
        "postgres_password": database_password,
        "database_url": f"postgresql://{DATABASE_USER}:{database_password}@postgres:5432/digest",
    }
    values |= {name: str(getattr(config, name)) for name in sorted(SECRETS - values.keys())}
    for name in ("metrics_token", "webhook_key"):
        values[name] = values[name] or secrets.token_urlsafe(32)
    return values | {setting.name: setting.value() for setting in declared_settings() if setting.secret}


def _read_key(file: Path | None) -> str:
    return file.read_text(encoding="utf-8") if file else ""


def _differing_secrets(folder: Path, values: Mapping[str, str], config: settings.Settings) -> list[Path]:
    """The files whose content is not that of the present settings; generated secrets are not among these."""
    generated = {"postgres_password", "database_url"}
    generated |= {name for name in ("secret_key", "metrics_token", "webhook_key") if not getattr(config, name)}
    named = {name: value for name, value in values.items() if value and name not in generated}
    return [folder / name for name, value in named.items() if (folder / name).read_text(encoding="utf-8") != value]


def _write_secrets(folder: Path, values: Mapping[str, str], replaced: Set[str]) -> list[Path]:
    """Write the secrets that have no file yet, and `replaced`. The database's password and address go together."""
    folder.mkdir(mode=SECRETS_FOLDER_MODE, exist_ok=True)
    folder.chmod(SECRETS_FOLDER_MODE)
    pair = [folder / "postgres_password", folder / "database_url"]
    if sum(file.exists() for file in pair) == 1:
        missing, present = sorted(pair, key=Path.exists)
        raise Refused(f"{present} is there without {missing}: write the one that is missing, or delete both")
    written = []
    for name, value in values.items():
        if name in replaced or not (folder / name).exists():
            _write_new(folder / name, value, SECRET_MODE)
            written.append(folder / name)
    return written


def _write_new(file: Path, text: str, mode: int) -> None:
    """Write the file with this mode, replacing an existing one."""
    replace_file(file, text.encode(), mode=mode)


def _env_text(config: settings.Settings, answers: SetupAnswers) -> str:
    """The public settings that differ from the defaults."""
    values = {
        "mail_from": answers.mail_from,
        "base_url": answers.base_url,
        "postal_address": answers.postal_address,
        "admin_emails": ",".join(config.admin_emails) if answers.admin in config.admin_emails else answers.admin,
    }
    for name, field in settings.Settings.model_fields.items():
        value = getattr(config, name)
        if name not in _NOT_IN_ENV_FILE and name not in values and value != field.default:
            values[name] = _format_value(value)
    values |= {name: path for name, path in _KEYS_IN_CONTAINER.items() if getattr(config, name)}
    for setting in declared_settings():
        if not setting.secret and setting.value() != setting.default:
            values[setting.name] = setting.value()
    lines = [f"DIGEST_{name.upper()}={quote_value(value)}\n" for name, value in values.items()]
    return f"# Settings without secrets, which are in {SECRETS_FOLDER}/.\n{''.join(lines)}{_IMAGES_NOTE}"


def _format_value(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)
