"""Rendering: templates, forms, charts."""
