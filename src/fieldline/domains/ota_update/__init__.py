"""OTA updates: which package each device was told of, and telling those that get another one."""
