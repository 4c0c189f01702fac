"""How Padlock is run: the stack on one machine, the gateway, and the tools that act on them from outside."""
