"""Cedar admission: thresholds that scientists edit become rules that decide, over verified evidence, what is promoted.

`policy.load` compiles a folder to Cedar, validates it and gives it a digest; `admit.evaluate` holds a dossier
against it, rule by rule; `admit.admit` alone makes an `Admitted`, which is all that a server boots from.
"""
