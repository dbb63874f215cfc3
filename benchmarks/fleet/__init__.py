"""A fleet of simulated hosts: mcoflow beside the broker alone, at 1,000, 5,000 and 10,000 hosts."""
