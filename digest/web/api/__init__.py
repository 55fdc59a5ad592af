"""The API, the webhook for bounces, health and metrics."""
