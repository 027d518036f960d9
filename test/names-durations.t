#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Durations in names, to the microsecond as CPython's timedelta has them."""
import datetime
import os
import random
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import tap

COUNT = 300000
MICROSECOND = datetime.timedelta(microseconds=1)
GRAMMAR = re.compile(r'([0-9]+\.?[0-9]*|\.[0-9]+)([eE]\+?[0-9]+)?', re.ASCII)


def wanted(text):
    seconds = float(text) if GRAMMAR.fullmatch(text) else 4000
    if seconds >= 4000:
        return 'bad'
    us = datetime.timedelta(seconds=seconds) // MICROSECOND
    return str(us) if us <= 3600 * 10**6 else 'bad'


def digits(rng, most):
    return ''.join(rng.choices('0123456789', k=rng.randint(1, most)))


HALVES = ('5', '50', '4999999999', '5000000001', '49999999999999',
          '50000000000000000001', '4' + 30 * '9')
KINDS = {
    'plain': lambda r: '%d.%s' % (r.randint(0, 12), digits(r, 6)),
    'as Python prints a float': lambda r: repr(r.uniform(0, r.choice(
        (3, 60, 3610)))),
    'a long fraction': lambda r: '%d.%s' % (r.randint(0, 3605),
                                            digits(r, 40)),
    'about half a microsecond': lambda r: '%d.%06d%s' % (
        r.choice((0, 1, 2, 3, 5, 60, 1800, 3599, 3600)),
        r.randint(0, 999999), r.choice(HALVES)),
    'an exponent': lambda r: '%s%s%s%s%d' % (
        digits(r, 3), r.choice(('', '.', '.' + digits(r, 9))), r.choice('eE'),
        r.choice(('', '+')), r.choice((0, 1, 2, 3, 4, 10, 300, 400, 10**25))),
    'zeros and an exponent': lambda r: '0.%s%se%d' % (
        '0' * r.randint(0, 20), digits(r, 20), r.randint(0, 24)),
    'about an hour': lambda r: '%d.%s%s' % (
        r.choice((3599, 3600)), r.choice('09') * 6, digits(r, 9)),
    'whole seconds': lambda r: r.choice(('', '0', '000')) + digits(r, 5)
    + r.choice(('', '.')),
    'any of the characters': lambda r: ''.join(r.choices(
        '0123456789..eE+-_ xinfa', k=r.randint(1, 7))),
}
for number, (kind, make) in enumerate(KINDS.items()):
    rng = random.Random(number)
    texts = [make(rng) for _ in range(COUNT // len(KINDS))]
    done = subprocess.run(
        [os.path.join(sys.path[0], 'parse'), '--durations'], text=True,
        check=True, input='\n'.join(texts) + '\n', capture_output=True)
    got = done.stdout.splitlines()
    wrong = [(text, us, wanted(text)) for text, us in zip(texts, got)
             if us != wanted(text)]
    tap.ok(len(got) == len(texts) and not wrong, kind, *wrong[:5])
tap.done()
