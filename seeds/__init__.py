"""The seed documents, their parsers, and the demo's subscribers."""
