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

sys.dont_write_bytecode = True
import model

schema = json.loads(pathlib.Path(__file__).with_name(
    'report.schema.json').read_text('utf-8'))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
faults = []
for name in sys.argv[1:] or ['/dev/stdin']:
    try:
        report = model.read_json(pathlib.Path(name).read_bytes().decode(),
                                 int, float)
        faults += [(name, *error.absolute_path, error.message[:200])
                   for error in validator.iter_errors(report)]
    except ValueError as error:
        faults.append((name, error))
print(*faults[:5], sep='\n', file=sys.stderr)
sys.exit(len(faults) > 0)
