"""Exit codes of the commands, as README lists them."""

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
EXIT_BEHIND, EXIT_NEWER = 3, 4  # of `digest migrate --check`: the schema is older, or of a newer release
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
EX_TEMPFAIL = 75  # sysexits.h: a mail server keeps the message and tries again
