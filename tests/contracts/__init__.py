"""Suites that every adapter of a port inherits."""
