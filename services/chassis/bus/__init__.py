"""Messages in and out: one port, and an adapter a broker."""
