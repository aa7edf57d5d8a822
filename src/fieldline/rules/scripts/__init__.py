"""JavaScript of rule nodes: sandboxes, and the threads that they run in."""
