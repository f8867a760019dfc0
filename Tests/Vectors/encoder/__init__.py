"""An encoder of the protocol, from protocol.md alone; shares nothing with the Swift codec."""
