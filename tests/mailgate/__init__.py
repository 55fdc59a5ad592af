"""Checks of mails before a release: third-party checkers over many different mails."""
