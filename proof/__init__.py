"""The proof that the promises are kept: what is made from the register, the audit, the saboteurs, the supply chain."""
