"""Names for the array types that measures take and give."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""float64, of any shape."""

Ints = npt.NDArray[np.int64]
"""int64, of any shape."""

Bools = npt.NDArray[np.bool_]
"""Booleans, of any shape."""

Numbers = npt.NDArray[Any]
"""Integers, floats or booleans, of any shape."""
