"""The buses; only ``app`` names one."""
