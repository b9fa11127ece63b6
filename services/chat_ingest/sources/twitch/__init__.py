"""Twitch chat: twitchio for the protocol, and around it what it takes to hear everything for weeks.

client.py is the only file that touches twitchio's inside; bodies.py reads Twitch's own JSON.
"""
