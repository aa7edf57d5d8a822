"""What devices and assets share: a name, a type with its profile, and perhaps a customer."""
