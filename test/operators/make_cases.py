"""Writes cases/<OpType>.json: operator cases with expected values and gradients.

    python make_cases.py             # every operator
    python make_cases.py Conv Resize # some of them
"""

import importlib
import sys

FAMILIES = ["convolution", "pooling", "elementwise", "normalization", "linear", "resize", "sampling", "layout",
            "reduction", "further", "indexing", "contraction", "functions", "microsoft",
            "recurrent"]


def main(wanted: set[str]) -> None:
    total = 0
    for family in FAMILIES:
        for build in importlib.import_module(family).SUITES:
            suites = build()
            for suite in suites if isinstance(suites, list) else [suites]:
                if wanted and suite.key not in wanted:
                    continue
                size = suite.write()
                total += len(suite.cases)
                print(f"{suite.key:40}{len(suite.cases):4} cases{size / 1024:8.1f} kB")
    print(f"{total} cases")


if __name__ == "__main__":
    main(set(sys.argv[1:]))
