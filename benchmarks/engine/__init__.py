"""The engine alone: no broker, no hosts; each figure with CPU and SQL statements per unit."""
