"""Features that clients ask for on ordinary pages and that Fieldline does not have.

Each answer is the one that ThingsBoard gives where the feature is not set up, and is true here:
nothing is stored of them, and there is no call that could set them up.
"""
