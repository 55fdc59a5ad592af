"""Tests of the seed documents and their parsers."""
