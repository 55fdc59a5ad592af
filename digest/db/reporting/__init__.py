"""Figures for the administrator's page."""
