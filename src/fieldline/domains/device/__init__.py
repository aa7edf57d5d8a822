"""A device: a thing in the field that sends readings and takes commands."""
