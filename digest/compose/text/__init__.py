"""Text of mails: wrapping, excerpts, marked words, author lines."""
