"""Saboteurs: for each check a switch that breaks the rule it stands for; a check that then passes proves nothing.

Nothing of production code knows of them. A broken service is started by `proof.saboteurs.broken`, beside the whole one;
a broken gateway is nginx with another line in its configuration. `make saboteurs` undoes each when its check has run.
"""
