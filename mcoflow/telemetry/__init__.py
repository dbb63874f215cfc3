"""Metrics for Prometheus: an observer of the engine, gauges of the database, and the text of both."""

from mcoflow.telemetry.backlog import BacklogGauges
from mcoflow.telemetry.endpoint import Endpoint
from mcoflow.telemetry.prometheus import Prometheus

__all__ = ["BacklogGauges", "Endpoint", "Prometheus"]
