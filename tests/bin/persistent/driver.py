"""The process that splunkd starts for persistent handlers, by its protocol.

    python driver.py < packets > replies

A packet is a byte of flags (1: first of a request, 2: has a block, 4: last), with the first the
number of words of the command, each word and the argument as `<length>\\n<bytes>`, then the block.
The reply to a first packet is an empty text, or an error; to a block, what `handle` returns, a dict
as JSON. Replies are `<length>\\n<bytes>`. The script is loaded once, under a name of its own, and
must have exactly one class that derives from `PersistentServerConnectionApplication`.
Source: restmap.conf.spec (`scripttype = persist`), which names persistconn/appserver.py.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
from pathlib import Path
from typing import Any

FIRST, BLOCK, LAST = 1, 2, 4
_BASE = "PersistentServerConnectionApplication"
_STDIN, _STDOUT = sys.stdin.buffer, sys.stdout.buffer


def _number() -> int:
    line = b""
    while not line:
        line = _STDIN.readline().strip()
    return int(line)


def _bytes() -> bytes:
    return _STDIN.read(_number())


def _reply(content: str | dict[str, Any]) -> None:
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    encoded = text.encode()
    _STDOUT.write(b"%d\n%b" % (len(encoded), encoded))
    _STDOUT.flush()


def _handler_class(script: str) -> Any:  # noqa: ANN401
    name = "handler__" + "".join(one if one.isalnum() else "_" for one in Path(script).stem)
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    found = [
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__name__ != _BASE and _BASE in [base.__name__ for base in one.mro()]
    ]
    (handler,) = found
    return handler


def main() -> None:
    """Serve packets until stdin ends."""
    classes: dict[str, Any] = {}
    handler: Any = None
    while flags := _STDIN.read(1):
        if flags == b"\n":
            continue
        if flags[0] & FIRST:
            command = [_bytes().decode() for _ in range(_number())]
            argument = _bytes().decode()
            if command[0] not in classes:
                classes[command[0]] = _handler_class(command[0])
            handler = classes[command[0]](command[1:], argument or None)
            _reply("")
        if flags[0] & BLOCK:
            _reply(handler.handle(_bytes()))
        if flags[0] & LAST:
            handler.done()


if __name__ == "__main__":
    main()
