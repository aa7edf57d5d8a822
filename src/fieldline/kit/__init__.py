"""Small pure helpers, one per file; nothing here knows the rest of Fieldline."""
