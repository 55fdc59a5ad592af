"""Checks of the configuration that need more than one value: unknown variables, sources, and where each value is from.

`settings.get` checks the values by themselves.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from dotenv.parser import Binding, parse_stream

from digest import settings
from digest.bibliography import orcid_fetch, zotero
from digest.db.core.engine import require_valid_address
from digest.errors import Misconfigured
from digest.host_syntax import is_web_address
from digest.mail.smtp.endpoints import parse_server
from digest.mailbox_syntax import require_mailbox
from digest.papers.arxiv_categories import ARXIV_NAMES
from digest.sources import registry

IGNORED_PREFIX = "DIGEST_TEST_"  # variables of the test suite
SECRETS = frozenset({"secret_key", "webhook_key", "metrics_token", "ping_url", "bounce_imap_password"})
HIDDEN_VALUE = "(set, hidden)"
# A password may hold any character, escaped or not, so it ends at the last @ of the value.
_CREDENTIALS = re.compile(r"://(?!/)([^:]*:)?.*@", re.DOTALL)
# Without an @ what follows the host is a port; anything else may be a password whose host was forgotten.
_NOT_A_PORT = re.compile(r"://([^:/?#\[]*):(?!\d{0,5}(?:[/?#,]|$)).*", re.DOTALL)
_REFERENCE = re.compile(r"\$\{([^}:]*)\}")  # as python-dotenv reads it; with :- it has a default
_SECRET_PARAMETER = re.compile(r"([?&][\w.-]*(?:passw(?:or)?d|secret|token|key))=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting as `digest config show` prints it. `origin`: environment, file, .env or default."""

    setting: str
    value: str
    origin: str


def declared_settings() -> list[settings.TextSetting]:
    """The settings that sources and the services of bibliographies declare in their modules."""
    return [*registry.source_settings(), zotero.URL, orcid_fetch.URL]


def problems() -> list[str]:
    """Everything that is wrong with the configuration, a line each; empty where all is well."""
    messages = [*_unknown_variables(os.environ, "the environment")]
    try:
        messages += [*_unparsable_lines(), *_undefined_references()]
        messages += _unknown_variables(_env_file_values(), str(settings.ENV_FILE))
        config, invalid = settings.get_valid()
    except Misconfigured as error:
        return [*messages, str(error)]
    messages += invalid
    if config is not None:
        messages += [*_database_problems(config), *_unknown_sources(config), *_unknown_categories(config)]
        messages += [*_mail_problems(config), *_imap_problems(config)]
    if not invalid:
        messages += _refused_pauses()  # which reads the settings itself
    return [*messages, *_declared_setting_problems()]


def require_valid() -> None:
    """Raises Misconfigured with all problems of the configuration, or where this folder has none at all.

    Without that check a command in the wrong folder would make a new, empty installation there.
    """
    require_configured()
    messages = problems()
    if messages:
        raise Misconfigured("; ".join(messages))


def require_configured() -> None:
    """Raises Misconfigured where this folder has no configuration at all."""
    has_variable = any(
        name.upper().startswith(settings.PREFIX) and name != settings.ENV_FILE_VARIABLE for name in os.environ
    )
    if not has_variable and not settings.ENV_FILE.exists():
        raise Misconfigured(
            f"nothing is configured here: there is no {settings.ENV_FILE.resolve()} and no DIGEST_ variable; "
            "change to the folder of the installation, give --env-file, or run: digest init"
        )


def setting_rows() -> list[SettingRow]:
    """All settings with their values, secrets and passwords hidden. Raises Misconfigured where one is wrong."""
    config, in_file = settings.get(), {name.upper() for name in _env_file_values()}
    in_environment = {name.upper() for name in os.environ}
    result = []
    for name in settings.Settings.model_fields:
        variable = f"{settings.PREFIX}{name.upper()}"
        origin = _origin(variable, in_environment, in_file)
        result.append(SettingRow(variable, _display_value(getattr(config, name), secret=name in SECRETS), origin))
    for setting in declared_settings():
        variable = f"{settings.PREFIX}{setting.name.upper()}"
        origin = _origin(variable, in_environment, in_file)
        result.append(SettingRow(variable, _display_value(setting.value(), secret=setting.secret), origin))
    return result


def _origin(variable: str, in_environment: Set[str], in_file: Set[str]) -> str:
    """Where a value is from: environment, file (DIGEST_…_FILE), .env or default."""
    if variable in in_environment:
        return "environment"
    if f"{variable}_FILE" in in_environment | in_file:
        return "file"
    return ".env" if variable in in_file else "default"


def _display_value(value: object, *, secret: bool) -> str:
    if secret:
        return HIDDEN_VALUE if value else ""
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return ", ".join(_hide_credentials(str(part)) for part in values)


def _hide_credentials(text: str) -> str:
    """A value whose URL, if it has one, shows at most the user's name: no password, and no secret parameter."""
    hidden = _CREDENTIALS.sub(lambda match: f"://{match[1] or ''}…@", text)
    if hidden == text:
        hidden = _NOT_A_PORT.sub(r"://\1:…", text)
    return _SECRET_PARAMETER.sub(r"\1=…", hidden)


def _unknown_variables(variables: Iterable[str], where: str) -> list[str]:
    """A message for each variable with our prefix that no setting has."""
    names = [f"{settings.PREFIX}{name.upper()}" for name in settings.Settings.model_fields]
    names += [f"{settings.PREFIX}{setting.name.upper()}" for setting in declared_settings()]
    names += [*(f"{name}_FILE" for name in names), settings.ENV_FILE_VARIABLE]
    unknown = [
        name
        for name in sorted({variable.upper() for variable in variables})
        if name.startswith(settings.PREFIX) and not name.startswith(IGNORED_PREFIX) and name not in names
    ]
    return [f"{name} in {where} is not a setting{_suggestion(name, names)}" for name in unknown]


def _database_problems(config: settings.Settings) -> list[str]:
    try:
        require_valid_address(config.database)
    except Misconfigured as error:
        return [str(error)]
    return []


def _unknown_sources(config: settings.Settings) -> list[str]:
    names = [registry.DEFAULT, *registry.SOURCES]
    return [
        f"DIGEST_SOURCES: there is no source {name[:40]!r}{_suggestion(name, names)}; there are {', '.join(names)}"
        for name in config.sources
        if name not in names
    ]


def _unknown_categories(config: settings.Settings) -> list[str]:
    problems = (category_problem(name) for name in config.arxiv_categories)
    return [f"DIGEST_ARXIV_CATEGORIES: {problem}" for problem in problems if problem]


def category_problem(name: str) -> str:
    """What is wrong with the name of an arXiv category; empty where it is one."""
    if name in ARXIV_NAMES:
        return ""
    in_usual_case = next((known for known in ARXIV_NAMES if known.lower() == name.lower()), name)
    return f"arXiv has no category {name[:40]!r}{_suggestion(in_usual_case, ARXIV_NAMES)}"


def _mail_problems(config: settings.Settings) -> list[str]:
    """Mail servers that can't be used, and keys for DKIM of which a part is missing."""
    messages = []
    for url in config.smtp_url:
        try:
            parse_server(url)
        except Misconfigured as error:
            messages.append(str(error))
    for names in (("dkim_domain", "dkim_selector", "dkim_key_file"), ("dkim_second_selector", "dkim_second_key_file")):
        present = [name for name in names if getattr(config, name)]
        missing = [f"{settings.PREFIX}{name.upper()}" for name in names if name not in present]
        if present and missing:
            messages.append(f"{settings.PREFIX}{present[0].upper()} needs {' and '.join(missing)}; set all, or none")
    return messages


def _imap_problems(config: settings.Settings) -> list[str]:
    """Values with which the folder of bounces can't be read. The password may be missing where other processes poll."""
    prefix = f"{settings.PREFIX}BOUNCE_IMAP"
    if not config.bounce_imap_host:
        return []
    messages = [] if config.bounce_imap_user else [f"{prefix}_HOST needs {prefix}_USER; set both, or none"]
    if not config.bounce_imap_folder:
        messages.append(f"{prefix}_FOLDER: it is empty; name a folder, such as INBOX")
    if config.bounce_imap_processed == "move" and config.bounce_imap_archive in {"", config.bounce_imap_folder}:
        messages.append(f"{prefix}_ARCHIVE: with {prefix}_PROCESSED=move it must name another folder")
    return messages


def _declared_setting_problems() -> list[str]:
    """A message for each setting of a source or service that can't be used. It does not contain an address."""
    messages = []
    for setting in declared_settings():
        variable = f"{settings.PREFIX}{setting.name.upper()}"
        try:
            value = setting.value()
        except Misconfigured as error:
            messages.append(str(error))
            continue
        if setting.name.endswith("_url") and value and not is_web_address(value.strip()):
            messages.append(f"{variable}: expected an address that begins with https:// or http://")
        if setting.name.endswith("_mailto") and value:
            try:
                require_mailbox(value)
            except ValueError as error:
                messages.append(f"{variable}: {error}")
        if setting.choices and value.strip() and value.strip().lower() not in setting.choices:
            messages.append(f"{variable}: {value[:60]!r} is none of {', '.join(map(repr, setting.choices))}")
    return messages


def _undefined_references() -> list[str]:
    """A message for each `${NAME}` in our settings that stands for nothing: it would be removed, as from a password."""
    messages, defined = [], set(os.environ)
    for binding in _env_file():
        if (binding.key or "").upper().startswith(settings.PREFIX):
            names = [name for name in _REFERENCE.findall(binding.value or "") if name not in defined]
            where = f"{settings.ENV_FILE}, line {binding.original.line}: {binding.key}"
            messages += [f"{where}: ${{{name[:60]}}} is the value of a variable, and there is none" for name in names]
        defined.add(binding.key or "")
    return messages


def warnings() -> list[str]:
    """What has no effect, or another one than meant, a line each."""
    from digest import i18n  # reads the data of all languages, which most commands don't need

    config, _ = settings.get_valid()
    messages = _unused_lines()
    if config is not None and not i18n.is_translated(config.language):
        messages.append(
            f"{settings.PREFIX}LANGUAGE: there is no catalogue for {config.language} in digest/locale, so texts stay "
            "English among dates and numbers of that language"
        )
    return messages


def _unused_lines() -> list[str]:
    """A warning for each line of `.env` that looks like one of our settings and sets none, or is set again below."""
    names = [name.upper() for name in settings.Settings.model_fields]
    names += [setting.name.upper() for setting in declared_settings()]
    messages = []
    for binding in _env_file():
        key = (binding.key or "").upper()
        where = f"{settings.ENV_FILE}, line {binding.original.line}"
        if key in names:
            messages.append(f"{where}: {key} has no effect; did you mean {settings.PREFIX}{key}?")
        elif key == settings.ENV_FILE_VARIABLE:
            messages.append(f"{where}: {key} has no effect here; set it in the environment")
        elif key and binding.value is None and not binding.error:
            messages.append(f"{where}: {key[:60]} has no effect without = and a value")
    return [*messages, *_repeated_lines()]


def _repeated_lines() -> list[str]:
    """A warning for each setting that stands in `.env` twice with different values; the last one counts."""
    messages, seen = [], dict[str, Binding]()
    for binding in _env_file():
        key = (binding.key or "").upper()
        if not key.startswith(settings.PREFIX) or binding.error:
            continue
        earlier = seen.get(key)
        if earlier is not None and earlier.value != binding.value:
            line = f"{settings.ENV_FILE}, line {earlier.original.line}"
            messages.append(f"{line}: {key} has no effect, because line {binding.original.line} sets it again")
        seen[key] = binding
    return messages


def _refused_pauses() -> list[str]:
    """A message for each pause between requests that the terms of its source do not allow."""
    messages = []
    for pacing in {source.pacing for source in registry.SOURCES.values()}:
        try:
            pacing.pause_seconds()
        except Misconfigured as error:
            messages.append(str(error))
    return messages


def _suggestion(typed: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(typed, list(names), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def _env_file_values() -> Mapping[str, str | None]:
    return {binding.key: binding.value for binding in _env_file() if binding.key is not None and not binding.error}


def _unparsable_lines() -> list[str]:
    invalid = [binding for binding in _env_file() if binding.error]
    return [f"{settings.ENV_FILE}, line {binding.original.line}: not of the form NAME=value" for binding in invalid]


def _env_file() -> list[Binding]:
    """The statements of `.env`; none without the file. Raises Misconfigured where it can't be read."""
    if not settings.ENV_FILE.exists():
        return []
    try:
        with settings.ENV_FILE.open(encoding=settings.ENCODING) as file:
            return list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Misconfigured(f"{settings.ENV_FILE.resolve()}: can't be read ({reason})") from error
