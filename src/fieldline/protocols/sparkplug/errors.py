"""What an edge node sends that is none of Sparkplug's, and what the platform cannot write."""

from fieldline.kit.errors import FieldlineError, Invalid


class MalformedPayload(Invalid):
    """A payload that is no Sparkplug payload, or that breaks its rules."""


class NotWritable(FieldlineError):
    """A command that no metric takes; its text goes to whoever sent it."""
