"""A dashboard: widgets and their layout, shown to those customers that it is assigned to."""
