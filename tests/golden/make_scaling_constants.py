"""Write `scaling_constants.json`: what scikit-learn's scalers fit on a small table.

Run        python tests/golden/make_scaling_constants.py     (needs scikit-learn; made with 1.9.1)
"""

import json
from pathlib import Path

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler


def main() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    scales, centres = np.array([1e-3, 1.0, 40.0, 1e5]), np.array([0.0, -2.0, 1e3, 1e6])
    table = (rng.normal(size=(23, 4)) ** 3 * scales + centres).astype(np.float32)
    wide = table.astype(np.float64)
    scalers = {
        "standard": StandardScaler(),
        "minmax": MinMaxScaler(),
        "robust": RobustScaler(),
        "unit": MaxAbsScaler(),
    }
    document = {
        "table": table.tolist(),
        "scaled": {name: one.fit_transform(wide).tolist() for name, one in scalers.items()},
    }
    path = Path(__file__).with_name("scaling_constants.json")
    path.write_text(json.dumps(document) + "\n")


main()
