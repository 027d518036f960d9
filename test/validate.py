#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Validates JSON reports, files or stdin, against report.schema.json.

Stricter than most readers: bytes that are not UTF-8, a key that stands twice
in one object, NaN and Infinity are errors as well.
"""
import json
import pathlib
import sys

import jsonschema

SCHEMA = pathlib.Path(__file__).with_name("report.schema.json")
SHOWN = 5


def unique(pairs):
    """Makes an object of its members, each of which may stand there once."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice in %r" % [key for key, _ in pairs])
    return members


def refuse(constant):
    raise ValueError("no JSON: " + constant)


def faults(validator, data):
    """Returns what is wrong with the bytes of a report, a line for each."""
    try:
        report = json.loads(data.decode("utf-8"), object_pairs_hook=unique,
                            parse_constant=refuse)
    except ValueError as error:
        return [str(error)]
    return ["%s: %s" % ("/".join(map(str, error.absolute_path)),
                        error.message[:200])
            for error in validator.iter_errors(report)]


def main(names):
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    status = 0
    for name in names or ["-"]:
        data = (sys.stdin.buffer.read() if name == "-"
                else pathlib.Path(name).read_bytes())
        for fault in faults(validator, data)[:SHOWN]:
            print("%s: %s" % (name, fault), file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
