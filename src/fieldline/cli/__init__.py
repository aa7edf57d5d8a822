"""The ``fieldline`` command: one file per sub-command; each parses arguments and calls the app.

Importing the platform makes some hundred thousand objects that stay; looking through them again and
again for garbage costs a start a third of a second. So the collector rests until the server is up
(``app/server.py`` wakes it).
"""

import gc

gc.disable()
