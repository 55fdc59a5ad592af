"""A sender process for tests: sends from the outbox until nothing is due. Settings come from the environment."""

from __future__ import annotations

from digest import settings
from digest.mail.outbox.sender import deliver_due
from digest.mail.smtp import transport
from tests.outbox import PlainComposer


def main() -> None:
    while deliver_due(PlainComposer(), settings.get(), seconds=10).more:
        pass
    transport.close_all()


if __name__ == "__main__":
    main()
