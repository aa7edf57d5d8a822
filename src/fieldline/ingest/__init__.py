"""The one door from device to platform, and the way back."""
