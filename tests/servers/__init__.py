"""Private servers for tests: each test session starts its own, on a free port, and stops it."""
