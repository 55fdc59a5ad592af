"""The mails' templates: complete, and readable in light and in dark."""

from __future__ import annotations

from importlib import resources

import pytest

from digest.compose.email import template_environment

KINDS = [
    "digest", "notice", "confirmation", "link", "export", "erase", "change-address", "new-address", "moved", "sign-in",
    "alarm", "test", "run-report",
]  # fmt: skip
LIGHT = [
    "#1c1b19 #fffdf9",
    "#5c5852 #fffdf9",
    "#0b5566 #fffdf9",
    "#a63d12 #fffdf9",
    "#1c1b19 #fdf0c4",
    "#fffdf9 #0b5566",
]
DARK = [
    "#ebe8e2 #1b1d21",
    "#b3aea5 #1b1d21",
    "#86cbd9 #1b1d21",
    "#f2a884 #1b1d21",
    "#ebe8e2 #4a431f",
    "#121316 #86cbd9",
]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_has_a_subject_a_text_and_a_page(kind: str) -> None:
    folder = resources.files("templates").joinpath("email", kind)

    assert sorted(file.name for file in folder.iterdir()) == ["body.html", "body.txt", "subject.txt"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_compiled_once(kind: str) -> None:
    assert template_environment.html_template(kind) is template_environment.html_template(kind)


@pytest.mark.parametrize("pair", LIGHT + DARK)
def test_colours_are_used_and_have_contrast(pair: str) -> None:
    ink, ground = pair.split()
    layout = resources.files("templates").joinpath("email", "layout.html").read_text(encoding="utf-8")
    source = resources.files("digest").joinpath("compose", "text", "highlighting.py").read_text(encoding="utf-8")
    lighter, darker = sorted([luminance(ink), luminance(ground)], reverse=True)

    assert ink in layout + source
    assert ground in layout + source
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
