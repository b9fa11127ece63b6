"""The services of Boardcast: independent processes that share `contracts` and `services.chassis` and nothing else."""
