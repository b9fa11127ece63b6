"""Home Assistant over MQTT discovery: a service's table of entities becomes what Home Assistant shows and steers.

A service describes its devices with the classes of :mod:`.entities` and gives them to :class:`.announcer.Discovery`.
Only this package knows the topics and payloads of discovery; which topics a value or a command has, and what they
mean, is in the service's table. Needs Home Assistant 2024.11 or later, where device payloads came.
"""
