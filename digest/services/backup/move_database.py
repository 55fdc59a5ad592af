"""`digest move`: everything into another database, compared row by row.

Reading, writing and comparing rows: `db/core/table_transfer.py`.
"""

from __future__ import annotations

from digest import settings
from digest.db.core import database_failures, schema_migration, table_transfer
from digest.db.core.engine import engine, engine_for
from digest.db.core.table_transfer import TransferredTable
from digest.errors import BadInput, Misconfigured, Refused, Transient
from digest.redis import running_instance


def move_database(address: str) -> list[TransferredTable]:
    """Copy all tables to the empty database at `address`; the present one stays as it is.

    Raises BadInput for an invalid address, the database of another program or a value that does not fit there, Refused
    where the service runs or the target is not empty, Transient where the target fails. Nothing is stored there then,
    except empty tables.
    """
    instance = running_instance.find_instance(settings.get().data_dir)
    if instance is not None:
        raise Refused(f"the service runs (process {instance.pid}); stop it first, or what it writes now is lost")
    try:
        target = engine_for(address)
    except Misconfigured as error:
        raise BadInput("--to: expected postgresql://… or sqlite:///…", field="to") from error
    if target is engine():
        raise BadInput("--to: that is the present database", field="to")
    schema_migration.require_newest()
    try:
        return table_transfer.transfer(engine(), target)
    except database_failures.FAILURES as error:
        schema_migration.current_revision()  # raises where it is the present database that fails
        problem, cure = database_failures.problem_and_cure(error)
        raise Transient(_about_target(f"{problem}; {cure}; nothing was stored there")) from error
    except Misconfigured as error:
        raise BadInput(_about_target(str(error)), field="to") from error
    except Refused as error:
        raise Refused(_about_target(f"{error}; name an empty one")) from error
    finally:
        target.dispose()


def _about_target(text: str) -> str:
    """A message about the configured database, as one about the target."""
    text = text.replace(": DIGEST_DATABASE_URL, or DIGEST_DATA_DIR", "")
    return f"--to: {text.replace('DIGEST_DATABASE_URL', 'that address')}"
