"""`digest init`: ask for the first settings and write .env, or write files for servers, monitoring or CI."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from digest import settings
from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput, MailDeferred, MailRejected
from digest.services.admin import compose_files, configuration, deployment_files, setup_questions

_Sender = Annotated[str | None, typer.Option(metavar="SENDER", help="Sender of the mails: name <address>.")]
_ServerUrl = Annotated[str | None, typer.Option(metavar="URL", help="Mail server: smtp://user:password@host:587?tls=…")]
_BaseUrl = Annotated[str | None, typer.Option(metavar="URL", help="Address of the service in the browser.")]
_PostalAddress = Annotated[str | None, typer.Option(metavar="TEXT", help="Postal address for the footer.")]
_Administrator = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Administrator's e-mail address.")]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command("init")
    @output.report_errors
    def init(
        mail_from: _Sender = None,
        smtp_url: _ServerUrl = None,
        base_url: _BaseUrl = None,
        postal_address: _PostalAddress = None,
        admin: _Administrator = None,
        test_mail: Annotated[bool, typer.Option(help="Send a test mail to the administrator.")] = True,
        env_file: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path(".env"),
        force: Annotated[bool, typer.Option(help="Replace existing files.")] = False,
        systemd: Annotated[Path | None, _folder_option("systemd units and timers")] = None,
        caddy: Annotated[Path | None, _folder_option("a Caddyfile")] = None,
        nginx: Annotated[Path | None, _folder_option("a site for nginx")] = None,
        monitoring: Annotated[Path | None, _folder_option("Prometheus rules and a Grafana dashboard")] = None,
        workflow: Annotated[Path | None, _folder_option("a scheduled job of `digest mail`, with topics,")] = None,
        compose: Annotated[Path | None, _folder_option("files for docker compose, with secrets,")] = None,
    ) -> None:
        """Write .env with new secrets, and send a test mail. Or write files for servers, monitoring or CI."""
        folders = {
            "systemd": systemd,
            "caddy": caddy,
            "nginx": nginx,
            "monitoring": monitoring,
            "workflow": workflow,
        }
        if any(folders.values()):
            _write_deployment_files(folders, force=force)
        options = _SetupOptions(mail_from, smtp_url, base_url, postal_address, admin)
        if compose is not None:
            _write_compose_files(compose, options, force=force)
        if compose is not None or any(folders.values()):
            return
        setup_questions.require_absent(env_file, force=force)
        answers = options.complete()
        setup_questions.write_env_file(answers, env_file, force=force)
        output.print_line(f"written: {env_file} (keep it secret: it holds the signing key)")
        if test_mail:
            _send_test_mail(answers, env_file)
        output.print_line("next: digest migrate, digest ingest, digest doctor, then digest up")


def _send_test_mail(answers: setup_questions.SetupAnswers, env_file: Path) -> None:
    """Send the test mail. Where the server refuses it, say what is done and what is not, before the error."""
    try:
        output.print_line(output.plain_text(setup_questions.send_test_mail(answers)))
    except (MailDeferred, MailRejected):
        output.print_line(
            f"the settings are written, but no test mail was sent: correct DIGEST_SMTP_URL in {env_file}, then "
            "`digest doctor` tries the server again"
        )
        raise


@dataclass(frozen=True, slots=True)
class _SetupOptions:
    """The answers that were given as options."""

    mail_from: str | None
    smtp_url: str | None
    base_url: str | None
    postal_address: str | None
    admin: str | None

    def complete(self, config: settings.Settings | None = None) -> setup_questions.SetupAnswers:
        """All answers: the options, else the present settings (`config`), else asked for."""
        present = {
            "mail_from": config and config.mail_from,
            "smtp_url": config and next(iter(config.smtp_url), ""),
            "base_url": config.base_url if config and "base_url" in config.model_fields_set else "",
            "postal_address": config and config.postal_address,
            "admin": config and next(iter(config.admin_emails), ""),
        }
        options = {name: value for name, value in asdict(self).items() if value}
        for name, value in options.items():
            setup_questions.check_answer(name, value)
        return setup_questions.SetupAnswers(
            **{
                name: options.get(name) or present[name] or _ask(name, question)
                for name, question in setup_questions.questions().items()
            }
        )


def _ask(name: str, question: str) -> str:
    """Ask until the answer is valid. Raises BadInput where nobody can answer."""
    if sys.stdin is None:  # it was closed
        raise BadInput(f"standard input is closed; give --{name.replace('_', '-')}, or run this on a terminal")

    def checked(answer: str) -> str:
        try:
            setup_questions.check_answer(name, answer)
        except BadInput as error:
            raise typer.BadParameter(str(error)) from error
        return answer

    try:
        return str(typer.prompt(question, value_proc=checked))
    except typer.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise  # Ctrl-C
        output.print_line("")
        option = f"--{name.replace('_', '-')}"
        raise BadInput(f"standard input ended without an answer; give {option}, or run this on a terminal") from error


def _write_compose_files(folder: Path, options: _SetupOptions, *, force: bool) -> None:
    answers = options.complete(settings.get())
    result = compose_files.write_compose_files(folder, answers, force=force, replace_smtp_url=bool(options.smtp_url))
    for file in result.written:
        output.print_line(f"written: {file}")
    for file in result.kept_secrets:
        output.print_line(f"kept: {file} (its content differs from the present settings)")
    if urlsplit(answers.smtp_url).hostname in {"localhost", "127.0.0.1", "::1"}:
        output.print_line(
            "in a container localhost is the container itself: name the mail server's host in secrets/smtp_url"
        )
    output.print_line(f"next: docker compose --project-directory {folder} up -d")


def _folder_option(content: str) -> Any:
    return typer.Option(metavar="DIR", help=f"Write {content} for this installation to DIR, and nothing else.")


def _write_deployment_files(folders: Mapping[str, Path | None], *, force: bool) -> None:
    if any(folder for kind, folder in folders.items() if kind != deployment_files.WORKFLOW):
        configuration.require_valid()
    for kind, folder in folders.items():
        if folder is not None:
            for file in deployment_files.write_deployment_files(kind, folder, force=force):
                output.print_line(f"written: {file}")
            output.print_line(f"next: {_NEXT_STEPS[kind]}")
    if folders["systemd"] is not None and getpass.getuser() == "root":
        output.print_line("the units run as root; write them as the user that the service should have")


_NEXT_STEPS = {
    deployment_files.SYSTEMD: "copy them to /etc/systemd/system, and systemctl enable --now papers-inbox.service "
    "papers-inbox-backup.timer",
    deployment_files.CADDY: "import it in /etc/caddy/Caddyfile, and systemctl reload caddy",
    deployment_files.NGINX: "get the certificate (its first line says how), copy it to /etc/nginx/conf.d, "
    "and nginx -t && nginx -s reload",
    deployment_files.MONITORING: "start Prometheus with prometheus.yml (its head says how to make the token), "
    "and import the dashboard into Grafana",
    deployment_files.WORKFLOW: "edit topics.txt, set the secrets that the head of papers-inbox.yml names, and push "
    "both to a private repository",
}
