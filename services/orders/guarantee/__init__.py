"""The harmonised notice on the legal guarantee of conformity, which a shop that sells to consumers in the EU shows."""
