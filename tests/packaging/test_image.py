"""`.ci/image.py` can carry out the Dockerfile: it knows each instruction, and what the last image is set to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image", ROOT / ".ci" / "image.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["image"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_settings_of_the_last_image_are_those_of_the_dockerfile(image: ModuleType, tmp_path: Path) -> None:
    stage = image.ImageBuilder(tmp_path, tmp_path / "base", is_built=True).build(DOCKERFILE)

    assert (stage.user, stage.workdir, stage.volumes) == ("10001:10001", "/data", ["/data"])
    assert (stage.entrypoint, stage.command) == (["digest"], ["web"])
    assert stage.healthcheck == ["digest", "healthcheck", "web"]
    assert stage.environment["PATH"].startswith("/opt/digest/bin:/usr/local/bin:")


def test_continued_lines_are_joined_and_comments_left_out(image: ModuleType) -> None:
    text = "# a comment\nRUN one \\\n    && two\n\nENV A=b\n"

    assert list(image.instructions(text)) == [("RUN", "one      && two"), ("ENV", "A=b")]


def test_an_unknown_instruction_is_refused(image: ModuleType, tmp_path: Path) -> None:
    builder = image.ImageBuilder(tmp_path, tmp_path / "base", is_built=True)

    with pytest.raises(ValueError, match="ONBUILD"):
        builder.build("FROM base\nONBUILD RUN true\n")
