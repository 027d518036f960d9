# SPDX-License-Identifier: MIT
"""What the Python service that segment-coverage replaces would count.

Its way of counting in as few lines as possible, faults included, for the
tests that show both numbers.  Times are datetimes, as they are there; an
exception means that the service itself would have died of it.
"""
import datetime
import itertools
import os

ZERO = datetime.timedelta()
HOUR = datetime.timedelta(hours=1)
TYPES = ('full', 'suspect', 'partial')


class Segment:
    def __init__(self, path):
        hour, name = path.split('/')[-2:]
        time, duration, self.type, _ = name[:-len('.ts')].split('-', 3)
        if self.type not in TYPES + ('temp',):
            raise ValueError(name)
        minutes, seconds = time.split(':')
        self.path = path
        self.start = hour_time(hour[:13]) + datetime.timedelta(
            minutes=int(minutes), seconds=float(seconds))
        self.duration = datetime.timedelta(seconds=float(duration))

    @property
    def end(self):
        return self.start + self.duration


def hour_time(name):
    return datetime.datetime.strptime(name, '%Y-%m-%dT%H')


class Hour:
    """One hour directory, as the service's gauges and log lines have it."""

    def __init__(self, path, previous, is_last):
        self.name = path.split('/')[-1]
        self.counts = dict.fromkeys(TYPES, 0)
        self.durations = dict.fromkeys(TYPES, ZERO)
        self.overlaps = dict.fromkeys(TYPES, 0)
        self.overlap_durations = dict.fromkeys(TYPES, ZERO)
        self.coverage = self.editable_coverage = ZERO
        self.holes, self.editable_holes = [], []
        self.best = []
        for _, group in itertools.groupby(self.read(path),
                                          lambda s: s.start):
            self.count(list(group))
        if self.best:
            self.edges(previous, is_last)

    def read(self, path):
        names = os.listdir(path)
        segments = []
        for name in sorted(names):
            stem, extension = os.path.splitext(name)
            if extension != '.ts' or stem.startswith('.') \
                    or stem + '.tombstone' in names:
                continue
            try:
                segments.append(Segment(path + '/' + name))
            except ValueError:
                continue
        return segments

    def choose(self, group):
        """The best of one start; the others count as overlaps, in part."""
        of = {kind: [s for s in group if s.type == kind] for kind in TYPES}
        for kind in TYPES:
            self.counts[kind] += len(of[kind])
            self.durations[kind] += sum((s.duration for s in of[kind]), ZERO)
        if of['full']:
            *others, best = sorted(of['full'], key=lambda s: s.duration)
            others += of['partial']     # suspects are forgotten
        elif of['suspect']:
            *others, best = sorted(of['suspect'], key=size)
            # partials are forgotten
        elif of['partial']:
            *others, best = sorted(of['partial'], key=size)
        else:
            return None
        for other in others:
            self.overlap(other.type, other.duration)
        return best

    def overlap(self, kind, duration):
        self.overlaps[kind] += 1
        self.overlap_durations[kind] += duration

    def count(self, group):
        best = self.choose(group)
        if best is None:
            return
        looked_at = group[-1]           # and not the best one
        if not self.best:
            self.coverage += best.duration
            self.editable_coverage += best.duration
            self.last_editable = best
        else:
            end = self.best[-1].end
            self.coverage += looked_at.duration
            if looked_at.start < end:
                kind = looked_at.type if looked_at.type in TYPES else 'partial'
                self.overlap(kind, end - looked_at.start)
                self.coverage -= end - looked_at.start
            else:
                self.editable_coverage += looked_at.duration
                if looked_at.start > end:
                    self.holes.append((end, looked_at.start))
                if looked_at.start > self.last_editable.end:
                    self.editable_holes.append(
                        (self.last_editable.end, looked_at.start))
                self.last_editable = best
        self.best.append(best)

    def edges(self, previous, is_last):
        start, end = self.best[0].start, self.best[-1].end
        hour = hour_time(self.name)
        found = []
        if previous and start > previous[-1].end:
            found.append((hour, start))
        if not is_last and end < hour + HOUR:
            found.append((end, hour + HOUR))
        self.holes += found
        self.editable_holes += found


def size(segment):
    return os.stat(segment.path).st_size


def hours(quality):
    """The hours of a quality's directory, by name; empty ones too."""
    names = sorted(n for n in os.listdir(quality) if not n.startswith('.'))
    previous = None
    found = {}
    for name in names:
        hour = Hour(quality + '/' + name, previous, name == names[-1])
        if hour.best:
            previous = hour.best
        found[name] = hour
    return found
