"""Photos of a fault: told by content, and drawn anew in a process of its own before anybody keeps or shows them."""
