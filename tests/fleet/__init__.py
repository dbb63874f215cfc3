"""Three real hosts: an agent process each, on a network of their own if this machine lets tests have one."""
