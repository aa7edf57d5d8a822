"""A calculated field: something derived from an entity's values; today the alarm rule."""
