"""The standard steps: plain functions of typed inputs and parameters, run one by one in the sandbox.

One module a step, so that a change to one leaves the proven results of the others in force. Each glues a workshop
(`data`, `train`, `assess`) to the artifacts of the graph: tables travel as Parquet, records as JSON, the schema as the
TOML text that its owner reads. A step knows no key, no store and no path but its inputs.
"""
