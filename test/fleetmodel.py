# SPDX-License-Identifier: MIT
"""What a fleet of nodes has, instant by instant: slow, and without a sweep.

Time is cut at every instant that any report names.  Of each piece every node
is asked by looking through all that its report says.  Reports are what
json.loads(text, parse_float=Decimal) makes of them.
"""
import decimal

import model

SECOND, HOUR = model.SECOND, model.HOUR
FOREVER = 1 << 62
UNKNOWN, LACKS, INCOMPLETE, COMPLETE = 'unknown', 'lacks', 'some', 'all'


def instant(text):
    """Microseconds of an instant, or of an hour's start."""
    return text and (model.parse_hour(text.encode()) if len(text) == 13 else
                     model.parse_instant(text))


def micros(seconds):
    return None if seconds is None else int(decimal.Decimal(seconds) * SECOND)


def spans(array):
    return [(instant(span['start']), instant(span['end'])) for span in array]


def inside(pairs, t):
    return any(start <= t < end for start, end in pairs)


class Node:
    """A node, by those of its reports that could be read."""

    def __init__(self, name, documents, channel, quality, settle):
        self.name = name
        self.report = None
        self.tolerance = 0
        for document in documents:
            for report in document['reports']:
                if (report['channel'], report['quality']) == (channel,
                                                              quality):
                    self.take(document, report, settle)

    def take(self, document, report, settle):
        self.start = instant(report['start'])
        self.end = instant(report['end'])
        if not document['complete'] and self.start is None:
            return
        self.report = report
        self.holes = spans(report['raw']['holes'])
        self.incomplete = spans(report['incomplete']['spans'])
        self.unreadable = [
            (instant(hours['first']), instant(hours['last']) + HOUR)
            for hours in report['unreadable_hours']['ranges']]
        self.tolerance = micros(document['tolerance'])
        self.horizon = instant(document['generated_at']) - settle
        self.window = (
            -FOREVER if document['first_hour'] is None
            else instant(document['first_hour']),
            FOREVER if document['last_hour'] is None
            else instant(document['last_hour']) + HOUR)

    def marks(self):
        if self.report is None:
            return []
        marks = [self.horizon, *self.window]
        if self.start is not None:
            marks += [self.start, self.end]
        for pair in self.holes + self.incomplete + self.unreadable:
            marks += pair
        return marks

    def says(self, t):
        if (self.report is None or not inside([self.window], t)
                or inside(self.unreadable, t)):
            return UNKNOWN
        if (self.start is not None and self.start <= t < self.end
                and not inside(self.holes, t)):
            return INCOMPLETE if inside(self.incomplete, t) else COMPLETE
        return LACKS if t < self.horizon else UNKNOWN


def state(here, peers):
    """Of an instant, and who has it; here is None where there is no here."""
    full = [i for i, says in enumerate(peers) if says == COMPLETE]
    some = [i for i, says in enumerate(peers) if says == INCOMPLETE]
    if here == COMPLETE or (here == INCOMPLETE and not full):
        return 'whole', ()
    if here == INCOMPLETE:
        return 'better', tuple(full)
    if full or some:
        return ('elsewhere', tuple(full + some)) if here == LACKS else (
            'whole', ())
    if here == UNKNOWN or UNKNOWN in peers:
        return 'unknown', ()
    return 'lost', ()


def join(pieces):
    """Neighbours of the same kind are one."""
    joined = []
    for start, end, kind in pieces:
        if joined and joined[-1][1] == start and joined[-1][2] == kind:
            joined[-1] = (joined[-1][0], end, kind)
        else:
            joined.append((start, end, kind))
    return joined


def ratio(part, rest):
    return part * 10**6 // (part + rest) if part + rest else None


def length(pairs):
    return sum(pair[1] - pair[0] for pair in pairs)


def with_slivers_dropped(pieces, tolerance):
    """A short gap between two instants that somebody has is no loss."""
    kept = []
    for i, (start, end, kind) in enumerate(pieces):
        if (kind[0] == 'lost' and end - start <= tolerance
                and 0 < i < len(pieces) - 1
                and pieces[i - 1][2][0] != 'unknown'
                and pieces[i + 1][2][0] != 'unknown'):
            kind = ('whole', ())
        kept.append((start, end, kind))
    return kept


def account(node, pieces, now, is_here, ours):
    """What is said of one node; pieces are (start, end, what it says)."""
    if node.report is None:
        return dict.fromkeys((
            'start', 'end', 'age', 'coverage', 'ratio', 'hole_count',
            'hole_duration', 'has_duration', 'horizon'), None) | {
                'name': node.name}
    has = [piece for piece in pieces if piece[2] in (COMPLETE, INCOMPLETE)]
    lacks = [piece for piece in join(pieces) if piece[2] == LACKS]
    return {
        'name': node.name, 'start': node.start, 'end': node.end,
        'age': None if node.end is None else now - node.end,
        'coverage': length(has), 'ratio': ratio(length(has), length(lacks)),
        'hole_count': len(lacks), 'hole_duration': length(lacks),
        'has_duration': None if is_here else length(
            piece for piece, says in zip(pieces, ours)
            if says == LACKS and piece[2] in (COMPLETE, INCOMPLETE)),
        'horizon': node.horizon}


def fleet(here, peers, now, window):
    """As the program's "fleet", in microseconds.  here may be None."""
    nodes = ([here] if here else []) + peers
    seen = [(node.start, node.end) for node in nodes
            if node.report and node.start is not None]
    start = max(min([pair[0] for pair in seen], default=FOREVER), window[0])
    end = min(max([pair[1] for pair in seen], default=-FOREVER), window[1])
    marks = {start, end} | {mark for node in nodes for mark in node.marks()}
    marks = sorted(mark for mark in marks if start <= mark <= end)
    cuts = list(zip(marks, marks[1:])) if start < end else []
    says = [[node.says(cut[0]) for node in nodes] for cut in cuts]
    pieces = with_slivers_dropped(join(
        (*cut, state(said[0] if here else None, said[1 if here else 0:]))
        for cut, said in zip(cuts, says)),
        max((node.tolerance for node in nodes if node.report), default=0))
    result = {'start': start if cuts else None, 'end': end if cuts else None}
    for name in ('lost', 'elsewhere', 'better', 'unknown'):
        found = [(first, last, [peers[i].name for i in kind[1]])
                 for first, last, kind in pieces if kind[0] == name]
        result[name] = {'count': len(found), 'duration': length(found),
                        'spans': found}
    lost = result['lost']['duration']
    result['coverage'] = (length(cuts) - lost
                          - result['unknown']['duration'])
    result['ratio'] = ratio(result['coverage'], lost)
    ours = [said[0] if here else UNKNOWN for said in says]
    result['nodes'] = [
        account(node, [(*cut, said[i]) for cut, said in zip(cuts, says)],
                now, not here or i == 0, ours)
        for i, node in enumerate(nodes)]
    return result


def read(fleet_json):
    """The program's "fleet" in the model's terms."""
    result = {}
    for key, value in fleet_json.items():
        if key in ('start', 'end'):
            result[key] = instant(value)
        elif key in ('coverage', 'ratio'):
            result[key] = micros(value)
        elif key == 'nodes':
            result[key] = [{
                k: v if k in ('name', 'hole_count') else
                instant(v) if k in ('start', 'end', 'horizon') else micros(v)
                for k, v in node.items()} for node in value]
        else:
            result[key] = {
                'count': value['count'],
                'duration': micros(value['duration']),
                'spans': [(instant(span['start']), instant(span['end']),
                           span.get('nodes', []))
                          for span in value['spans']]}
            for span in value['spans']:
                assert micros(span['duration']) == (
                    instant(span['end']) - instant(span['start'])), span
    return result
