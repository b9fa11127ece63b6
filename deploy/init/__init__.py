"""What has to be there before the containers start: credentials, the broker's password file and access list.

Also what an owner asks of the stack as a whole: the few questions of the set-up, a bridge to another broker, backup and
restore. It runs in a container of its own that has every volume and ends at once: `docker compose run --rm init`.
"""
