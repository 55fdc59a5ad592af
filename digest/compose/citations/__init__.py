"""Papers as bibliography entries: BibTeX, RIS, CSL-JSON, and the meta tags that reference managers read. Pure."""
