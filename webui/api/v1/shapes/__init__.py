"""webui.api.v1.shapes: what the API takes and answers, one model per shape."""
