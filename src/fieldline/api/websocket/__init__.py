"""WebSocket for people: live readings and attributes, in ThingsBoard's two command styles."""
