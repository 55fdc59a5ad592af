"""The Celery tasks, a module for each queue. Each task takes ids, makes one call, and may run twice."""

from workers.tasks import background_tasks, delivery_tasks, ingestion_tasks, selection_tasks

__all__ = ["background_tasks", "delivery_tasks", "ingestion_tasks", "selection_tasks"]
