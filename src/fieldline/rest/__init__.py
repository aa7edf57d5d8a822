"""What every REST endpoint is given: the services, a session, the caller, a page."""
