"""A preference is declared once; everything that asks for it, shows it or carries it is derived from that entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.services.subscriptions import csv_import_export, preference_fields
from digest.services.subscriptions.preference_fields import Preferences, SignUpPreferences
from digest.web.api.preview_resource import PreviewRequest
from digest.web.ui import preference_form
from tests.combinations import MAINLY_SQLITE

ROOT = Path(__file__).parents[4]
DERIVED = (
    "templates/web/_preference_fields.html",
    "templates/web/preferences.html",
    "templates/web/start.html",
    "digest/web/ui/preference_form.py",
    "digest/web/ui/forms.py",
    "digest/web/pages/preferences.py",
    "digest/web/pages/preferences_view.py",
    "digest/web/api/preview_resource.py",
    "digest/web/api/subscription_resource.py",
    "digest/services/admin/subscriber_admin.py",
    "digest/services/subscriptions/personal_data.py",
    "digest/services/subscriptions/csv_import_export.py",
    "digest/services/subscriptions/preference_parsers.py",
)
# `quiet_day` is the preference with the rarest name, so the whole product can be searched for it.
QUIET_DAY = {
    "digest/services/subscriptions/preference_fields.py",  # the entry
    "digest/models/subscriber.py",  # the column
    "digest/db/migrations/versions/0001_first_schema.py",
    "digest/db/migrations/versions/0009_requests_before_confirmation.py",
    "digest/settings.py",  # its default
    "digest/db/subscribers/shard_reads.py",  # read by runs, which act on it
    "digest/services/editions/assemble_edition.py",
    "digest/services/editions/notice_figures.py",
    "digest/services/runs/build_editions.py",
    "digest/services/runs/replay.py",
}


@pytest.fixture
def several_sources(database: str, configured: Callable[..., None]) -> None:
    """An installation with more than one source, so that forms offer a choice of them."""
    configured(SOURCES="arxiv-rss, biorxiv")


def test_a_preference_is_named_where_it_is_declared_stored_and_acted_on_alone() -> None:
    files = (path for root in ("digest", "templates", "workers") for path in (ROOT / root).rglob("*"))
    readable = (path for path in files if path.suffix in {".py", ".html", ".js", ".css"})

    assert {str(path.relative_to(ROOT)) for path in readable if "quiet_day" in path.read_text()} == QUIET_DAY


@pytest.mark.parametrize("path", DERIVED)
def test_what_is_derived_names_no_preference_in_an_attribute_or_as_a_key(path: str) -> None:
    names = "|".join(set(preference_fields.FIELDS) - {"topics", "limit", "time_zone", "paused_until"})

    assert re.findall(rf"""["']({names})["']""", (ROOT / path).read_text()) == []


@MAINLY_SQLITE
@pytest.mark.usefixtures("several_sources")
def test_every_preference_has_a_field_in_the_form_and_a_column_in_the_export() -> None:
    texts = preference_form.with_defaults({})
    form_fields = [field.name for fields in preference_form.grouped_fields(texts).values() for field in fields]

    assert sorted(form_fields) == sorted(preference_fields.FIELDS)
    assert set(preference_fields.FIELDS) <= set(csv_import_export.COLUMNS)


@MAINLY_SQLITE
@pytest.mark.usefixtures("several_sources")
def test_a_sign_up_offers_all_but_the_pause() -> None:
    fields = preference_form.grouped_fields(preference_form.with_defaults({}), sign_up=True)

    assert {field.name for group in fields.values() for field in group} == set(Preferences.model_fields) - {
        "paused_until"
    }


@MAINLY_SQLITE
@pytest.mark.usefixtures("several_sources")
def test_the_api_describes_preferences_with_the_texts_of_the_form() -> None:
    schema = PreviewRequest.model_json_schema()["properties"]

    assert {name: schema[name]["title"] for name in SignUpPreferences.model_fields if name != "limit"} == {
        name: preference_fields.preferences()[name].label for name in SignUpPreferences.model_fields if name != "limit"
    }


@MAINLY_SQLITE
@pytest.mark.usefixtures("several_sources")
def test_a_number_keeps_its_bounds_in_the_form() -> None:
    fields = preference_form.grouped_fields(preference_form.with_defaults({}))

    assert [(field.minimum, field.maximum) for field in fields["details"] if field.name == "limit"] == [(1, 50)]
