"""Messages: MIME, quoted-printable, DKIM."""
