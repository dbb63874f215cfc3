"""Concrete parts put together: the only place that knows them all. Heavy parts are imported when needed."""

from mcoflow.bootstrap.client import client
from mcoflow.bootstrap.deployment import Deployment
from mcoflow.bootstrap.deployments import agent, embedded, executor, web

__all__ = ["Deployment", "agent", "client", "embedded", "executor", "web"]
