"""Protocol Buffers: schemas as proto3 text, messages to JSON documents and back."""
