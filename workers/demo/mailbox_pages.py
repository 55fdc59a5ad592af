"""Pages that show the demo's mailbox: a list, and each mail with its headers, text and HTML in a sandboxed frame."""

from __future__ import annotations

import threading
from email.message import EmailMessage

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from workers.demo.mail_server import Maildir

_templates = Environment(
    loader=PackageLoader("templates", "web/mailbox"), autoescape=select_autoescape(), undefined=StrictUndefined
)


def build_mailbox_app(mailbox: Maildir, service_url: str) -> FastAPI:
    """The web application of the mailbox. `service_url`: the address of the service itself."""
    app = FastAPI(title="Demo mailbox", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", response_class=HTMLResponse)
    def index() -> str:
        mails = [{"name": mail.name, "message": mail.parse()} for mail in mailbox.received()]
        return _templates.get_template("index.html").render(mails=mails[::-1], service=service_url)

    @app.get("/{name}", response_class=HTMLResponse)
    def show(name: str) -> str:
        message = _require_message(mailbox, name)
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        return _templates.get_template("mail.html").render(name=name, message=message, text=text)

    @app.get("/{name}/html")
    def html(name: str) -> HTMLResponse:
        body = _require_message(mailbox, name).get_body(("html",))
        policy = "sandbox allow-popups allow-top-navigation-by-user-activation; script-src 'none'"
        return HTMLResponse(body.get_content() if body else "", headers={"Content-Security-Policy": policy})

    @app.get("/{name}/raw")
    def raw(name: str) -> PlainTextResponse:
        mail = mailbox.by_name(name)
        if mail is None:
            raise HTTPException(404, "no such mail")
        return PlainTextResponse(mail.raw)

    return app


def _require_message(mailbox: Maildir, name: str) -> EmailMessage:
    mail = mailbox.by_name(name)
    if mail is None:
        raise HTTPException(404, "no such mail")
    return mail.parse()


def serve(app: FastAPI, port: int) -> uvicorn.Server:
    """Serve on the loopback in a thread; set `should_exit` to end it."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True, name="mailbox page").start()
    return server
