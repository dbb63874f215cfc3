"""Other tools on the same machine, installed for the benchmark alone."""
