"""The agents that are shipped; more come as plug-ins."""
