"""Turns a chat into messages on link/chat and posts replies. It decides nothing about moves."""
