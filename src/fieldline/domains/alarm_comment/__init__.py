"""Comments on alarms: what users say of them, and what the platform notes of their life."""
