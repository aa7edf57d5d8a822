"""The edge for people: the HTTP application, its error tables, WebSocket."""
