"""The audit log by the API: what administrators did, by page, command or API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from digest.models import Audit
from digest.models.types import stored_id
from digest.services.admin import admin_pages
from digest.services.security.api_tokens import ApiToken
from digest.text.stored_text_redaction import redact_addresses
from digest.web.http import api_auth
from digest.web.http.api_route import ApiRoute
from digest.web.http.cursor_pages import Listing, PageRequest, page_of

router = APIRouter(prefix="/audit", route_class=ApiRoute, tags=["audit"])

ReadToken = Annotated[ApiToken, Depends(api_auth.require_token("audit:read"))]
Page = Annotated[PageRequest, Depends(page_of("audit"))]


class AuditAnswer(BaseModel):
    """An action of an administrator, a token or a command. `detail`: ids, counts, and texts that somebody typed.

    Addresses in `actor` and `detail` only with the scope `addresses:read`.
    """

    id: int
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


class AuditList(Listing):
    """Actions, newest first."""

    actions: list[AuditAnswer]


@router.get("")
def list_actions(token: ReadToken, page: Page) -> AuditList:
    """What administrators did, newest first."""
    rows = admin_pages.audit_page(text="", before_id=page.before_id, limit=page.rows_needed)
    page_rows, next_page = page.finish(rows, lambda row: row.id)
    show_text = str if token.allows(api_auth.ADDRESSES) else redact_addresses
    actions = [
        AuditAnswer(
            id=stored_id(row), at=row.at, actor=show_text(row.actor), action=row.action, detail=_detail(row, show_text)
        )
        for row in page_rows
    ]
    return AuditList(actions=actions, next=next_page)


def _detail(row: Audit, show_text: Callable[[str], str]) -> dict[str, Any]:
    return {name: show_text(value) if isinstance(value, str) else value for name, value in row.detail.items()}
