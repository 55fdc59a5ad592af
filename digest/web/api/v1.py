"""The API under /api/v1: the use cases of the pages as JSON. The administrative routes need a token."""

from __future__ import annotations

from fastapi import APIRouter

from digest.web.api import (
    audit_resource,
    delivery_resource,
    library,
    paper_resource,
    people_resource,
    preview_resource,
    run_resource,
    source_resource,
    subscription_resource,
    token_resource,
)

router = APIRouter(prefix="/api/v1")
for resource in (
    subscription_resource.actions,
    subscription_resource.router,
    paper_resource.router,
    people_resource.router,
    preview_resource.router,
    library.router,
    run_resource.router,
    run_resource.actions,
    delivery_resource.router,
    delivery_resource.actions,
    source_resource.router,
    source_resource.actions,
    token_resource.router,
    token_resource.actions,
    audit_resource.router,
):
    router.include_router(resource)
