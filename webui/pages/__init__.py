"""webui.pages."""
