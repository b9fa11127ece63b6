"""The bus over MQTT 3.1.1. Only `connection` imports paho."""
