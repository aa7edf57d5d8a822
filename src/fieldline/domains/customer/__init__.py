"""Whom a tenant serves: things are assigned to customers, whose users see them."""
