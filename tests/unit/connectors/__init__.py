"""What connectors do without a broker."""
