"""What was outdated of the tokens that are out: a logged-out session, a changed password."""
