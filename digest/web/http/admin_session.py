"""Administrator sessions: the cookie, its administrator's role, and the check that a POST came from our own pages."""

from __future__ import annotations

import re
from contextvars import ContextVar
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest import settings
from digest.errors import BadToken, NotSignedIn
from digest.i18n import localize
from digest.services.security import admin_login, signed_links
from digest.services.security.link_and_session_lifetimes import ADMIN_NOTICE, ADMIN_SESSION

LOCAL_COOKIE, HOST_COOKIE = "digest_admin", "__Host-digest_admin"
NOTICE_PURPOSE, NOTICE_SUFFIX, MAX_NOTICE = "admin-notice", "_notice", 200  # characters
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# With no-referrer browsers send `Origin: null` along with our own forms, and it could not be checked (Fetch, 3.2).
REFERRER_POLICY = {"Referrer-Policy": "same-origin"}


_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_SIGN_IN_PATHS = re.compile(r"/admin/(sign-in|sign-out|enter/[^/]+)")  # what everybody may post
_viewing: ContextVar[bool] = ContextVar("viewing", default=False)
_notice: ContextVar[str] = ContextVar("notice", default="")


def _is_local_http() -> bool:
    """True for http on this machine, which needs a cookie without Secure: browsers refuse `__Host-` cookies there."""
    parts = urlsplit(settings.get().base_url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def cookie_name() -> str:
    """The cookie's name. With `__Host-` no other host or http page can set or shadow it (RFC 6265bis, 4.1.3.2)."""
    return LOCAL_COOKIE if _is_local_http() else HOST_COOKIE


def set_cookie(response: Response, value: str) -> None:
    """Set the session cookie; browsers send it only to this host, and not with requests from other sites."""
    _set_cookie(response, cookie_name(), value, ADMIN_SESSION)


def delete_cookie(response: Response) -> None:
    """Delete the session cookie."""
    _set_cookie(response, cookie_name(), "", timedelta(0))


def set_notice(response: Response, text: str) -> None:
    """Let the next page of this browser show what an action did, in at most MAX_NOTICE characters."""
    token = signed_links.signer().sign_timed(NOTICE_PURPOSE, text[:MAX_NOTICE])
    _set_cookie(response, cookie_name() + NOTICE_SUFFIX, token, ADMIN_NOTICE)


def take_notice(response: Response) -> None:
    """Delete the notice that the page of this request shows, so that no later one does."""
    if _notice.get():
        _set_cookie(response, cookie_name() + NOTICE_SUFFIX, "", timedelta(0))


def notice() -> str:
    """What the action before this request did; '' for nothing."""
    return _notice.get()


def _set_cookie(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lifetime.total_seconds()),
        path="/admin" if _is_local_http() else "/",
        secure=not _is_local_http(),
        httponly=True,
        samesite="strict",
    )


def _read_notice(request: Request) -> str:
    """The text of the notice cookie; '' for none, an old one, or one that we did not sign."""
    token = request.cookies.get(cookie_name() + NOTICE_SUFFIX, "")
    try:
        values = signed_links.signer().read_timed(NOTICE_PURPOSE, token, max_age=int(ADMIN_NOTICE.total_seconds()))
    except BadToken:
        return ""
    return str(values[0])


def cookie_of(request: Request) -> str:
    """The value of the session cookie; '' for none."""
    return request.cookies.get(cookie_name(), "")


def _administrator(request: Request) -> str | None:
    return admin_login.administrator_of(cookie_of(request))


def _require_administrator(administrator: Annotated[str | None, Depends(_administrator)]) -> str:
    if administrator is None:
        raise NotSignedIn(localize("sign in first"))
    return administrator


async def require_role(request: Request) -> None:
    """Refuse every change by a viewer, and remember role and notice for the pages rendered for this request.

    Raises HTTPException.
    """
    address = await run_in_threadpool(_administrator, request)
    is_viewer = address is not None and admin_login.is_viewer(address)
    _viewing.set(is_viewer)
    _notice.set(_read_notice(request) if address is not None and request.method == "GET" else "")
    if is_viewer and request.method not in _SAFE_METHODS and not _SIGN_IN_PATHS.fullmatch(request.url.path):
        raise HTTPException(
            403, detail=localize("you may look at everything here, but change nothing; ask one of the operators")
        )


def is_viewing() -> bool:
    """True where the current request is a viewer's, whose pages show neither buttons nor whole addresses."""
    return _viewing.get()


MaybeAdministrator = Annotated[str | None, Depends(_administrator)]
Administrator = Annotated[str, Depends(_require_administrator)]


def require_same_origin(request: Request) -> None:
    """Refuse a POST from a page of another origin, including other ports and subdomains of this site.

    Browsers send Sec-Fetch-Site (Fetch Metadata) and Origin (RFC 6454). A program that sends neither has no browser's
    cookies to abuse. Raises HTTPException.
    """
    if request.method in _SAFE_METHODS:
        return
    fetch_site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    is_own_origin = (
        origin is None or origin in _own_origins() or (origin == "null" and "sec-fetch-site" in request.headers)
    )
    if fetch_site not in {"same-origin", "none"} or not is_own_origin:
        raise HTTPException(
            403, detail=localize("this form was sent from a page of another site; open it here and send again")
        )


def _own_origins() -> set[str]:
    """The origin of BASE_URL; for this machine, one for each of its names."""
    parts = urlsplit(settings.get().base_url)
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()
    if not _is_local_http():
        return {origin}
    port = f":{parts.port}" if parts.port else ""
    return {f"http://{name if ':' not in name else f'[{name}]'}{port}" for name in LOOPBACK}


GUARDS = (Depends(require_same_origin), Depends(require_role))
"""The dependencies of every router under /admin."""
