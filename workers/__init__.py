"""Composition root, Celery app, tasks, scheduler, supervisor."""
