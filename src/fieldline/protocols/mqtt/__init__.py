"""MQTT 3.1, 3.1.1 and 5 without input and output: packets, codec, reader and the server's session.

Source: OASIS MQTT 3.1.1 (2014-10-29) and OASIS MQTT 5.0 (2019-03-07).
"""
