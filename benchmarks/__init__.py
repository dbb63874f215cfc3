"""What mcoflow costs, beside what the broker alone can do, measured in one run on one machine."""
