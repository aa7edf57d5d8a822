"""The tables of every domain, for tests that use only some of them.

A foreign key names its table by text: the model of that table must be known before
a row is written.
"""

import importlib.util
import pkgutil

import fieldline.domains


def import_models() -> None:
    """Import the models of every domain, as the running platform has them."""
    for module in pkgutil.iter_modules(fieldline.domains.__path__):
        name = f"fieldline.domains.{module.name}.models"
        if importlib.util.find_spec(name):
            importlib.import_module(name)
