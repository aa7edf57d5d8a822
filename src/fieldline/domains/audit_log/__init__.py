"""Who did what: a record of each thing that a user changed."""
