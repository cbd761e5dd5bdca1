"""Reads rules as pySigma does and converts them: the part that runs in the environment `sigma`.

    .venv/sigma/bin/python tools/build/sigma/converter.py < request.json > answer.json

request: rules (text by name), pipelines (text by name), backends (names of BACKENDS).
answer: issues: of pySigma's own validators; queries: rule, pipeline, backend -> queries, or
{"cannot": why} for a feature that a backend does not have.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sigma.collection import SigmaCollection  # type: ignore[import-not-found]
from sigma.exceptions import (  # type: ignore[import-not-found]
    SigmaConversionError,
    SigmaFeatureNotSupportedByBackendError,
)
from sigma.processing.pipeline import ProcessingPipeline  # type: ignore[import-not-found]
from sigma.validation import SigmaValidator  # type: ignore[import-not-found]
from sigma.validators.core import validators  # type: ignore[import-not-found]

BACKENDS = {
    "sqlite": ("sigma.backends.sqlite", "sqliteBackend"),
    "splunk": ("sigma.backends.splunk", "SplunkBackend"),
    "lucene": ("sigma.backends.elasticsearch", "LuceneBackend"),
    "esql": ("sigma.backends.elasticsearch", "ESQLBackend"),
    "opensearch_ppl": ("sigma.backends.opensearch", "OpenSearchPPLBackend"),
    "kusto": ("sigma.backends.kusto", "KustoBackend"),
}
# They fetch the lists of MITRE; our ids are compared with mappings/attack.yaml.
_ONLINE = ("attacktag", "d3_fendtag")
# The error of a backend for a correlation upon a correlation that it has no way for.
_NOT_NESTED = "Conversion result not available"


def main() -> None:
    """Standard input to standard output."""
    request = json.load(sys.stdin)
    queries = {
        name: {
            pipeline: {backend: _converted(text, steps, backend) for backend in request["backends"]}
            for pipeline, steps in {"fields": None, **request["pipelines"]}.items()
        }
        for name, text in request["rules"].items()
    }
    json.dump({"issues": _issues(request["rules"]), "queries": queries}, sys.stdout)


def _issues(rules: dict[str, str]) -> list[str]:
    """The issues of the validators that come with pySigma in all rules together."""
    collection = SigmaCollection.merge([SigmaCollection.from_yaml(rule) for rule in rules.values()])
    validator = SigmaValidator({rule for name, rule in validators.items() if name not in _ONLINE})
    errors = [str(error) for error in collection.errors]
    return errors + [str(issue) for issue in validator.validate_rules(iter(collection.rules))]


def _converted(text: str, steps: str | None, backend: str) -> list[Any] | dict[str, str]:
    module, name = BACKENDS[backend]
    pipeline = None if steps is None else ProcessingPipeline.from_yaml(steps)
    make: Callable[..., Any] = getattr(import_module(module), name)
    try:
        return [*make(processing_pipeline=pipeline).convert(SigmaCollection.from_yaml(text))]
    except (SigmaFeatureNotSupportedByBackendError, NotImplementedError) as error:
        return {"cannot": str(error)}
    except SigmaConversionError as error:
        if _NOT_NESTED not in str(error):
            raise
        return {"cannot": "a correlation of correlations"}


if __name__ == "__main__":
    main()
