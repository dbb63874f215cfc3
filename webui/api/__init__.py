"""webui.api."""
