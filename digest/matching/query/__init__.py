"""The query language: parser, syntax tree, error messages, and what a profile may cost."""
