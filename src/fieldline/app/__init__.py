"""The composition root: builds every part, wires them together, and runs them.

The only place that knows all parts and names the backends. Importing it takes a second, so commands
import from it when they run.
"""
