"""E-mails: the digest, all others, their parts and wording."""
