"""The console script: Ctrl-C ends it quietly with exit code 130, even while modules are imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digest.cli.exit_codes import EXIT_INTERRUPTED

SCRIPT = Path(sys.executable).with_name("digest")
INTERRUPT = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
IN_FINALIZER = """
import os, signal
class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
Interrupted()
"""


def run_with_module(folder: Path, name: str, source: str, *, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """`digest restore`, where a module of that name is found first that consists of `source`.

    `ignored`: SIGINT is ignored when the process starts, as in a background job of a shell script.
    """
    (folder / f"{name}.py").write_text(source)
    return subprocess.run(
        [str(SCRIPT), "restore", "backup.tar.gz"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL),
    )


@pytest.mark.parametrize("source", [INTERRUPT, IN_FINALIZER])
@pytest.mark.parametrize("module", ["typer", "itsdangerous"])
def test_ctrl_c_while_the_command_line_is_imported_ends_it_without_a_traceback(
    module: str, source: str, tmp_path: Path
) -> None:
    result = run_with_module(tmp_path, module, source)

    assert (result.returncode, result.stdout, result.stderr) == (EXIT_INTERRUPTED, "", "")


@pytest.mark.parametrize("module", ["dotenv", "sqlalchemy"])
def test_ctrl_c_while_a_command_imports_what_it_needs_ends_it_without_a_traceback(module: str, tmp_path: Path) -> None:
    result = run_with_module(tmp_path, module, INTERRUPT)

    assert (result.returncode, result.stdout, result.stderr) == (EXIT_INTERRUPTED, "", "")


def test_a_background_job_of_a_shell_script_still_ignores_ctrl_c(tmp_path: Path) -> None:
    result = run_with_module(tmp_path, "typer", f"{INTERRUPT}raise SystemExit(7)", ignored=True)

    assert result.returncode == 7
