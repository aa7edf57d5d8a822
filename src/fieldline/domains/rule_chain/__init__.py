"""Rule chains: what a tenant wants done with the messages of its things, as a graph of nodes."""
