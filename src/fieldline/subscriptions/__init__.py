"""Who watches what: fans saved values out to WebSocket sessions."""
