"""mcoflow: durable remote commands on many hosts, over a message bus."""

__version__ = "0.1.0"
