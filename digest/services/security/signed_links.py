"""The links of mails and pages: made here, read here. A token carries its purpose and no other will do."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from digest import settings, signing
from digest.compose.email.template_context import FOLLOW, LESS, MORE, MUTE, RATE
from digest.errors import BadToken
from digest.i18n import translate

FEEDBACK_CODES = (MORE, LESS, MUTE, FOLLOW, RATE)


def signer() -> signing.Signer:
    """The signer with the configured keys. Raises Misconfigured."""
    chosen = settings.get()
    chosen.require("secret_key")
    return _signer(chosen.secret_key)


@lru_cache(maxsize=4)
def _signer(keys: tuple[str, ...]) -> signing.Signer:
    """Made once: every mail carries several links."""
    return signing.Signer(keys)


def confirm(subscriber_id: int, request_id: int) -> str:
    """Asks the owner of the address to confirm this sign-up request."""
    return _url("confirm", signer().sign(signing.CONFIRM, subscriber_id, request_id))


def not_me(subscriber_id: int, request_id: int) -> str:
    """Lets the owner of the address refuse a sign-up that somebody else made, and all later ones."""
    return _url("not-me", signer().sign(signing.NOT_ME, subscriber_id, request_id))


def account(action: str, request_id: int) -> str:
    """The mailed link of an account request; `action` is its purpose. It expires, counted from now."""
    return _url(f"account/{action}", signer().sign_timed(action, request_id))


def unsubscribe(subscriber_id: int) -> str:
    """The page and the one-click POST of List-Unsubscribe. It never expires."""
    return _url("unsubscribe", unsubscribe_token(subscriber_id))


def unsubscribe_token(subscriber_id: int) -> str:
    """What the link and the subject of a mail that wishes to leave carry."""
    return _leaving(signer(), subscriber_id)


@lru_cache(maxsize=64)
def _leaving(by: signing.Signer, subscriber_id: int) -> str:
    """A mail says it three times."""
    return by.sign(signing.UNSUBSCRIBE, subscriber_id)


def preferences(subscriber_id: int) -> str:
    """The reader's preferences."""
    return _url("preferences", signer().sign(signing.PREFERENCES, subscriber_id))


def edition(edition_id: int) -> str:
    """One edition in the browser."""
    return _url("editions", signer().sign(signing.EDITION, edition_id))


def feed(subscriber_id: int, form: str = "atom") -> str:
    """A reader's editions as a feed; `form` is atom or json. It never expires."""
    return f"{_url('feeds', signer().sign(signing.FEED, subscriber_id))}.{form}"


def feed_edition(subscriber_id: int, edition_id: int) -> str:
    """One edition in the browser, as the subscriber's feed names it.

    Its token has the purpose of the feed but two values, so it opens this edition only, not the feed.
    """
    return _url("feeds/editions", signer().sign(signing.FEED, subscriber_id, edition_id))


def feedback(edition_id: int) -> str:
    """How the links begin by which a reader says something of an edition's papers; `asked` ends them. Never expires.

    Only the edition is signed, once for all its papers: who has one of these links has the mail, and so all of them.
    """
    return _url("feedback", signer().sign(signing.FEEDBACK, edition_id))


def read_feedback(token: str) -> tuple[int, int, str]:
    """Edition, paper and verb of such an address. Raises BadToken."""
    parts = token.rsplit(".", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{1,9}", parts[1]) or parts[2] not in FEEDBACK_CODES:
        raise BadToken(translate("this link is incomplete or was altered; open it again from your e-mail"))
    (edition_id,) = read(signing.FEEDBACK, parts[0])
    return edition_id, int(parts[1]), parts[2]


def sign_in(login_id: int) -> str:
    """An administrator's way in, once. `login_id`: the AdminLogin, which says how long it is good."""
    return _url("admin/enter", signer().sign_timed(signing.SIGN_IN, login_id))


def read(purpose: str, token: str, *, values: int = 1) -> tuple[int, ...]:
    """The ids that a token of this purpose carries. Raises BadToken."""
    return _ids(signer().read(purpose, token), values)


def read_timed(purpose: str, token: str, *, within: timedelta) -> int:
    """The id in a token that expires. Raises BadToken."""
    return _ids(signer().read_timed(purpose, token, max_age=int(within.total_seconds())), 1)[0]


def _ids(found: list[object], values: int) -> tuple[int, ...]:
    ids = tuple(value for value in found if isinstance(value, int))
    if len(ids) != values or len(found) != values:
        raise BadToken(translate("this link is not one of ours"))
    return ids


def _url(page: str, token: str) -> str:
    return f"{settings.get().base_url}/{page}/{token}"
