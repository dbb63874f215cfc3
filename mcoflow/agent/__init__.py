"""mcoflow.agent."""
