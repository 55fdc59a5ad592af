"""Sign and read the links of mails and pages. A token is valid for one purpose only."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from digest import settings, signing
from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE
from digest.errors import BadToken
from digest.i18n import localize

FEEDBACK_CODES = (MORE, LESS, MUTE, FOLLOW)


def signer() -> signing.Signer:
    """The signer with the configured keys. Raises Misconfigured."""
    config = settings.get()
    config.require("secret_key")
    return _signer(config.secret_key)


@lru_cache(maxsize=4)
def _signer(keys: tuple[str, ...]) -> signing.Signer:
    """Cached because every mail has several links."""
    return signing.Signer(keys)


def confirm(subscriber_id: int, request_id: int) -> str:
    """The link by which the owner of the address confirms this sign-up request."""
    return _url("confirm", signer().sign(signing.CONFIRM, subscriber_id, request_id))


def not_me(subscriber_id: int, request_id: int) -> str:
    """The link by which the owner of the address refuses a sign-up that somebody else made, and all later ones."""
    return _url("not-me", signer().sign(signing.NOT_ME, subscriber_id, request_id))


def account(action: str, request_id: int) -> str:
    """The mailed link of an account request; `action` is its purpose. It expires, counted from now."""
    return _url(f"account/{action}", signer().sign_timed(action, request_id))


def unsubscribe(subscriber_id: int) -> str:
    """The page and the one-click POST of List-Unsubscribe. It never expires."""
    return _url("unsubscribe", unsubscribe_token(subscriber_id))


def unsubscribe_token(subscriber_id: int) -> str:
    """The token of the unsubscribe link, and of the subject of an unsubscribe mail."""
    return _unsubscribe_token(signer(), subscriber_id)


@lru_cache(maxsize=64)
def _unsubscribe_token(signer_: signing.Signer, subscriber_id: int) -> str:
    """Cached because each mail contains it three times."""
    return signer_.sign(signing.UNSUBSCRIBE, subscriber_id)


def preferences(subscriber_id: int) -> str:
    """The link to a subscriber's preferences."""
    return _url("preferences", signer().sign(signing.PREFERENCES, subscriber_id))


def edition(edition_id: int) -> str:
    """The link to an edition's web view."""
    return _url("editions", signer().sign(signing.EDITION, edition_id))


def feed(subscriber_id: int, file_format: str = "atom") -> str:
    """The link to the feed of a subscriber's editions; `file_format` is atom or json. It never expires."""
    return f"{_url('feeds', signer().sign(signing.FEED, subscriber_id))}.{file_format}"


def feed_edition(subscriber_id: int, edition_id: int) -> str:
    """The link to an edition's web view in the subscriber's feed.

    Its token has the purpose of the feed but two values, so it opens this edition only, not the feed.
    """
    return _url("feeds/editions", signer().sign(signing.FEED, subscriber_id, edition_id))


def feedback(edition_id: int) -> str:
    """The prefix of an edition's feedback links; `template_context.feedback_suffix` completes them. Never expires.

    Only the edition is signed, once for all its papers: whoever has one of these links has the mail, and so all links.
    """
    return _url("feedback", signer().sign(signing.FEEDBACK, edition_id))


def read_feedback(token: str) -> tuple[int, int, str]:
    """Edition, paper and verb of a feedback link. Raises BadToken."""
    parts = token.rsplit(".", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{1,9}", parts[1]) or parts[2] not in FEEDBACK_CODES:
        raise BadToken(localize("this link is incomplete or was altered; open it again from your e-mail"))
    (edition_id,) = read_token(signing.FEEDBACK, parts[0])
    return edition_id, int(parts[1]), parts[2]


def sign_in(login_id: int) -> str:
    """An administrator's sign-in link, for a single use. `login_id`: the AdminLogin, which has its expiry."""
    return _url("admin/enter", signer().sign_timed(signing.SIGN_IN, login_id))


def read_token(purpose: str, token: str, *, count: int = 1) -> tuple[int, ...]:
    """The ids in a token of this purpose. Raises BadToken."""
    return _ids(signer().read(purpose, token), count)


def read_timed_token(purpose: str, token: str, *, lifetime: timedelta) -> int:
    """The id in a token that expires after `lifetime`. Raises BadToken."""
    return _ids(signer().read_timed(purpose, token, max_age=int(lifetime.total_seconds())), 1)[0]


def _ids(values_in_token: list[object], count: int) -> tuple[int, ...]:
    ids = tuple(value for value in values_in_token if isinstance(value, int))
    if len(ids) != count or len(values_in_token) != count:
        raise BadToken(localize("this link is not one of ours"))
    return ids


def _url(page: str, token: str) -> str:
    return f"{settings.get().base_url}/{page}/{token}"
