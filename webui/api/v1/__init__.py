"""webui.api.v1: our own API. Routes ask services and answer in shapes; the document is made of both."""
