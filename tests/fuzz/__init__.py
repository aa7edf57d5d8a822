"""Random input: nothing of it ends more than its own request or connection.

The API gets requests that follow its own document: no 5xx, nothing that it does not say. MQTT's
codec, sessions and server get damaged streams.
"""
