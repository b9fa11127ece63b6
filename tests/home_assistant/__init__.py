"""A real Home Assistant in a container, against a real broker, without any way to the internet."""
