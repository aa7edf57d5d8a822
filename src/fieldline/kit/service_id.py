"""What messages, events and the state of the machine call the server process that they are of.

Source: ThingsBoard's ``serviceId``, which is the host's name there as well.
"""

import socket

SERVICE_ID = socket.gethostname()[:255] or "fieldline"
"""The host's name."""
