#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The functions of segparse.c that read and print names, durations, times and
UTF-8, each asked by parse.c. Durations are to the microsecond as CPython's
timedelta has them."""
import datetime
import os
import random
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import tap

MICROSECOND = datetime.timedelta(microseconds=1)
EPOCH = datetime.datetime(1970, 1, 1)
GRAMMAR = re.compile(r'([0-9]+\.?[0-9]*|\.[0-9]+)([eE]\+?[0-9]+)?', re.ASCII)
BASE64URL = ('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
             '0123456789-_')


def says(function, texts, wanted, what, see=str):
    """Each text, or bytes, gets the line that is wanted, as `see` sees it."""
    texts = [os.fsencode(text) for text in texts]
    done = subprocess.run(
        [os.path.join(sys.path[0], 'parse'), function], check=True,
        input=b''.join(text + b'\0' for text in texts), capture_output=True)
    got = [see(line) for line in done.stdout.decode().split('\n')[:-1]]
    wanted = list(wanted)
    wrong = [one for one in zip(texts, got, wanted) if one[1] != one[2]]
    tap.ok(len(got) == len(texts) == len(wanted) > 0 and not wrong,
           what, len(got), *wrong[:5])


def table(function, rows, what):
    says(function, rows, rows.values(), what)


def bad(function, texts, what):
    says(function, texts, ['bad'] * len(texts), what)


table('name', {
    '45:51.608000-2.0-full-7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6pwOZM.ts':
    '2751608000 2000000 full',
    '00:00-0-full-AA.ts': '0 0 full',
    '00:00-3600-full-AAA.ts': '0 3600000000 full',
    '59:59.999999-1-suspect-AAAA.ts': '3599999999 1000000 suspect',
    '01:02.1-2.-partial-abcdef.ts': '62100000 2000000 partial',
    '01:02.12-.5-full-__-.ts': '62120000 500000 full',
    '01:02.123-2-full----.ts': '62123000 2000000 full',
    '01:02.1234-2-full--_.ts': '62123400 2000000 full',
    '01:02.00001-2-full-0123456.ts': '62000010 2000000 full',
    '01:02.000000-2-full-AA-full-AA.ts': '62000000 2000000 full',
    '09:09-2-full-ABCDEFGH.ts': '549000000 2000000 full',
    '00:00-2e+3-full-AA.ts': '0 2000000000 full',
    '00:02-2.0-temp-e5d83d8f-8d2f-4b3c-8a77-0e4a8c6f4f11.ts':
    '2000000 2000000 temp',
    '00:02-2.0-temp-A.ts': '2000000 2000000 temp',
    '00:02-2.0-temp-.ts': '2000000 2000000 temp',
    b'00:02-2.0-temp-a b\n\xff.ts.ts': '2000000 2000000 temp'}, 'names')
bad('name', [
    'ts', '.ts', '00:00.ts', '00:00-2.ts', '00:00-2-full.ts',
    '00:00-2-temp.ts', '00:00--2-full-AA.ts', '-00:00-2-full-AA.ts', '---.ts',
    '00:00-2--AA.ts', '00:00_2_full_AA.ts', '0:02-2-full-AA.ts',
    '00:2-2-full-AA.ts', '000:02-2-full-AA.ts', '00:002-2-full-AA.ts',
    '00:00.-2-full-AA.ts', '00:00.1234567-2-full-AA.ts',
    '00:00.1e1-2-full-AA.ts', '00:00:00-2-full-AA.ts',
    '\u0660\u0660:\u0660\u0662-2-full-AA.ts', '00:00-2-FULL-AA.ts',
    '00:00-2-fulls-AA.ts', '00:00-2-ful-AA.ts', '00:00-2- full-AA.ts',
    '00:00-2-suspec-AA.ts', '00:00-2-partialx-AA.ts', '00:00-2-TEMP-AA.ts',
    '00:00-2-tempx-AA.ts', '00:60-2-temp-AA.ts', '00:00-inf-temp-AA.ts',
    '00:00-inf-full-AA.ts', '00:00-3600.000001-full-AA.ts',
    '00:00-1e309-full-AA.ts', '00:00-1e12-full-AA.ts',
    '00:00-1e-3-full-AA.ts', '00:00-4294967297-full-AA.ts',
    '00:00-4294.967297-full-AA.ts', '00:00-2-full-.ts', '00:00-2-full-A.ts',
    '00:00-2-full--.ts', '00:00-2-full-ABCDE.ts', '00:00-2-full-ABCDEFGHI.ts',
    '00:00-2-full-AA==.ts', '00:00-2-full-AA/.ts', '00:00-2-full-AA.ts.ts',
    '00:00-2-full-AA\n.ts', '00:00-2-full-\u00e4.ts',
    b'00:00-2-full-A\xff.ts'], 'bad names')

NAME = b'00:00.0-1.0e1-full-7IS92rssMzoSBQDIevHStbTNy-URRV3Vw-jzZ6p.ts'
ALLOWED = ['012345', '0123456789', ':', '012345', '0123456789', '.',
           '0123456789', '-', '0123456789', '.0123456789', '0123456789',
           'eE0123456789', '0123', *'-full-']
ALLOWED += [BASE64URL] * (len(NAME) - 3 - len(ALLOWED))
changed = [(place, byte) for place in range(len(ALLOWED))
           for byte in range(1, 256)]
says('name', [NAME[:place] + bytes([byte]) + NAME[place + 1:]
              for place, byte in changed],
     [chr(byte) in ALLOWED[place] for place, byte in changed],
     'one byte of a name changed', lambda line: line != 'bad')


# durations

def python_says(text):
    seconds = float(text) if GRAMMAR.fullmatch(text) else 4000
    if seconds >= 4000:
        return 'bad'
    us = datetime.timedelta(seconds=seconds) // MICROSECOND
    return str(us) if us <= 3600 * 10**6 else 'bad'


def digits(rng, most):
    return ''.join(rng.choices('0123456789', k=rng.randint(1, most)))


HALVES = ('5', '50', '4999999999', '5000000001', '49999999999999',
          '50000000000000000001', '4' + 30 * '9')
EDGES = [
    '2.0', '5.005000000000001', '2.', '.5', '0', '00000002.5',
    '0' * 240 + '2', '2.' + '0' * 240 + '1', '3600', '3600.', '1e3', '1E+3',
    '1.e1', '.1e1', '2e0', '2e' + '0' * 26, '1e' + '0' * 25 + '1',
    '0e999999999', '0.0e99999999999999999999', '0.00000000000000000001e20',
    '0.0000005', '0.0000015', '0.0000025', '1.0000005', '1.9999995',
    '2.0000004999999999999999999999', '3599.9999995', '3600.0000004',
    '3600.0000005', '3600.0000006', '3600.000001', '3601', '1e12',
    '999999999', '4294967296', '18446744073709551617', '18446744073709.551617',
    '1e308', '1e309', '1e400', '1e4294967296', '1e99999999999999999999',
    '1e18446744073709551616', '', '.', 'e', 'e5', '.e5', '2e', '2e+', '2e++1',
    '2e-1', '2e1.0', '2e1e1', '2 e1', '2..0', '2.0.0', '-2', '+2', '-0', ' 2',
    '2 ', '2\n', '2,0', '1_000', '2.0f', 'inf', 'Infinity', 'nan', '0x10',
    '0x1p1', '\u0662']
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
        '0123456789..eE+-_ xinfa', k=r.randint(1, 7)))}
says('seconds', EDGES, map(python_says, EDGES), 'durations')
for number, (kind, make) in enumerate(KINDS.items()):
    rng = random.Random(number)
    some = [make(rng) for _ in range(300000 // len(KINDS))]
    says('seconds', some, map(python_says, some), kind)
table('seconds', {
    '1/2': 'bad', '1/1': '1000000', '1/1.000001': 'bad', '0/0': '0',
    '0/0.000001': 'bad', '86400/86400': '86400000000',
    '4000000000/3155760000.25': '3155760000250000'}, 'their limits')

# times: every day of 400 years, all years, at changing hours
DAYS = [datetime.datetime(1900, 1, 1) + datetime.timedelta(hours=25 * day)
        for day in range(146097)] + [
            datetime.datetime(year, month, day, 23) for year in
            range(1, 10000) for month, day in ((1, 1), (2, 28), (12, 31))]
names = ['%04d-%02d-%02dT%02d' % date.timetuple()[:4] for date in DAYS]
says('hour', names, ['%d %s' % ((date - EPOCH) // MICROSECOND, name)
                     for date, name in zip(DAYS, names)], 'every day')
bad('hour', [
    '', '2025-11-15', '2025-11-15T', '2025-11-15T2', '2025-11-15T002',
    '2025-11-15T24', '2025-11-15t02', '2025-11-15 02', '2025-11-15T02 ',
    ' 2025-11-15T02', '2025-11-15T02\n', '2025-11-15T02Z', '2025-11-15T02:00',
    '2025-11-15T02.bak', '2025-11-15T-1', '2025-11-15T+1', '2025-11-15T 2',
    '2025-11-00T02', '2025-11-31T02', '2025-00-15T02', '2025-13-15T02',
    '2025-02-29T00', '1900-02-29T00', '2100-02-29T00', '2024-02-30T00',
    '0000-01-01T00', '10000-01-01T00', '+025-11-15T02', '-025-11-15T02',
    '025-11-15T02', '2025-1-15T02', '2025/11/15T02', '20251115T02',
    '2025-1a-15T02', '20\u0662-11-15T02', 'README'], 'bad hours')
table('time', {
    '2025-11-15': '1763164800000000 date',
    '2025-11-15T02': '1763172000000000',
    '2025-11-15 02': '1763172000000000',
    '2025-11-15 02:45': '1763174700000000',
    '2025-11-15T02:45:51': '1763174751000000',
    '2025-11-15T02:45:51.6': '1763174751600000',
    '2025-11-15 02:45:51.608001': '1763174751608001',
    '2025-11-15T02:45:51.608000Z': '1763174751608000',
    '2025-11-15T02Z': '1763172000000000',
    '2025-11-15T02:45Z': '1763174700000000',
    '2025-11-15T02+00:00': '1763172000000000',
    '2025-11-15T02-00:00': '1763172000000000',
    '2025-11-15T02+01:00': '1763168400000000',
    '2025-11-15T02-01:00': '1763175600000000',
    '2025-11-15T02:45+05:30': '1763154900000000',
    '2025-11-15T02:45:51-09:30': '1763208951000000',
    '2025-11-15T00:30+01:00': '1763163000000000',
    '2025-12-31T23:30-01:00': '1767227400000000',
    '1969-12-31T23:59:59.999999': '-1',
    '1969-12-31': '-86400000000 date',
    '2024-02-29': '1709164800000000 date',
    '9999-12-31T23:59:59.999999Z': '253402300799999999'}, 'instants')
bad('time', [
    '', 'now', '-6h', '2025', '2025-11', '2025-11-1', '2025-11-15T',
    '2025-11-15 ', ' 2025-11-15', '2025-11-15  02', '2025-11-15_02',
    '2025-11-15T24', '2025-11-15T02:60', '2025-02-29', '2025-04-31',
    '2025-13-01', '0000-01-01', '12025-11-15', '15.11.2025', '1763172000',
    *('2025-11-15T' + rest for rest in (
        '2', '02:', '02:4', '02:45:', '02:45:5', '02:45:51.',
        '02:45:51.6080001', '02:45:51,608', '02:45.5', '02:45:51 Z',
        '02:45:51ZZ', '02:45:51Z ', '02:45:51x', '02:45:51+1:00',
        '02:45:51+01', '02:45:51+01:', '02:45:51+01:0', '02:45:51+01:00x',
        '02:45:51+01:60', '02:45:51+24:00', '02:45:51Z+01:00',
        '02:45:60'))], 'bad instants')
table('print', {
    '0': '1970-01-01T00:00:00.000000Z 0',
    '1': '1970-01-01T00:00:00.000001Z 0.000001',
    '-1': '1969-12-31T23:59:59.999999Z -0.000001',
    '-500000': '1969-12-31T23:59:59.500000Z -0.5',
    '3600000000': '1970-01-01T01:00:00.000000Z 3600',
    '1763174751608000': '2025-11-15T02:45:51.608000Z 1763174751.608',
    '1709251199999999': '2024-02-29T23:59:59.999999Z 1709251199.999999',
    '-62135596800000000': '0001-01-01T00:00:00.000000Z -62135596800',
    '253402300799999999': '9999-12-31T23:59:59.999999Z 253402300799.999999',
    '253402300805000000': '10000-01-01T00:00:05.000000Z 253402300805',
    }, 'instants and seconds printed')

# UTF-8
points = [point for point in range(1, 0x110000)
          if not 0xd800 <= point < 0xe000]
says('utf8', map(chr, points), map('%d '.__mod__, points), 'every code point')


def escaped(data):
    return ''.join('\\x%02x' % byte for byte in data)


# shown, hidden, shown... from each of them on
LIMITS = [0, 0x20, 0x7f, 0xa0, 0x61c, 0x61d, 0x200b, 0x2010, 0x2028, 0x202f,
          0x2060, 0x2070, 0xfeff, 0xff00, 0xfff9, 0xfffc, 0xe0000, 0xe1000]
rows = {'a\\b \'"`$\n': '\t'.join(['a\\\\b \'"`$\\x0a'] * 2),
        b'\xe2\x82z': '\t'.join(['\\xe2\\x82z'] * 2)}
for number, limit in enumerate(LIMITS[1:] + [0x110000]):
    for point in {limit - 1, min(limit, 0x10ffff)}:
        text = chr(point)
        shown = (point >= limit) == (number % 2 == 0)
        rows[text] = '%s\t%s' % (
            text if shown else escaped(text.encode()),
            text if ' ' <= text < '\x7f' else escaped(text.encode()))
for data in (b'\x80', b'\xff\xfe', b'\xe2\x82', b'\xc0\xaf', b'\xc1\xbf',
             b'\xe0\x9f\xbf', b'\xed\xa0\x80', b'\xed\xbf\xbf',
             b'\xf0\x8f\xbf\xbf', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80',
             b'\xf0\x9f\x98', b'\xf8\x88\x80\x80\x80'):
    rows[data] = '\t'.join([escaped(data)] * 2)
table('printable', rows, 'names made printable')
tap.done()
