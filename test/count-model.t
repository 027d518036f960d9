#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The slow model against figures that were worked out by hand."""
import struct
import sys
import zlib

sys.dont_write_bytecode = True
import model
import tap

HOUR = model.HOUR
BASE = model.parse_hour(b'2025-11-15T02')


def survey(*hours, **options):
    """Consecutive hours: 'TIME DURATION TYPE, ...', or None: unreadable."""
    listings = {}
    for number, segments in enumerate(hours):
        listings[BASE + number * HOUR] = None if segments is None else {
            ('%s-%s-%s-Hash.ts' % tuple(segment.split())).encode(): 1
            for segment in filter(None, segments.split(', '))}
    return model.Survey(listings, now=BASE + 4 * HOUR, **options)


def figures(*hours, **options):
    made = survey(*hours, **options)
    report = made.report('ch', 'source')
    return (report['raw']['coverage'], report['raw']['hole_duration'],
            report['editable']['coverage'],
            report['missing_hours']['count'],
            ''.join({model.WHITE: '.', model.BLUE: 'b', model.ORANGE: 'o',
                     model.GREY: '?'}[pixel] for pixel in
                    model.map_pixels(made)[:8]))


S = 1000000
tap.same(figures('00:00 4 full, 00:02 4 partial, 00:06 2 full, 00:11 5 full'),
         (13 * S, 3 * S, 11 * S, 0, 'boob..bb'), 'an hour')
tap.same(figures('00:00 4 full', '', None, '00:05 2 full'),
         (6 * S, 7196 * S + 5 * S, 6 * S, 1, 'bb......'), 'four hours')
tap.same(figures('59:58 5 full', '00:05 3 full', first=BASE + HOUR),
         (3 * S, 2 * S, 3 * S, 0, 'b..b....'), 'a window')
tap.same(figures('00:00 4 full', '', '', '', '01:01 2 full')[:2], (4 * S, 0),
         'a segment ahead of the clock')
tap.same(figures('00:10 4 full', expect=BASE + 3 * S)[:2], (4 * S, 7 * S),
         'a stream that begins late')


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body \
        + struct.pack('>I', zlib.crc32(kind + body))


# of 3 x 2 pixels, by hand: without filter, and Up
PNG = b'\x89PNG\r\n\x1a\n' + chunk(
    b'IHDR', struct.pack('>IIBBBBB', 3, 2, 8, 2, 0, 0, 0)) + chunk(
        b'IDAT', zlib.compress(b'\0' + bytes(range(9)) + b'\2' + bytes(
            (9, 0, 0, 0, 0, 0, 0, 0, 250)))) + chunk(b'IEND', b'')
tap.same(model.png_rows(PNG), [bytes(range(9)),
                               bytes((9, 1, 2, 3, 4, 5, 6, 7, 2))],
         'a PNG')
for broken in (PNG[:-1], PNG + b'x', PNG.replace(b'IDAT', b'IDAX')):
    tap.raises(ValueError, lambda: model.png_rows(broken), 'a broken PNG')
tap.done()
