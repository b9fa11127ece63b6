"""The whole stack on this machine, with a virtual printer: `make demo`."""
