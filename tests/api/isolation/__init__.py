"""What ``tests/api/test_isolation.py`` calls, as whom, and what must stay hidden from them."""
