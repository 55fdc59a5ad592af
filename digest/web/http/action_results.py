"""What the button of a mailed link did: signed, in the address of the page that is shown then.

The POST answers with a redirect to it, so that neither a reload nor going back acts again (RFC 9110, 15.4.4). It is
signed, because the page of a used link must not be anybody's words; not in a cookie, which would follow people who only
read. Like the codes of the preferences, it never holds an address.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import RedirectResponse

from digest.errors import BadToken
from digest.services.security import signed_links
from digest.services.security.link_and_session_lifetimes import ACTION_RESULT
from digest.web.ui import template_rendering

MAX_RESULT = 400  # characters of a result
_PURPOSE = "action-result"
_MAX_TOKEN = 2000  # characters


def redirect_to_result(request: Request, result: str) -> RedirectResponse:
    """Redirect to the GET page of the same link, which shows what was done. `result`: what its page needs for that."""
    path = request.url.path
    token = signed_links.signer().sign_timed(_PURPOSE, path, result[:MAX_RESULT])
    return RedirectResponse(f"{path}?done={token}", status_code=303, headers=template_rendering.PRIVATE)


async def _result(request: Request, done: Annotated[str, Query(max_length=_MAX_TOKEN)] = "") -> str:
    """The result in this address; '' for none, an old one, another link's, or one that we did not sign."""
    if not done or request.method not in {"GET", "HEAD"}:
        return ""
    try:
        values = signed_links.signer().read_timed(_PURPOSE, done, max_age=int(ACTION_RESULT.total_seconds()))
    except BadToken:
        return ""
    return str(values[1]) if len(values) == 2 and values[0] == request.url.path else ""


ActionResult = Annotated[str, Depends(_result)]
"""What the POST before this GET did; '' where nothing was done, or long ago."""
