"""Evidence: signed statements, the transparency log that holds them, and the verifier that believes nothing else.

An `envelope.Envelope` is unverified bytes; `verify.verify_envelope` alone turns it into `verify.Evidence`, and
`chain.assemble` turns evidence into a `chain.Dossier` about one release. Everything here needs the standard library
and `cryptography` and nothing more, so that proof can be checked where no machine-learning library is installed.
"""
