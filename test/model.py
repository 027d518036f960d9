# SPDX-License-Identifier: MIT
"""The slow model of segment-coverage: what the program must say.

Plain Python, written from the description of the program and never from its
source, as naive as can be.  Times are integers, microseconds since the epoch.

read_quality() reads a directory, Survey() accounts for it, and its report()
is the JSON, its map_pixels() the map.
"""
import bisect
import collections
import datetime
import json
import math
import os
import re
import stat
import struct
import zlib

SECOND = 1000000
HOUR = 3600 * SECOND
PIXEL = 2 * SECOND
ROWS = 300
TYPES = ('full', 'suspect', 'partial')
BAD_NAMES_MAX = 100
MAP_HOURS_MAX = 10922
AHEAD = 60 * SECOND

Segment = collections.namedtuple('Segment', 'start duration type name size')
Entry = collections.namedtuple('Entry', 'start end hour type')


# the calendar: UTC, from the year 1 to a little after 9999

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)
YEARS_400 = datetime.timedelta(days=146097) // MICROSECOND
YEAR_10000 = 253402300800 * SECOND


def parts_of_time(time):
    late = time >= YEAR_10000           # the calendar repeats
    date = EPOCH + (time - late * YEARS_400) * MICROSECOND
    return (date.year + 400 * late, date.month, date.day, date.hour,
            date.minute, date.second, date.microsecond)


def instant(time):
    return '%04d-%02d-%02dT%02d:%02d:%02d.%06dZ' % parts_of_time(time)


def parse_instant(text):
    late = len(text) > 27               # 10000 stands for 9600
    date = datetime.datetime.strptime(
        '9600' + text[5:] if late else text, '%Y-%m-%dT%H:%M:%S.%fZ')
    return (date - EPOCH) // MICROSECOND + late * YEARS_400


def hour_name(time):
    return '%04d-%02d-%02dT%02d' % parts_of_time(time)[:4]


def parse_hour(name):
    """The time of an hour's name (bytes), or None."""
    match = re.fullmatch(rb'([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})',
                         name)
    try:
        return (datetime.datetime(*map(int, match.groups())) - EPOCH) \
            // MICROSECOND
    except (AttributeError, ValueError):
        return None


# names

def parse_duration(text):
    """Microseconds of the DURATION of a name (bytes), or None."""
    if re.fullmatch(rb'([0-9]+\.?[0-9]*|\.[0-9]+)([eE]\+?[0-9]+)?',
                    text) is None:
        return None
    try:
        micros = datetime.timedelta(seconds=float(text)) // MICROSECOND
    except OverflowError:
        return None
    return None if micros > HOUR else micros


def parse_time(text):
    """Microseconds of the TIME of a name (bytes), or None."""
    match = re.fullmatch(rb'([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6}))?',
                         text)
    if match is None:
        return None
    minutes, seconds, fraction = match.groups()
    micros = int((fraction or b'').ljust(6, b'0'))
    return (int(minutes) * 60 + int(seconds)) * SECOND + micros


def parse_name(name):
    """(start in its hour, duration, type) of NAME.ts, or None: it is bad."""
    parts = name[:-len(b'.ts')].split(b'-', 3)
    if len(parts) != 4:
        return None
    start, duration = parse_time(parts[0]), parse_duration(parts[1])
    if start is None or duration is None:
        return None
    if parts[2] == b'temp':
        return start, duration, 'temp'
    if parts[2] not in (b'full', b'suspect', b'partial'):
        return None
    if re.fullmatch(rb'[A-Za-z0-9_-]+', parts[3]) is None:
        return None
    if len(parts[3]) % 4 == 1:
        return None
    return start, duration, parts[2].decode()


def readable_name(name):
    """Bytes as text, each one that is no part of UTF-8 as U+FFFD."""
    return re.sub('[\udc80-\udcff]', '\ufffd',
                  name.decode('utf-8', 'surrogateescape'))


# one hour directory

class Hour:
    """What the listing of one hour directory holds.

    listing maps each name (bytes) to its size, to None where it is not a
    regular file or a link to one; None in its place is an hour that could not
    be read.
    """

    def __init__(self, time, listing, now, sizes):
        self.time, self.now, self.sizes = time, now, sizes
        self.readable = listing is not None
        # durations
        self.segments = {kind: [] for kind in TYPES}
        self.overlaps = {kind: [] for kind in TYPES}
        self.incomplete = []
        self.temp = self.tombstoned = self.ahead = self.empty = 0
        self.bad_names = []
        self.best = []
        self.covered = self.editable_covered = 0
        if self.readable:
            self.choose(self.sort_out(listing))

    def sort_out(self, listing):
        segments = []
        for name, size in listing.items():
            if name.startswith(b'.') or not name.endswith(b'.ts'):
                continue
            if name[:-len(b'.ts')] + b'.tombstone' in listing:
                self.tombstoned += 1
                continue
            parsed = None if size is None else parse_name(name)
            if parsed is None:
                self.bad_names.append(name)
                continue
            start, duration, kind = parsed
            if kind == 'temp':
                self.temp += 1
            elif self.time + start > self.now + AHEAD:
                self.ahead += 1
            elif self.sizes and size == 0:
                self.empty += 1
                self.bad_names.append(name)
            else:
                segments.append(Segment(self.time + start, duration, kind,
                                        name, size))
        self.bad_names.sort()
        return segments

    def choose(self, segments):
        def merit(segment):
            if segment.type == 'full':
                return 2, segment.duration, segment.name
            return segment.type == 'suspect', segment.size, segment.name

        for start in sorted({segment.start for segment in segments}):
            rivals = [s for s in segments if s.start == start]
            best = max(rivals, key=merit)
            self.best.append(best)
            if best.type != 'full':
                self.incomplete.append(best.duration)
            for segment in rivals:
                self.segments[segment.type].append(segment.duration)
                if segment is not best:
                    self.overlaps[segment.type].append(segment.duration)

    def stands(self):
        """Whether it takes a place on the timeline."""
        return bool(self.best) or not self.readable

    def entries(self):
        if not self.readable:
            return [Entry(self.time, self.time + HOUR, self.time, None)]
        return [Entry(s.start, s.start + s.duration, self.time, s.type)
                for s in self.best]


# the timeline

def raw_coverage(entries, tolerance):
    """Covered time by hour, and the holes, from instants.

    Between two neighbouring ends of entries an instant is like another: it
    belongs to the first entry that covers it; where none does, the stretch is
    a hole if it is longer than the tolerance.
    """
    covered = collections.Counter()
    holes = []
    starts = [entry.start for entry in entries]
    points = sorted({p for e in entries for p in (e.start, e.end)})
    for left, right in zip(points, points[1:]):
        # no entry is longer than an hour
        near = entries[bisect.bisect_left(starts, left - HOUR):
                       bisect.bisect_right(starts, left)]
        covering = [e for e in near if e.end >= right]
        if not covering:
            if right - left > tolerance:
                holes.append((left, right))
        elif covering[0].type is not None:
            covered[covering[0].hour] += right - left
    return covered, holes


def overlapping(entries, tolerance):
    """(entry, duration) of each that overlaps what came before it."""
    found = []
    furthest = None
    for entry in entries:
        if furthest is not None and entry.type is not None \
                and entry.start < furthest - tolerance:
            found.append((entry, min(furthest, entry.end) - entry.start))
        if furthest is None or entry.end > furthest:
            furthest = entry.end
    return found


def editable_coverage(entries, tolerance):
    """As raw_coverage, of those that a cutter would join."""
    covered = collections.Counter()
    holes = []
    end = None
    for entry in entries:
        if entry.type is not None:
            if end is not None and entry.start < end - tolerance:
                continue
            covered[entry.hour] += entry.end - entry.start
        if end is not None and entry.start > end + tolerance:
            holes.append((end, entry.start))
        end = entry.end if end is None else max(end, entry.end)
    return covered, holes


# the report

def clip(spans, low, high):
    clipped = [(max(a, low), min(b, high)) for a, b in spans]
    return [(a, b) for a, b in clipped if a < b]


def total(spans):
    return sum(b - a for a, b in spans)


def join(spans, tolerance):
    """Spans in order of start, as one where they touch."""
    joined = []
    for start, end in spans:
        if joined and start <= joined[-1][1] + tolerance:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


class Survey:
    """One quality, the present, its window (times of hours, or None), options.

    listings maps the time of each hour directory to its listing, see Hour.
    """

    def __init__(self, listings, now=math.inf, first=None, last=None,
                 tolerance=10000, sizes=False, expect=None):
        self.now, self.first, self.last = now, first, last
        hours = [Hour(time, listings[time], now, sizes)
                 for time in sorted(listings)]
        standing = [hour for hour in hours if hour.stands()]
        before = [hour for hour in standing
                  if first is not None and hour.time < first]
        after = [hour for hour in standing
                 if last is not None and hour.time > last]
        self.hours = [hour for hour in hours
                      if (first is None or hour.time >= first)
                      and (last is None or hour.time <= last)]
        self.line = before[-1:] + self.hours + after[:1]
        self.low = -math.inf if first is None else first
        self.high = math.inf if last is None else last + HOUR
        self.entries = [e for hour in self.line for e in hour.entries()]
        if expect is not None and self.entries and self.low <= expect < min(
                self.high, self.entries[0].start):
            # the stream was to begin, and has not
            self.entries.insert(0, Entry(expect, expect, None, None))
        self.account(tolerance)
        self.find_missing()

    def account(self, tolerance):
        covered, holes = raw_coverage(self.entries, tolerance)
        self.holes = clip(holes, self.low, self.high)
        for hour in self.hours:
            hour.covered = covered[hour.time]
        covered, holes = editable_coverage(self.entries, tolerance)
        self.editable_holes = clip(holes, self.low, self.high)
        for hour in self.hours:
            hour.editable_covered = covered[hour.time]
        by_time = {hour.time: hour for hour in self.line}
        for entry, duration in overlapping(self.entries, tolerance):
            by_time[entry.hour].overlaps[entry.type].append(duration)
        spans = [(e.start, e.end) for e in self.entries
                 if e.type in ('suspect', 'partial') and e.end > e.start]
        self.incomplete = clip(join(spans, tolerance), self.low, self.high)

    def find_missing(self):
        """(first, last, count) of the hours missing between two others."""
        self.missing = []
        standing = [hour.time for hour in self.line if hour.stands()]
        for left, right in zip(standing, standing[1:]):
            first = max(left + HOUR, self.low)
            last = min(right, self.high) - HOUR
            if first <= last:
                self.missing.append(
                    (first, last, (last - first) // HOUR + 1))

    def unreadable_ranges(self):
        spans = join([(hour.time, hour.time + HOUR) for hour in self.hours
                      if not hour.readable], 0)
        return [(start, end - HOUR, (end - start) // HOUR)
                for start, end in spans]

    def unreadable(self):
        """The names of hours on the timeline that could not be read."""
        return [hour_name(h.time) for h in self.line if not h.readable]

    def extent(self):
        """Where the stream, or an hour that may have it, begins and ends."""
        found = [e for e in self.entries if e.hour is not None]
        if not found:
            return None
        return min(e.start for e in found), max(e.end for e in found)

    def report(self, channel, quality, found=True):
        shown = show_hours(self.hours)
        ends = [s.start + s.duration for h in self.hours for s in h.best]
        shown['incomplete']['spans'] = [
            show_span(span) for span in self.incomplete]
        return {
            'channel': channel,
            'quality': quality,
            'found': found,
            'age': number_text(self.now - max(ends)) if ends else None,
            'raw': show_coverage(sum(h.covered for h in self.hours),
                                 self.holes),
            'editable': show_coverage(
                sum(h.editable_covered for h in self.hours),
                self.editable_holes),
            'missing_hours': show_ranges(self.missing),
            'unreadable_hours': show_ranges(self.unreadable_ranges()),
            'fleet': None,
            'hours': [self.show_hour(hour) for hour in self.hours],
            **shown}

    def show_hour(self, hour):
        return {
            'hour': hour_name(hour.time),
            'raw': show_share(hour, hour.covered, self.holes),
            'editable': show_share(hour, hour.editable_covered,
                                   self.editable_holes),
            'bad_names': [readable_name(name)
                          for name in hour.bad_names[:BAD_NAMES_MAX]],
            'readable': hour.readable,
            **show_hours([hour])}


def show_hours(hours):
    """What is said of an hour and of all of them."""
    best = [segment for hour in hours for segment in hour.best]
    return {
        'start': instant(min(s.start for s in best)) if best else None,
        'end': instant(max(s.start + s.duration for s in best))
        if best else None,
        'segments': show_segments(hours),
        'overlaps': show_types(hours, 'overlaps'),
        'incomplete': show_tally([hour.incomplete for hour in hours])}


def show_tally(lists):
    return {'count': sum(map(len, lists)),
            'duration': number_text(sum(map(sum, lists)))}


def show_span(span):
    return {'start': instant(span[0]), 'end': instant(span[1]),
            'duration': number_text(span[1] - span[0])}


def show_hole(hole):
    return {**show_span(hole), 'known': False}


def show_ranges(ranges):
    return {'count': sum(count for _, _, count in ranges),
            'ranges': [{'first': hour_name(first), 'last': hour_name(last),
                        'count': count} for first, last, count in ranges]}


def show_types(hours, key):
    return {kind: show_tally([getattr(hour, key)[kind] for hour in hours])
            for kind in TYPES}


def show_segments(hours):
    shown = show_types(hours, 'segments')
    for key in ('temp', 'bad', 'tombstoned', 'ahead', 'empty'):
        shown[key] = {'count': sum(
            len(hour.bad_names) if key == 'bad' else getattr(hour, key)
            for hour in hours)}
    return shown


def show_coverage(covered, holes):
    whole = covered + total(holes)
    longest = max(holes, key=lambda hole: hole[1] - hole[0], default=None)
    return {
        'coverage': number_text(covered),
        'ratio': number_text(covered * 1000000 // whole) if whole else None,
        'hole_count': len(holes),
        'hole_duration': number_text(total(holes)),
        'longest_hole': None if longest is None else show_hole(longest),
        'holes': [show_hole(hole) for hole in holes],
    }


def show_share(hour, covered, holes):
    parts = clip(holes, hour.time, hour.time + HOUR)
    return {
        'coverage': number_text(covered),
        'hole_count': len(parts),
        'hole_duration': number_text(total(parts)),
        'holes': [show_hole(part) for part in parts],
    }


# JSON, with every number as the text that it has to be

class Number(str):
    """A number of a JSON document, as it is written there."""


def number_text(millionths):
    """Microseconds as seconds, millionths as a number from 0 to 1."""
    whole, rest = divmod(abs(millionths), 1000000)
    return Number('-' * (millionths < 0) + (
        '%d.%06d' % (whole, rest)).rstrip('0').rstrip('.'))


def as_read(value):
    """A report as read_json would read it."""
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    return Number(value) if type(value) is int else value


def read_json(text, whole=Number, real=Number):
    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError('a key twice: %r' % keys)
        return dict(pairs)

    def refuse(name):
        raise ValueError('not JSON: ' + name)

    return json.loads(text, parse_int=whole, parse_float=real,
                      parse_constant=refuse, object_pairs_hook=unique)


def difference(got, wanted, path=''):
    """None, or (path, got, wanted) of the first place where they differ."""
    pairs = []
    if isinstance(got, dict) and isinstance(wanted, dict) and \
            set(got) == set(wanted):
        pairs = [('.' + key, got[key], wanted[key]) for key in wanted]
    elif isinstance(got, list) and isinstance(wanted, list) and \
            len(got) == len(wanted):
        pairs = [('[%d]' % i, *both)
                 for i, both in enumerate(zip(got, wanted))]
    elif type(got) is not type(wanted) or got != wanted:
        return path or '.', got, wanted
    return next(filter(None, (difference(mine, other, path + step)
                              for step, mine, other in pairs)), None)


# the map

WHITE = bytes((255, 255, 255))
BLUE = bytes((31, 119, 180))
ORANGE = bytes((255, 127, 14))
GREY = bytes((127, 127, 127))


class TooWide(Exception):
    """More hours than a map may have."""


def map_range(survey):
    """(first hour, end of the last one), or None where none is drawn."""
    standing = [hour.time for hour in survey.hours if hour.stands()]
    if not any(hour.best for hour in survey.hours) \
            and (survey.first is None or survey.last is None):
        return None
    first = standing[0] if survey.first is None else survey.first
    last = standing[-1] if survey.last is None else survey.last
    if (last - first) // HOUR + 1 > MAP_HOURS_MAX:
        raise TooWide()
    return first, last + HOUR


def map_pixels(survey):
    """The colour of each pixel, in order of time; None for no map."""
    drawn = map_range(survey)
    if drawn is None:
        return None
    origin, end = drawn
    pixels = [BLUE] * ((end - origin) // PIXEL)

    def paint(start, stop, colour):
        """All pixels that have some time of [start, stop)."""
        start, stop = max(start, origin), min(stop, end)
        if start < stop:
            left = (start - origin) // PIXEL
            right = (stop - origin + PIXEL - 1) // PIXEL
            pixels[left:right] = [colour] * (right - left)

    for entry in survey.entries:
        if entry.type in ('suspect', 'partial'):
            paint(entry.start, entry.end, ORANGE)
    for hole in survey.holes:
        paint(hole[0], hole[1], WHITE)
    extent = survey.extent() or (end, end)
    paint(origin, extent[0], WHITE)
    paint(extent[1], end, WHITE)
    for hour in survey.hours:
        if not hour.readable:
            paint(hour.time, hour.time + HOUR, GREY)
    return pixels


def map_difference(survey, rows):
    """None, or what differs first between rows of RGB and the expected map."""
    wanted = map_pixels(survey)
    got = rows and [row[at:at + 3] for at in range(0, len(rows[0]), 3)
                    for row in rows]
    if got == wanted:
        return None
    if got is None or wanted is None or len(got) != len(wanted) or \
            len(rows) != ROWS:
        return '%s pixels, wanted %s' % (
            got and len(got), wanted and len(wanted))
    number = [one == other for one, other in zip(got, wanted)].index(False)
    return 'pixel %d, %s: %s, wanted %s' % (
        number, instant(map_range(survey)[0] + number * PIXEL),
        tuple(got[number]), tuple(wanted[number]))


# PNG

def png_rows(data, colours=(2,)):
    """The rows of RGB bytes of an 8-bit PNG, as which 2 is RGB and 6 RGBA."""
    if data[:8] != b'\x89PNG\r\n\x1a\n' or data[-8:-4] != b'IEND':
        raise ValueError('not a whole PNG')
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if zlib.crc32(kind + body) != int.from_bytes(
                data[at + 8 + size:at + 12 + size], 'big'):
            raise ValueError('a torn or broken chunk: %r' % kind)
        chunks[kind] = chunks.get(kind, b'') + body
        at += 12 + size
    width, height, depth, colour, *rest = struct.unpack(
        '>IIBBBBB', chunks[b'IHDR'])
    if depth != 8 or colour not in colours or rest != [0, 0, 0]:
        raise ValueError('not plain 8-bit RGB: %r' % chunks[b'IHDR'])
    step = 3 if colour == 2 else 4
    size = 1 + width * step
    raw = zlib.decompress(chunks[b'IDAT'])
    if len(raw) != size * height:
        raise ValueError('%d bytes for %dx%d' % (len(raw), width, height))
    above, rows = bytes(width * step), []
    for at in range(0, len(raw), size):
        above = unfiltered(raw[at], raw[at + 1:at + size], above, step)
        rows.append(above if step == 3 else b''.join(
            above[i:i + 3] for i in range(0, len(above), step)))
    return rows


def unfiltered(kind, row, above, step):
    if kind == 0:
        return row
    if kind == 2:               # Up: the difference to the row above
        return bytes((a + b) & 255 for a, b in zip(row, above))
    row = bytearray(row)
    for i, byte in enumerate(row):
        a = row[i - step] if i >= step else 0
        b, c = above[i], above[i - step] if i >= step else 0
        guess = (0, a, b, (a + b) // 2, min(
            (abs(b - c), 0, a), (abs(a - c), 1, b),
            (abs(a + b - 2 * c), 2, c))[2])[kind]
        row[i] = (byte + guess) & 255
    return bytes(row)


# real directories

def size_of(path):
    """None of what is no regular file, nor a link to one."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def read_quality(path):
    """{time of an hour: its listing}, or None without a directory."""
    path = os.fsencode(path)
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return None
    listings = {}
    for name in names:
        time = parse_hour(name)
        if time is None:
            continue
        entry = os.path.join(path, name)
        try:
            if stat.S_ISDIR(os.stat(entry).st_mode):
                listings[time] = {
                    name: size_of(os.path.join(entry, name))
                    for name in os.listdir(entry)}
        except OSError:
            listings[time] = None
    return listings
