"""The whole stack on one machine: `python -m deploy.local up|down|status|restart|topology|testbed|testbed-down`."""
