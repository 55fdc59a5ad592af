"""Templates of mails and pages, read through importlib.resources."""
