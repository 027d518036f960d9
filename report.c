/*
 * SPDX-License-Identifier: MIT
 *
 * What is read: text for people, JSON, lines of holes, metrics for
 * Prometheus, and the findings of --check.
 *
 * Every emitter writes const results to a FILE and fails if that fails.
 * Seconds are printed from integer microseconds, never from a double.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include ".build/metrics.txt.h" /* made from man/metrics.txt */
#include "segparse.h"

#define YEAR       (366 * DAY)
#define STOPPED    (2 * MINUTE) /* a stream has, this long without a segment */
#define LISTED_MAX 10 /* errors in the text, holes of --check */

static const char *const type_names[] = {
    "full", "suspect", "partial", "bad", "temp", "tombstoned"};

static const char *const gap_names[GAP_STATES] = {
    "lost", "elsewhere", "better", "unknown"};

struct pick { /* of the holes, or gaps, that count somewhere */
	struct gap top[LISTED_MAX]; /* the longest first */
	size_t n; /* in top */
	size_t count; /* of all */
	int64_t duration; /* us, of all */
};

/*
 * What all reports are made of
 */

/*
 * Returns the covered part in millionths, rounded down: 1,000,000 means no
 * hole. -1 if there is nothing to cover. It goes digit by digit, as a million
 * times the microseconds of some months overflows.
 */
int64_t
coverage_ratio(const struct coverage *c)
{
	const int64_t whole = c->covered + c->hole_duration;
	int64_t ratio = 0, rest = c->covered;
	int digit;

	if (whole <= 0)
		return -1;
	for (digit = 0; digit <= 6; digit++) {
		ratio = ratio * 10 + rest / whole;
		rest = rest % whole * 10;
	}
	return ratio;
}

/*
 * Returns what stands for a quality: its own coverage, or without an archive
 * here that of all nodes together.
 */
static const struct coverage *
coverage_shown(const struct report *r)
{
	return r->fleet != NULL && !r->fleet->here ? &r->fleet->together
						   : &r->raw;
}

/*
 * Returns whether more than 1 % of what is covered is incomplete.
 */
static bool
is_incomplete(const struct report *r)
{
	return r->counts.incomplete.duration > r->raw.covered / 100;
}

/*
 * Returns how long no segment has come, up to now or to the window's end if
 * that is earlier. Negative if the stream went on after it; TIME_NONE if
 * nothing is known of the newest segment, as an unreadable hour may hold it.
 */
static int64_t
stream_age(const struct options *opt, const struct report *r)
{
	const int64_t now = opt->now, end = opt->window.end;
	const struct spans *holds = &r->unreadable;

	if (r->newest == TIME_NONE ||
	    (holds->n > 0 && holds->v[holds->n - 1].end > r->newest))
		return TIME_NONE;
	return (now < end ? now : end) - r->newest;
}

/*
 * Returns the longest hole, of several the earliest; NULL if there is none.
 */
static const struct span *
hole_longest(const struct coverage *c)
{
	const struct span *hole = c->holes.v, *longest = NULL;
	size_t i;

	for (i = 0; i < c->holes.n; i++, hole++)
		if (longest == NULL ||
		    hole->end - hole->start > longest->end - longest->start)
			longest = hole;
	return longest;
}

static size_t
spans_hours(const struct spans *spans)
{
	size_t hours = 0, i;

	for (i = 0; i < spans->n; i++)
		hours += (size_t)((spans->v[i].end - spans->v[i].start) / HOUR);
	return hours;
}

/*
 * Returns the index of the first span that ends after t.
 */
static size_t
spans_find(const struct spans *spans, int64_t t)
{
	size_t from = 0, middle, to = spans->n;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (spans->v[middle].end <= t)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/*
 * Returns how many spans reach into the bounds, and for how long in all.
 */
static size_t
spans_within(
    const struct spans *spans, const struct span *bounds, int64_t *duration)
{
	struct span part;
	size_t first = spans_find(spans, bounds->start), i;

	*duration = 0;
	for (i = first; i < spans->n && spans->v[i].start < bounds->end; i++) {
		part = spans->v[i];
		span_cut(&part, bounds->start, bounds->end);
		*duration += part.end - part.start;
	}
	return i - first;
}

/*
 * Returns whether --known accepts the hole: it lies within a known span, give
 * or take the tolerance.
 */
static bool
hole_known(
    const struct options *opt, const struct report *r, const struct span *hole)
{
	size_t i = spans_find(&r->known, hole->end - opt->tolerance - 1);

	return i < r->known.n &&
	    r->known.v[i].start - opt->tolerance <= hole->start;
}

/*
 * Returns whether a hole began so recently that it may still be filled, since
 * segments arrive out of order. One that starts with the window began before.
 */
static bool
hole_settling(const struct options *opt, const struct span *hole)
{
	return hole->start > opt->now - opt->settle &&
	    hole->start != opt->window.start;
}

static const char *
hole_state(
    const struct options *opt, const struct report *r, const struct span *hole)
{
	return hole_known(opt, r, hole) ? "known"
	    : hole_settling(opt, hole)  ? "settling"
					: "hole";
}

/*
 * Sets gap to the i-th hole, which without peers is lost as far as is known.
 * Returns false if there are no more.
 */
static bool
hole_get(const struct report *r, size_t i, struct gap *gap)
{
	const struct fleet *f = r->fleet;

	if (i >= (f != NULL ? f->gapsz : r->raw.holes.n))
		return false;
	*gap = f != NULL ? f->gaps[i]
			 : (struct gap){r->raw.holes.v[i], GAP_LOST, 0, 0};
	return true;
}

/*
 * Picks the longest holes of a state, at most max: of those that are not
 * known, or with check set of those that --check counts, what a peer has only
 * after the time that --backfill allows. Holes of one length stay in order.
 */
static void
holes_pick(struct pick *pick, const struct options *opt, const struct report *r,
    enum gap_state state, size_t max, bool check)
{
	struct gap gap, *top, *const end = &pick->top[max];
	int64_t length;
	size_t i;

	*pick = (struct pick){.n = 0};
	for (i = 0; hole_get(r, i, &gap); i++) {
		length = gap.span.end - gap.span.start;
		if (gap.state != state || hole_known(opt, r, &gap.span))
			continue;
		if (check &&
		    (hole_settling(opt, &gap.span) || length < opt->min_hole ||
			(state == GAP_ELSEWHERE &&
			    gap.span.end >= opt->now - opt->backfill)))
			continue;
		pick->count++;
		pick->duration += length;
		top = &pick->top[pick->n];
		for (; top > pick->top &&
		     length > top[-1].span.end - top[-1].span.start;
		     top--)
			if (top < end)
				*top = top[-1];
		if (top < end)
			*top = gap;
		pick->n += pick->n < max;
	}
}

/*
 * JSON
 */

struct json { /* on its way out */
	FILE *fp;
	const struct options *opt;
	const struct report *r; /* being written */
	char last; /* byte of a format */
	bool nothing; /* numbers and instants are null */
};

/*
 * Puts any bytes in quotes; what is not UTF-8 becomes U+FFFD. The label of a
 * metric knows only the first three escapes.
 */
static void
put_quoted(FILE *fp, const char *bytes, bool label)
{
	const char *special = label ? "\n\"\\" : "\n\"\\\b\f\r\t";
	const char *from, *s;
	long code;

	putc('"', fp);
	while (*(from = bytes) != '\0') {
		code = utf8_next(&bytes);
		s = code < 0x80 ? strchr(special, (int)code) : NULL;
		if (code < 0)
			fputs(REPLACEMENT, fp);
		else if (s != NULL)
			fprintf(fp, "\\%c", "n\"\\bfrt"[s - special]);
		else if (code < ' ' && !label)
			fprintf(fp, "\\u%04lx", (unsigned long)code);
		else
			fwrite_unlocked(from, 1, (size_t)(bytes - from), fp);
	}
	putc('"', fp);
}

/*
 * Writes the format with " for ' and with values for these:
 *	%,	a comma, unless an array or object has just begun
 *	%b %n	bool, size_t
 *	%s %r	int64_t us, as seconds; as a ratio, of which -1 is null
 *	%i %h	int64_t us, as an instant or an hour
 *	%a	int64_t us, an instant, as its age in seconds
 *	%p %c	const struct span *, const struct tally *: the members
 *	%t	const char *, any bytes
 *
 * NULL and TIME_NONE are null.
 */
static void
json(struct json *j, const char *fmt, ...)
{
	char buf[TIME_SIZE];
	const struct span *span;
	const struct tally *tally;
	const char *s;
	int64_t us;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			putc_unlocked(*fmt == '\'' ? '"' : *fmt, j->fp);
			continue;
		}
		s = "";
		if (*++fmt == ',')
			s = j->last == '[' || j->last == '{' ? "" : ",";
		else if (*fmt == 'b')
			s = va_arg(ap, int) ? "true" : "false";
		else if (*fmt == 'p') {
			span = va_arg(ap, const struct span *);
			json(j, "'start':%i,'end':%i,'duration':%s",
			    span->start, span->end, span->end - span->start);
		} else if (*fmt == 'c') {
			tally = va_arg(ap, const struct tally *);
			json(j, "'count':%n,'duration':%s", tally->count,
			    tally->duration);
		} else if (*fmt == 't' && (s = va_arg(ap, const char *))) {
			put_quoted(j->fp, s, false);
			continue;
		} else {
			us = *fmt == 't'  ? TIME_NONE
			    : *fmt == 'n' ? (int64_t)va_arg(ap, size_t) * SECOND
					  : va_arg(ap, int64_t);
			if (us == TIME_NONE || j->nothing ||
			    (us < 0 && *fmt == 'r'))
				s = "null";
			else if (*fmt == 'h' || *fmt == 'i') {
				(*fmt == 'h' ? hour_format : time_format)(
				    buf, us);
				putc_unlocked('"', j->fp);
				fputs_unlocked(buf, j->fp);
				putc_unlocked('"', j->fp);
			} else {
				seconds_format(
				    buf, *fmt == 'a' ? j->opt->now - us : us);
				s = buf;
			}
		}
		while (*s != '\0')
			putc_unlocked(*s++, j->fp);
	}
	va_end(ap);
	j->last = fmt[-1];
}

/*
 * Writes what a quality has in common with its hours, of which h is one, or
 * NULL. The holes of an hour are cut at it.
 */
static void
json_figures(struct json *j, const struct hour *h)
{
	const struct report *r = j->r;
	const struct counts *n = h != NULL ? &h->counts : &r->counts;
	const struct tally *t = n->segments, *o = n->overlaps;
	const struct coverage *c;
	const struct span *longest;
	struct span hole, part = {INT64_MIN, INT64_MAX};
	int64_t covered, lost;
	size_t holes, i, k;
	bool known;

	if (h != NULL)
		part = (struct span){h->time, h->time + HOUR};
	json(j, ",'segments':{'full':{%c},'suspect':{%c},'partial':{%c}", &t[0],
	    &t[1], &t[2]);
	json(j, ",'temp':{'count':%n},'bad':{'count':%n}", n->temp, n->bad);
	json(j, ",'tombstoned':{'count':%n},'ahead':{'count':%n}",
	    n->tombstoned, n->ahead);
	json(j, ",'empty':{'count':%n}},'overlaps':{", n->empty);
	json(j, "'full':{%c},'suspect':{%c},'partial':{%c}}", &o[0], &o[1],
	    &o[2]);
	for (k = 0; k < 2; k++) {
		c = k == 0 ? &r->raw : &r->editable;
		covered = h == NULL ? c->covered
		    : k == 0        ? h->raw
				    : h->editable;
		json(j, ",%t:{'coverage':%s", k == 0 ? "raw" : "editable",
		    covered);
		if (h == NULL)
			json(j, ",'ratio':%r", coverage_ratio(c));
		holes = spans_within(&c->holes, &part, &lost);
		json(j, ",'hole_count':%n,'hole_duration':%s,", holes, lost);
		if (h == NULL) {
			longest = hole_longest(c);
			known =
			    longest != NULL && hole_known(j->opt, r, longest);
			json(j,
			    longest == NULL ? "'longest_hole':null,"
					    : "'longest_hole':{%p,'known':%b},",
			    longest, known);
		}
		json(j, "'holes':[");
		for (i = spans_find(&c->holes, part.start); holes > 0;
		     holes--) {
			hole = c->holes.v[i++];
			known = hole_known(j->opt, r, &hole);
			span_cut(&hole, part.start, part.end);
			json(j, "%,{%p,'known':%b}", &hole, known);
		}
		json(j, "]}");
	}
	json(j, ",'incomplete':{%c", &n->incomplete);
}

static void
json_fleet(struct json *j, const struct fleet *f)
{
	const struct fleet_node *node;
	const struct coverage *c = &f->together;
	const struct gap *gap;
	const struct report *r;
	size_t i, k, state;

	json(j, "{'start':%i,'end':%i,'coverage':%s,'ratio':%r", f->range.start,
	    f->range.end, c->covered, coverage_ratio(c));
	for (state = 0; state < GAP_STATES; state++) {
		json(j, ",%t:{%c,'spans':[", gap_names[state],
		    &f->tallies[state]);
		for (i = 0; i < f->gapsz; i++) {
			gap = &f->gaps[i];
			if (gap->state != state)
				continue;
			json(j, "%,{%p", &gap->span);
			for (k = 0; k < gap->havingsz; k++)
				json(j, k == 0 ? ",'nodes':[%t" : ",%t",
				    f->nodes[f->having[gap->first + k]].name);
			json(j, gap->havingsz > 0 ? "]}" : "}");
		}
		json(j, "]}");
	}
	json(j, ",'nodes':[");
	for (i = 0; i < f->nodesz; i++) {
		node = &f->nodes[i];
		json(j, "%,{'name':%t,", node->name);
		j->nothing = node->report == NULL;
		r = j->nothing ? j->r : node->report;
		c = &node->coverage;
		json(j, "'start':%i,'end':%i,'age':%a,'coverage':%s,'ratio':%r",
		    r->start, r->end, r->end, c->covered, coverage_ratio(c));
		json(j, ",'hole_count':%n,'hole_duration':%s,'has_duration':%s",
		    c->holes.n, c->hole_duration,
		    f->here && i > 0 ? node->has : TIME_NONE);
		json(j, ",'horizon':%i}", node->horizon);
	}
	j->nothing = false;
	json(j, "]}");
}

static void
json_quality(struct json *j, bool hours)
{
	const struct report *r = j->r;
	const struct hour *h;
	const struct spans *spans;
	struct span span;
	size_t i = 0, k;

	json(j, "%,\n{'channel':%t,'quality':%t,'found':%b,'start':%i,'end':%i",
	    r->channel, r->quality, r->state >= STATE_UNREADABLE, r->start,
	    r->end);
	json(j, ",'age':%a", r->end);
	json_figures(j, NULL);
	json(j, ",'spans':[");
	while (spans_join(&r->incomplete, &i, j->opt->tolerance, &span))
		if (span_cut(&span, j->opt->window.start, j->opt->window.end))
			json(j, "%,{%p}", &span);
	json(j, "]}");
	for (k = 0; k < 2; k++) {
		spans = k == 0 ? &r->missing : &r->unreadable;
		json(j, ",%t:{'count':%n,'ranges':[",
		    k == 0 ? "missing_hours" : "unreadable_hours",
		    spans_hours(spans));
		for (i = 0; i < spans->n; i++) {
			span = spans->v[i];
			json(j, "%,{'first':%h,'last':%h,'count':%n}",
			    span.start, span.end - HOUR,
			    (size_t)((span.end - span.start) / HOUR));
		}
		json(j, "]}");
	}
	json(j, r->fleet != NULL ? ",'fleet':" : ",'fleet':null");
	if (r->fleet != NULL)
		json_fleet(j, r->fleet);
	json(j, ",'hours':[");
	for (i = 0; hours && i < r->hoursz; i++) {
		h = &r->hours[i];
		json(j, "%,\n{'hour':%h,'start':%i,'end':%i", h->time, h->start,
		    h->end);
		json_figures(j, h);
		json(j, "},'bad_names':[");
		for (k = 0; k < h->bad_names.n; k++)
			json(j, "%,%t", h->bad_names.v[k]);
		json(j, "],'readable':%b}", h->readable);
	}
	json(j, "]}");
}

/*
 * Writes one document, each report's head and each hour on a line of its own.
 * With a report it is that report's twin, which has no hours.
 */
int
report_json(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct span *window = &opt->window;
	struct json j = {.fp = fp, .opt = opt};
	const struct peer *peer;
	size_t i;

	json(&j, "{'schema_version':1,'generator':'" PROGRAM " " VERSION "'");
	json(&j, ",'generated_at':%i,'base_dir':%t,'tolerance':%s", opt->now,
	    opt->base_dir, opt->tolerance);
	json(&j, ",'first_hour':%h,'last_hour':%h,'complete':%b,'errors':[",
	    window->start,
	    window->end == INT64_MAX ? TIME_NONE : window->end - HOUR,
	    s->complete);
	for (i = 0; i < s->errorsz; i++)
		json(&j, "%,\n{'path':%t,'message':%t}", s->errors[i].path,
		    s->errors[i].message);
	json(&j, "],'peers':[");
	for (i = 0; i < s->peersz; i++) {
		peer = &s->peers[i];
		json(&j, "%,\n{'name':%t,'file':%t,'generated_at':%i",
		    peer->name, peer->file, peer->generated_at);
		json(&j, ",'age':%a,'usable':%b,'message':%t}",
		    peer->generated_at, peer->message == NULL, peer->message);
	}
	json(&j, "],'reports':[");
	for (i = 0; i < s->reportsz; i++) {
		j.r = &s->reports[i];
		if (report == NULL || report == j.r)
			json_quality(&j, report == NULL);
	}
	json(&j, "]}\n");
	return ferror(fp) ? -1 : 0;
}

/*
 * The fleet: a sweep from one instant at which any node changes to the next
 */

enum says { /* a node, of an instant */
	SAYS_UNKNOWN,
	SAYS_LACKS,
	SAYS_INCOMPLETE,
	SAYS_COMPLETE
};

struct cursor { /* in sorted spans */
	size_t next; /* index */
	struct span span; /* those before it, joined */
};

struct voice { /* a node during the sweep */
	struct fleet_node *node;
	struct cursor hole, incomplete, unreadable;
	int64_t tolerance; /* us, joins what is incomplete */
	enum says says;
	int64_t until; /* says the same up to here */
};

/*
 * Returns whether t is in the span, and moves *until back to where that
 * changes, if it is later.
 */
static bool
span_at(struct span span, int64_t t, int64_t *until)
{
	const int64_t change = span.start > t ? span.start : span.end;

	if (change > t && change < *until)
		*until = change;
	return span.start <= t && t < span.end;
}

static bool
spans_at(struct cursor *c, const struct spans *spans, int64_t tolerance,
    int64_t t, int64_t *until)
{
	while ((c->next == 0 || c->span.end <= t) &&
	    spans_join(spans, &c->next, tolerance, &c->span))
		continue;
	return span_at(c->span, t, until);
}

/*
 * Finds what a node says from t on, at most up to the end, and adds it to the
 * node's coverage. Calls for one node never go back in time.
 */
static void
voice_move(struct voice *v, int64_t t, int64_t end)
{
	struct fleet_node *node = v->node;
	const struct report *r = node->report;
	struct coverage *c = &node->coverage;

	v->says = SAYS_UNKNOWN;
	v->until = end;
	if (r == NULL || !span_at(node->window, t, &v->until) ||
	    spans_at(&v->unreadable, &r->unreadable, 0, t, &v->until))
		return;
	if (span_at((struct span){r->start, r->end}, t, &v->until) &&
	    !spans_at(&v->hole, &r->raw.holes, 0, t, &v->until)) {
		v->says = SAYS_COMPLETE;
		if (spans_at(&v->incomplete, &r->incomplete, v->tolerance, t,
			&v->until))
			v->says = SAYS_INCOMPLETE;
		c->covered += v->until - t;
	} else if (span_at(
		       (struct span){INT64_MIN, node->horizon}, t, &v->until)) {
		v->says = SAYS_LACKS;
		spans_cover(&c->holes, t, v->until);
		c->hole_duration += v->until - t;
	}
}

/*
 * Accounts for a span in which no node changes. Adds a gap, or extends the last
 * one if state and nodes are the same.
 */
static void
span_take(struct fleet *f, const struct voice *voices, struct span span)
{
	const enum says here = f->here ? voices[0].says : SAYS_UNKNOWN;
	struct gap gap = {.span = span, .first = f->havingsz}, *last;
	size_t i, say[SAYS_COMPLETE + 1] = {0};
	enum says says;

	for (i = 0; i < f->nodesz; i++)
		say[voices[i].says]++;
	for (i = 0; i < f->nodesz; i++)
		if (voices[i].says == SAYS_LACKS &&
		    say[SAYS_INCOMPLETE] + say[SAYS_COMPLETE] > 0)
			f->nodes[i].elsewhere += span.end - span.start;
	if (here == SAYS_INCOMPLETE && say[SAYS_COMPLETE] > 0)
		gap.state = GAP_BETTER;
	else if (say[SAYS_INCOMPLETE] + say[SAYS_COMPLETE] == 0)
		gap.state = say[SAYS_UNKNOWN] > 0 ? GAP_UNKNOWN : GAP_LOST;
	else if (here == SAYS_LACKS)
		gap.state = GAP_ELSEWHERE;
	else
		return;
	for (says = SAYS_COMPLETE; says > here && says > SAYS_LACKS; says--)
		for (i = f->here; i < f->nodesz; i++) {
			if (voices[i].says != says)
				continue;
			if (gap.state == GAP_ELSEWHERE)
				f->nodes[i].has += span.end - span.start;
			f->having = need(array_room(f->having, &f->havingcap,
			    f->havingsz, sizeof(*f->having)));
			f->having[f->havingsz++] = i;
		}
	gap.havingsz = f->havingsz - gap.first;
	last = f->gapsz > 0 ? &f->gaps[f->gapsz - 1] : NULL;
	if (last != NULL && last->state == gap.state &&
	    last->span.end == span.start && last->havingsz == gap.havingsz &&
	    (gap.havingsz == 0 ||
		memcmp(&f->having[last->first], &f->having[gap.first],
		    gap.havingsz * sizeof(*f->having)) == 0)) {
		last->span.end = span.end;
		f->havingsz = gap.first;
		return;
	}
	f->gaps = need(array_room(f->gaps, &f->gapcap, f->gapsz, sizeof(gap)));
	f->gaps[f->gapsz++] = gap;
}

/*
 * Adds up the gaps, but for slivers: what is lost for no longer than the
 * tolerance, while some node has what comes before it and what comes after.
 */
static void
gaps_sum(struct fleet *f)
{
	struct gap gap;
	int64_t length, next, tolerance = 0, unknown = f->range.start;
	size_t i, n = 0;

	for (i = 0; i < f->nodesz; i++)
		if (f->nodes[i].tolerance > tolerance)
			tolerance = f->nodes[i].tolerance;
	for (i = 0; i < f->gapsz; i++) {
		gap = f->gaps[i];
		length = gap.span.end - gap.span.start;
		next = i + 1 < f->gapsz && f->gaps[i + 1].state == GAP_UNKNOWN
		    ? f->gaps[i + 1].span.start
		    : f->range.end;
		if (gap.state == GAP_UNKNOWN)
			unknown = gap.span.end;
		else if (gap.state == GAP_LOST && length <= tolerance &&
		    gap.span.start > unknown && gap.span.end < next)
			continue;
		f->tallies[gap.state].count++;
		f->tallies[gap.state].duration += length;
		if (gap.state == GAP_LOST)
			spans_cover(
			    &f->together.holes, gap.span.start, gap.span.end);
		f->gaps[n++] = gap;
	}
	f->gapsz = n;
	f->together.hole_duration = f->tallies[GAP_LOST].duration;
	f->together.covered = f->range.end - f->range.start -
	    f->together.hole_duration - f->tallies[GAP_UNKNOWN].duration;
}

/*
 * A peer's report has joined what is incomplete.
 */
static void
fleet_sweep(struct fleet *f)
{
	struct voice *v, *voices = need(calloc(f->nodesz, sizeof(*voices)));
	struct voice *const end = voices + f->nodesz;
	struct span span = f->range;

	for (v = voices; v < end; v++) {
		v->node = &f->nodes[v - voices];
		v->until = INT64_MIN;
	}
	voices->tolerance = f->here ? f->nodes->tolerance : 0;
	for (; span.start < f->range.end; span.start = span.end) {
		span.end = f->range.end;
		for (v = voices; v < end; v++) {
			if (v->until <= span.start)
				voice_move(v, span.start, f->range.end);
			if (v->until < span.end)
				span.end = v->until;
		}
		span_take(f, voices, span);
	}
	free(voices);
}

/*
 * Lists the nodes: this one, unless there is no archive, then one for each name
 * of a peer. A peer may have several files, one for each quality. The range is
 * from the earliest start to the latest end, cut at the window.
 */
static void
fleet_nodes(const struct options *opt, const struct survey *s,
    const struct report *r, struct fleet *f)
{
	const struct peer *peer,
	    here = {.name = opt->name,
		.generated_at = opt->now,
		.tolerance = opt->tolerance,
		.window = opt->window};
	struct span *range = &f->range;
	const struct report *said;
	struct fleet_node *node;
	size_t i;

	f->nodes = need(calloc(s->peersz + 1, sizeof(*f->nodes)));
	f->here = opt->channelsz > 0;
	*range = (struct span){INT64_MAX, INT64_MIN};
	for (i = !f->here; i <= s->peersz; i++) {
		peer = i == 0 ? &here : &s->peers[i - 1];
		node = f->nodes;
		while (
		    node->name != NULL && strcmp(node->name, peer->name) != 0)
			node++;
		if (node->name == NULL) {
			node->name = peer->name;
			node->generated_at = TIME_NONE;
			f->nodesz++;
		}
		if (peer->generated_at == TIME_NONE || node->report != NULL)
			continue;
		node->window = peer->window;
		node->generated_at = peer->generated_at;
		node->horizon = peer->generated_at - opt->settle;
		node->tolerance = peer->tolerance;
		said = i > 0 ? peer_report(peer, r) : r;
		if (said == NULL || said->state == STATE_UNREADABLE ||
		    (i == 0 && !s->complete && r->start == TIME_NONE))
			continue;
		node->report = said;
		if (said->start != TIME_NONE && said->start < range->start)
			range->start = said->start;
		if (said->end > range->end)
			range->end = said->end;
	}
	if (!span_cut(range, opt->window.start, opt->window.end))
		*range = (struct span){TIME_NONE, TIME_NONE};
}

/*
 * Without an archive: makes an empty report for each quality that a peer
 * reports. The names remain the peers'.
 */
static void
fleet_reports(struct survey *s)
{
	const struct peer *first, *peer;
	const struct report *r;
	size_t cap = 0, i;

	for (peer = s->peers; peer < s->peers + s->peersz; peer++)
		for (i = 0; i < peer->reportsz && peer->message == NULL; i++) {
			r = &peer->reports[i];
			first = s->peers;
			while (peer_report(first, r) == NULL)
				first++;
			if (first != peer)
				continue;
			s->reports = need(array_room(
			    s->reports, &cap, s->reportsz, sizeof(*r)));
			s->reports[s->reportsz++] =
			    (struct report){.channel = r->channel,
				.quality = r->quality,
				.start = TIME_NONE,
				.end = TIME_NONE,
				.stream = {TIME_NONE, TIME_NONE},
				.newest = TIME_NONE};
		}
	if (s->reportsz > 0)
		qsort(s->reports, s->reportsz, sizeof(*r), quality_compare);
}

/*
 * Sets the fleet of every report, and notes what is odd about the peers.
 */
void
fleet_make(const struct options *opt, struct survey *s)
{
	char ours[TIME_SIZE], text[TIME_SIZE];
	const struct peer *peer;
	struct report *r;
	size_t i;

	if (opt->channelsz == 0)
		fleet_reports(s);
	seconds_format(ours, opt->tolerance);
	for (peer = s->peers; peer < s->peers + s->peersz; peer++) {
		if (peer->message != NULL)
			continue;
		time_format(text, peer->generated_at);
		if (peer->generated_at > opt->now + AHEAD)
			names_add(&s->notes,
			    compose("%s: report dated in the future: %s",
				peer->name, text));
		seconds_format(text, peer->tolerance);
		if (peer->tolerance > opt->tolerance)
			names_add(&s->notes,
			    compose("%s: tolerance is %s s, ours %s s: shorter "
				    "holes there do not show",
				peer->name, text, ours));
	}
	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		r->fleet = need(calloc(1, sizeof(*r->fleet)));
		fleet_nodes(opt, s, r, r->fleet);
		fleet_sweep(r->fleet);
		gaps_sum(r->fleet);
	}
}

/*
 * May be NULL.
 */
void
fleet_free(struct fleet *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->nodesz; i++)
		free(f->nodes[i].coverage.holes.v);
	free(f->nodes);
	free(f->together.holes.v);
	free(f->having);
	free(f->gaps);
	free(f);
}

/*
 * Text
 */

#define RESET  "\033[0m"
#define BOLD   "\033[1m"
#define RED    "\033[1;31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BLUE   "\033[34m"
#define ON_RED "\033[34;41m" /* what is left, on what is lost */

#define WIDTH           80 /* columns */
#define ROOM            75 /* of them for what may end in `, ...` */
#define HOLES_LISTED    5
#define SIBLINGS_LISTED 5

/* lines of the text for one quality, for one of more days, for several */
#define LINES_WEEK 22
#define LINES_DAYS 8
#define LINES_YEAR 40
#define LINES_MANY 60

struct text { /* on its way out */
	FILE *fp;
	const struct options *opt;
	const struct report *report; /* whose days or hours are shown */
	struct span range; /* of its stream, in the window */
	int lines; /* written so far */
	int column; /* columns of the line being written */
	bool drawn; /* cells are blocks in colour, not characters */
	bool cells; /* some were shown and want a legend */
};

static const char *const glyphs[2][12] = {/* whole, incomplete, with a hole */
    {"#", "+", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
    {"\u2588", "\u2588", " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585",
	"\u2586", "\u2587"}};

static const char *const titles[2][2] = {/* of hours, of days; the worst */
    {"Hours          00   10   20   30   40   50",
	"Worst hours    00   10   20   30   40   50"},
    {"Days        00    06    12    18", "Worst days  00    06    12    18"}};

struct row { /* of days or hours */
	struct span span; /* one unit, or several if they are alike */
	size_t first; /* of the hour directories from there on */
	int64_t trouble; /* see text_trouble() */
	bool shown; /* as one of the worst */
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/*
 * Writes the format with values for these, after a width, as of printf but
 * with a blank on the left at least, and c for a colour:
 *	%s %n	const char *; the latter any bytes, and if too wide a new line
 *	%z %l	size_t; int64_t us, as a duration
 *	%Z %L	the same, but - for 0, without its colour
 *	%a %t	int64_t us: an age; an instant, cut so far behind its seconds
 *	%|	blanks up to that column
 */
static void
put(struct text *t, const char *fmt, ...)
{
	char buf[TIME_SIZE], *end, *name;
	const char *colour, *s;
	int length, next, pad, width;
	int64_t n;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			putc(*fmt, t->fp);
			t->lines += *fmt == '\n';
			t->column = *fmt == '\n' ? 0 : t->column + 1;
			continue;
		}
		width = (int)strtol(fmt + 1, &end, 10);
		colour = *end == 'c' ? va_arg(ap, const char *) : "";
		fmt = *end == 'c' ? end + 1 : end;
		s = buf;
		name = NULL;
		if (*fmt == 's')
			s = va_arg(ap, const char *);
		else if (*fmt == 'n')
			s = name = name_printable(
			    va_arg(ap, const char *), t->opt->utf8);
		else if (*fmt == '|') {
			width = t->column < width ? t->column - width : 0;
			s = "";
		} else if (*fmt == 'z' || *fmt == 'Z')
			snprintf(buf, sizeof(buf), "%zu", va_arg(ap, size_t));
		else if ((n = va_arg(ap, int64_t)) == TIME_NONE)
			s = "-";
		else if (*fmt == 'a')
			age_format(buf, n);
		else if (*fmt == 't') {
			time_format(buf, n);
			strchr(buf, '.')[width] = '\0';
		} else
			duration_format(buf, n);
		if (*fmt == 't')
			width = 0;
		if (!t->opt->colour)
			colour = "";
		if ((*fmt == 'Z' || *fmt == 'L') && *s == '0' && s[1] != '.') {
			colour = "";
			s = "-";
		}
		next = t->column - width;
		length = (int)utf8_length(s);
		pad = width > length ? width - length : width > 0;
		fprintf(t->fp, "%*s%s%s%s", pad, "", colour, s,
		    *colour != '\0' ? RESET : "");
		t->column += pad + length;
		if (name != NULL && width < 0 && t->column > next)
			put(t, "\n");
		for (; t->column < next; t->column++)
			putc(' ', t->fp);
		free(name);
	}
	va_end(ap);
}

/*
 * Prints three columns: the covered part, rounded down, and what is missing.
 */
static void
text_coverage(struct text *t, const struct coverage *c)
{
	const int64_t ratio = coverage_ratio(c);
	char buf[TIME_SIZE] = "-";

	if (ratio >= 0)
		snprintf(buf, sizeof(buf), "%d.%02d %%", (int)ratio / 10000,
		    (int)ratio / 100 % 100);
	if (ratio >= 0 && ratio % 1000000 < 100)
		memset(strchr(buf, '.'), ' ', 3);
	put(t, "%9s%7cZ%10cL", buf, RED, c->holes.n, RED, c->hole_duration);
}

/*
 * Prints the channel's directories behind `intro`, without the first of the
 * qualities that were asked for. Returns whether there are any.
 */
static bool
text_siblings(struct text *t, const char *intro, const struct names *names,
    size_t without)
{
	size_t i, j, n = 0;

	for (i = 0; names != NULL && i < names->n && n <= SIBLINGS_LISTED;
	     i++) {
		for (j = 0; j < without &&
		     strcmp(t->opt->qualities.v[j], names->v[i]) != 0;)
			j++;
		if (j < without)
			continue;
		put(t, "%s%n", n == 0 ? intro : ", ",
		    n < SIBLINGS_LISTED ? names->v[i] : "...");
		n++;
	}
	return n > 0;
}

/*
 * Prints what the figures of a quality do not say, below its row.
 */
static void
text_remarks(struct text *t, const struct report *r)
{
	const struct coverage *e = &r->editable;
	const struct counts *c = &r->counts;
	const struct span *gap = r->missing.v;
	size_t i, n;
	struct {
		size_t n;
		const char *colour, *fmt;
	} remarks[] = {
	    {spans_hours(&r->unreadable), RED, "%zu hour%s unreadable"},
	    {spans_hours(&r->missing), RED, "%zu hour%s missing"},
	    {c->ahead, YELLOW, "%zu segment%s ahead of the clock, ignored"},
	    {c->bad, YELLOW, "%zu bad name%s"}, {c->empty, YELLOW, "%zu empty"},
	    {r->start == TIME_NONE ? c->temp : 0, "", "%zu being downloaded"},
	    {e->hole_duration > 2 * r->raw.hole_duration ? e->holes.n : 0, "",
		"editable: %zu hole%s %s %s"},
	    {0, "", "%zu hole%s known"}};
	char buf[256], lost[TIME_SIZE];
	bool fits;

	for (i = 0; i < r->missing.n; i++, gap++)
		if (gap->end - gap->start > YEAR)
			put(t,
			    "%12|%s%-6t and %-6t: more than a year apart%s;\n",
			    t->opt->colour ? RED : "", gap->start - HOUR,
			    gap->end, t->opt->colour ? RESET : "");
	for (i = 0; r->fleet != NULL && i < r->raw.holes.n; i++)
		remarks[LENGTH(remarks) - 1].n +=
		    hole_known(t->opt, r, &r->raw.holes.v[i]);
	duration_format(lost, e->hole_duration);
	for (i = 0; i < LENGTH(remarks); i++) {
		if ((n = remarks[i].n) == 0)
			continue;
		snprintf(buf, sizeof(buf), remarks[i].fmt, n, plural(n),
		    n == 1 ? "loses" : "lose", lost);
		fits = t->column + 2 + (int)strlen(buf) < WIDTH;
		if (t->column > 0)
			put(t, fits ? "; " : ";\n");
		put(t, "%12|%cs", remarks[i].colour, buf);
	}
	if (t->column > 0)
		put(t, "\n");
}

/*
 * Prints one quality's row of the table: the worst verdict that applies, and
 * its figures, or why it has none.
 */
static void
text_quality(struct text *t, const struct report *r)
{
	static const char *const reasons[] = {"  (not looked at",
	    "  (no such quality", "  (could not be listed",
	    "  (only segments of no duration"}; /* by state */
	const struct coverage *c = coverage_shown(r);
	const struct span *longest = hole_longest(c);
	const bool before = r->stream.start < t->opt->window.start;
	const bool here = c == &r->raw, none = coverage_ratio(c) < 0;
	const char *verdict = here && r->state == STATE_ABSENT ? "ABSENT"
	    : (here && r->state != STATE_READ) || r->unreadable.n > 0
	    ? "UNREADABLE"
	    : none || (here && r->start == TIME_NONE) ? "NO SEGMENTS"
	    : stream_age(t->opt, r) > STOPPED         ? "STOPPED"
	    : r->fleet != NULL && r->fleet->tallies[GAP_LOST].count > 0 ? "LOST"
	    : c->holes.n > 0   ? "HOLES"
	    : is_incomplete(r) ? "INCOMPLETE"
			       : "OK";

	put(t, "    %-7n %cs", r->quality,
	    *verdict == 'O'       ? GREEN
		: *verdict == 'I' ? YELLOW
				  : RED,
	    verdict);
	if (*verdict == 'S')
		put(t, " %ca", RED, stream_age(t->opt, r));
	put(t, "%25|");
	if (!none) {
		text_coverage(t, c);
		put(t, "%10L%10cL  %a",
		    longest == NULL ? 0 : longest->end - longest->start, YELLOW,
		    r->counts.incomplete.duration,
		    r->newest == TIME_NONE ? TIME_NONE
					   : t->opt->now - r->newest);
	} else if (r->state != STATE_ABSENT ||
	    !text_siblings(t, "  (there are: ", r->siblings, 0))
		put(t,
		    r->state != STATE_READ             ? reasons[r->state]
			: r->start != TIME_NONE        ? reasons[3]
			: r->stream.start == TIME_NONE ? "  (none at all"
			: before ? "  (the last before ended %t"
				 : "  (the first after begins %t",
		    before ? r->stream.end : r->stream.start);
	put(t, none ? ")\n" : "\n");
}

/*
 * Prints the qualities, and the time that the figures are of: the window, and
 * where it is open from the first segment or to the last.
 */
static void
text_table(struct text *t, const struct survey *s)
{
	const struct span *window = &t->opt->window;
	const struct report *r;
	struct span range = {INT64_MAX, INT64_MIN};
	size_t i;

	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		if (i == 0 || strcmp(r[-1].channel, r->channel) != 0)
			put(t,
			    "  %-23cn  covered  holes      lost   longest"
			    "  incompl.  newest\n",
			    BOLD, r->channel);
		text_quality(t, r);
		text_remarks(t, r);
		if ((i + 1 == s->reportsz ||
			strcmp(r[1].channel, r->channel) != 0) &&
		    text_siblings(t, "    not asked for: ", r->siblings,
			t->opt->qualities.n))
			put(t, "\n");
		if (r->start != TIME_NONE && r->start < range.start)
			range.start = r->start;
		if (r->end > range.end)
			range.end = r->end;
	}
	if (window->start != INT64_MIN)
		range.start = window->start;
	if (window->end != INT64_MAX)
		range.end = window->end;
	if (range.start < range.end)
		put(t, "  %t to %t UTC\n", range.start, range.end);
}

static int64_t
time_floor(int64_t time, int64_t unit)
{
	return time - (time % unit + unit) % unit;
}

/*
 * Cuts the time to the stream. Returns what is wrong with it: INT64_MAX if
 * some is unreadable, more than DAY by what is lost, what is incomplete if that
 * is more than 1 %, or else 0.
 */
static int64_t
text_trouble(const struct text *t, struct span *part)
{
	const struct report *r = t->report;
	int64_t us;

	if (spans_within(&r->unreadable, part, &us) > 0)
		return INT64_MAX;
	if (!span_cut(part, t->range.start, t->range.end))
		return 0;
	if (spans_within(&r->raw.holes, part, &us) > 0)
		return us + DAY;
	spans_within(&r->incomplete, part, &us);
	return us > (part->end - part->start) / 100 ? us : 0;
}

static void
text_cells(struct text *t, int64_t start, int64_t width)
{
	const int64_t steps = t->drawn ? 8 : 10;
	const char *before = "", *colour, *glyph;
	char run[128] = "", *end = run; /* of one colour */
	struct span part;
	int64_t length, trouble;
	int i;

	for (i = 0; i < (width == HOUR ? 24 : 30); i++, start += width) {
		part = (struct span){start, start + width};
		trouble = text_trouble(t, &part);
		glyph = glyphs[t->drawn][trouble > 0];
		colour = trouble > 0 ? YELLOW : t->drawn ? BLUE : "";
		if (trouble == INT64_MAX || part.start >= part.end) {
			glyph = trouble > 0 ? "?" : " ";
			colour = "";
		} else if (trouble >= DAY) {
			length = part.end - part.start;
			length = (length + DAY - trouble) * steps / length;
			glyph = glyphs[t->drawn][2 + length];
			colour = ON_RED;
		}
		if (strcmp(colour, before) != 0) {
			put(t, "%cs", before, run);
			end = run;
		}
		end = stpcpy(end, glyph);
		before = colour;
	}
	put(t, "%cs", before, run);
	t->cells = true;
}

/*
 * Prints one row, and of an hour with --all-hours everything that the Python
 * logged.
 */
static void
text_row(struct text *t, bool days, const struct row *row)
{
	const struct report *r = t->report;
	const struct hour *h = NULL;
	const struct tally *tally;
	const int64_t length = days ? DAY : HOUR;
	int64_t incomplete = 0, lost;
	size_t bad = 0, editable, i, raw;

	for (i = row->first; i < r->hoursz && r->hours[i].time < row->span.end;
	     i++) {
		h = &r->hours[row->first];
		incomplete += r->hours[i].counts.incomplete.duration;
		bad += r->hours[i].counts.bad;
	}
	put(t, days ? "  %-9t  " : "  %-6t  ", row->span.start);
	if (row->span.end - row->span.start > length) {
		put(t, days ? "to %-9t  " : "to %-6t  ",
		    row->span.end - length);
		h = NULL;
	}
	if (h != NULL)
		text_cells(t, row->span.start, days ? HOUR : 2 * MINUTE);
	else
		put(t, "%cs", row->trouble > 0 ? RED : "",
		    row->trouble > 0 ? "MISSING" : "whole");
	if (!days && h != NULL && !h->readable) {
		put(t, "%47|%cs\n", RED, "  UNREADABLE");
		return;
	}
	raw = spans_within(&r->raw.holes, &row->span, &lost);
	put(t, "%47|%7cZ%10cL%10cL%6cZ\n", RED, raw, RED, lost, YELLOW,
	    incomplete, YELLOW, bad);
	if (days || h == NULL || !t->opt->all_hours)
		return;
	put(t, "    %7t  %7t  temp %z, tombstoned %z\n", h->start, h->end,
	    h->counts.temp, h->counts.tombstoned);
	for (i = 0; i < 2; i++) {
		tally = i == 0 ? h->counts.segments : h->counts.overlaps;
		put(t, "    %s  full%5z%9l  suspect%5z%9l  partial%5z%9l\n",
		    i == 0 ? "segments" : "overlaps", tally[0].count,
		    tally[0].duration, tally[1].count, tally[1].duration,
		    tally[2].count, tally[2].duration);
	}
	editable = spans_within(&r->editable.holes, &row->span, &lost);
	put(t, "    coverage  raw %l, %z hole%s  editable %l, %z hole%s, %l\n",
	    h->raw, raw, plural(raw), h->editable, editable, plural(editable),
	    lost);
}

/*
 * Prints the table of the days, if there are several, or of the hours, up to
 * so many lines of text: a row for each with a directory and for all the time
 * between two such, runs of whole days in one; of hours only those in trouble;
 * of both the worst. With --all-hours everything has its row.
 */
static void
text_rows(struct text *t, bool days, int lines)
{
	const int64_t length = days ? DAY : HOUR;
	const bool all = t->opt->all_hours;
	const struct report *r = t->report;
	struct row none = {.trouble = -1}, *row, *rows, *worst;
	struct span part;
	int64_t incomplete, next, start = t->range.start;
	size_t hour = 0, max = days ? 15 : 10, n = 0, shown;

	rows = need(calloc(2 * r->hoursz + 1, sizeof(*rows)));
	if (r->hoursz > 0 && r->hours[0].time < start)
		start = r->hours[0].time;
	start = time_floor(start, length);
	for (; start < t->range.end || hour < r->hoursz; start = next) {
		row = &rows[n];
		row->first = hour;
		next = hour < r->hoursz ? r->hours[hour].time
					: t->range.end + length - 1;
		if ((next = time_floor(next, length)) == start)
			next += length;
		incomplete = 0;
		while (hour < r->hoursz && r->hours[hour].time < next)
			incomplete +=
			    r->hours[hour++].counts.incomplete.duration;
		row->span = part = (struct span){start, next};
		row->trouble = text_trouble(t, &part);
		if (row->trouble < DAY) /* as the columns say */
			row->trouble = part.start < part.end &&
				incomplete * 100 > part.end - part.start
			    ? incomplete
			    : 0;
		if (days && !all && n > 0 && row->trouble == 0 &&
		    row[-1].trouble == 0)
			row[-1].span.end = next;
		else if (days || all || row->trouble > 0)
			n++;
	}
	lines -= t->lines + 1 + (days ? 3 : 0); /* title, table of hours */
	if (lines < 1 || (days && n < 2))
		n = 0;
	if (n < max || all)
		max = n;
	if (max > (size_t)lines)
		max = (size_t)lines;
	if (n > 0)
		put(t, "  %s%47|  holes      lost  incompl.   bad\n",
		    titles[days][max < n]);
	for (shown = max < n ? 0 : max; shown < max; shown++) {
		worst = &none;
		for (row = rows; row < rows + n; row++)
			if (!row->shown && row->trouble > worst->trouble)
				worst = row;
		worst->shown = true;
	}
	for (row = rows; row < rows + n; row++)
		if (max == n || row->shown)
			text_row(t, days, row);
	free(rows);
}

/*
 * Prints the names of the nodes that have a gap, as many as fit in so many
 * columns, but at least one.
 */
static void
print_having(FILE *fp, const struct fleet *f, const struct gap *gap, bool utf8,
    const char *comma, size_t columns)
{
	char *name;
	size_t i, used = 0;
	bool fits = true;

	for (i = 0; f != NULL && i < gap->havingsz && fits; i++) {
		name = name_printable(
		    f->nodes[f->having[gap->first + i]].name, utf8);
		used += utf8_length(name) + strlen(comma);
		fits = i == 0 || used <= columns;
		fprintf(fp, "%s%s", i > 0 ? comma : "", fits ? name : "...");
		free(name);
	}
}

/*
 * Prints length, start and end, the end without its date if that is the same,
 * and who has it, or what else is to be said of it.
 */
static void
text_gap(struct text *t, const struct report *r, const struct gap *gap)
{
	const char *state = hole_state(t->opt, r, &gap->span);
	const int64_t length = gap->span.end - gap->span.start;
	const bool fine = length < SECOND / 100;
	const bool same =
	    time_floor(gap->span.start, DAY) == time_floor(gap->span.end, DAY);
	char end[TIME_SIZE];

	time_format(end, gap->span.end);
	strchr(end, '.')[fine ? 7 : 4] = '\0';
	put(t, fine ? "%12l  %7t  %s" : "%12l  %4t  %s", length,
	    gap->span.start, same ? strchr(end, 'T') + 1 : end);
	if (strcmp(state, "hole") != 0 && gap->state != GAP_BETTER)
		put(t, "  %s", state);
	put(t, gap->havingsz > 0 ? "  " : "");
	print_having(t->fp, r->fleet, gap, t->opt->utf8, ", ",
	    t->column < ROOM ? (size_t)(ROOM - t->column) : 0);
	put(t, "\n");
}

/*
 * Prints a row for each node: what it has, how old its newest segment is, or
 * how long before its report the stream stopped, and how old the report is.
 */
static void
text_fleet(struct text *t, const struct fleet *f)
{
	const struct tally *unknown = &f->tallies[GAP_UNKNOWN];
	const struct fleet_node *node;
	int64_t newest, seen;
	size_t i;

	put(t,
	    "\n  Node         covered  holes      lost  has of ours"
	    "  newest segment  report\n");
	for (i = 0; i < f->nodesz; i++) {
		node = &f->nodes[i];
		seen = node->generated_at;
		put(t, "  %-11cn", BOLD, node->name);
		if (node->report == NULL)
			put(t, "%7s", "?");
		else {
			newest = node->report->newest;
			text_coverage(t, &node->coverage);
			put(t, "%13L  ", node->has);
			if (seen > node->window.end)
				seen = node->window.end;
			if (newest == TIME_NONE)
				put(t, "no segments");
			else if (seen - newest > STOPPED)
				put(t, "%cs %ca", RED, "STOPPED", RED,
				    seen - newest);
			else
				put(t, "%a old", t->opt->now - newest);
		}
		if (node->generated_at == TIME_NONE)
			put(t, "%70|%cs", RED, "unusable");
		else if (node->generated_at > t->opt->now)
			put(t, "%70|%a ahead",
			    node->generated_at - t->opt->now);
		else if (!f->here || i > 0)
			put(t, "%70|%a old", t->opt->now - node->generated_at);
		put(t, "\n");
	}
	put(t, "  %-11cn", BOLD, "together");
	text_coverage(t, &f->together);
	put(t, "\n");
	if (unknown->count > 0)
		put(t, "  unknown    %16z%10cL\n", unknown->count, YELLOW,
		    unknown->duration);
	if (f->gapsz > unknown->count)
		put(t, "\n");
}

/*
 * Prints what is missing of a quality, with peers by what they say of it: the
 * longest holes that are not known, or with --all-hours every one.
 */
static void
text_holes(struct text *t, const struct report *r)
{
	static const char *const words[GAP_STATES] = {"  LOST: no node has it",
	    "  Elsewhere", "  Better elsewhere", "  Unknown"};
	const bool all = t->opt->all_hours, colour = t->opt->colour;
	const struct fleet *f = r->fleet;
	const enum gap_state last = f == NULL ? GAP_LOST
	    : all                             ? GAP_UNKNOWN
					      : GAP_ELSEWHERE;
	enum gap_state state;
	size_t count, i, n;
	struct gap gap;
	struct pick pick;

	put(t, "\n  %s%n/%n%s", colour ? BOLD : "", r->channel, r->quality,
	    colour ? RESET : "");
	if (f != NULL)
		text_fleet(t, f);
	for (state = GAP_LOST; state <= last; state++) {
		count = f != NULL ? f->tallies[state].count : r->raw.holes.n;
		holes_pick(&pick, t->opt, r, state,
		    f != NULL && state == GAP_LOST ? LISTED_MAX : HOLES_LISTED,
		    false);
		n = all ? count : pick.n;
		if (count > 0)
			put(t, f != NULL ? words[state] : ": hole%s",
			    plural(n));
		put(t, n > 1 && !all ? ", longest first" : "");
		if (n < pick.count)
			put(t, " (%z of %z; all: -f holes)", n, pick.count);
		if (pick.count < count)
			put(t, " (%z known)", count - pick.count);
		if (count > 0 || f == NULL)
			put(t, "\n");
		for (i = 0; all ? hole_get(r, i, &gap) : i < n; i++) {
			if (!all)
				gap = pick.top[i];
			if (gap.state == state)
				text_gap(t, r, &gap);
		}
	}
	if (f != NULL && f->tallies[GAP_BETTER].count > 0)
		put(t, "  Incomplete here, complete elsewhere: %l\n",
		    f->tallies[GAP_BETTER].duration);
}

static bool
is_detailed(const struct options *opt, const struct report *r)
{
	return opt->all_hours || r->fleet != NULL || r->unreadable.n > 0 ||
	    r->raw.holes.n > 0 || is_incomplete(r);
}

/*
 * Writes the text in proportion: the table of all qualities first, then of
 * those that are not OK what fits on a screen or two. With --all-hours there
 * is no limit, and what all nodes have is never left out.
 */
int
report_text(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const bool drawn = opt->utf8 && opt->colour;
	const char *const *glyph = glyphs[drawn];
	struct text t = {.fp = fp, .opt = opt, .drawn = drawn};
	const struct report *r;
	int detailed = 0, lines, used;
	size_t i;

	(void)report;
	if (s->errorsz > 0)
		put(&t, "%cs: %z error%s; %s\n", RED,
		    s->complete ? "TROUBLE" : "NOT COMPLETE", s->errorsz,
		    plural(s->errorsz),
		    s->complete ? "the figures below are complete"
				: "what could not be read is left out below");
	for (i = 0; i < s->errorsz && i < LISTED_MAX; i++)
		put(&t, "  %n: %n\n", s->errors[i].path, s->errors[i].message);
	if (s->errorsz > i)
		put(&t, "  and %z more, all in the JSON\n", s->errorsz - i);
	put(&t, s->errorsz > 0 ? "\n" : "");
	t.lines = 0; /* errors leave the rest its room */
	text_table(&t, s);
	for (i = 0; i < s->reportsz; i++)
		detailed += is_detailed(opt, &s->reports[i]);
	used = t.lines + 1 + (int)s->notes.n;
	for (i = 0; i < s->reportsz; i++) {
		r = t.report = &s->reports[i];
		if (!is_detailed(opt, r))
			continue;
		t.range = r->extent;
		if (r->raw.holes.n > 0 &&
		    r->raw.holes.v[0].start < t.range.start)
			t.range.start = r->raw.holes.v[0].start; /* --expect */
		if (!span_cut(&t.range, opt->window.start, opt->window.end))
			t.range = (struct span){INT64_MAX, INT64_MIN};
		lines = s->reportsz > 1                    ? LINES_MANY
		    : r->end - r->start > LINES_DAYS * DAY ? LINES_YEAR
							   : LINES_WEEK;
		lines = opt->all_hours ? INT32_MAX
				       : t.lines + (lines - used) / detailed;
		text_holes(&t, r);
		text_rows(&t, true, lines);
		text_rows(&t, false, lines);
	}
	if (t.cells)
		put(&t,
		    "  %cs whole, %cs to %cs%s, %cs incomplete, ? unreadable, "
		    "blank: no stream\n",
		    drawn ? BLUE : "", glyph[0], ON_RED, glyph[drawn ? 3 : 2],
		    ON_RED, glyph[drawn ? 9 : 11],
		    drawn ? " in part" : " tenths of it", YELLOW, glyph[1]);
	for (i = 0; i < s->notes.n; i++)
		put(&t, "  %n\n", s->notes.v[i]);
	return ferror(fp) ? -1 : 0;
}

/*
 * Metrics
 */

struct samples { /* of a quality, or of an hour or a peer of it */
	const struct report *r;
	char kind; /* with which its lines in man/metrics.txt begin */
	const char *label; /* besides channel and quality, or NULL */
	char hour[TIME_SIZE];
	int64_t v[64]; /* as those lines say; in millionths, or TIME_NONE */
	size_t n, done; /* of v: added, and printed */
};

/*
 * Adds values: n size_t, s int64_t us, c const struct coverage *, t and d
 * const struct tally *, of each type the count or the duration.
 */
static void
add(struct samples *to, const char *kinds, ...)
{
	const struct coverage *c;
	const struct span *longest;
	const struct tally *tally;
	int64_t ratio;
	size_t i;
	va_list ap;

	va_start(ap, kinds);
	for (; *kinds != '\0'; kinds++) {
		if (*kinds == 'n')
			to->v[to->n++] = (int64_t)va_arg(ap, size_t) * SECOND;
		else if (*kinds == 's')
			to->v[to->n++] = va_arg(ap, int64_t);
		else if (*kinds == 'c') {
			c = va_arg(ap, const struct coverage *);
			longest = hole_longest(c);
			ratio = coverage_ratio(c);
			add(to, "ssnss", c->covered,
			    ratio < 0 ? TIME_NONE : ratio, c->holes.n,
			    c->hole_duration,
			    longest == NULL ? INT64_C(0)
					    : longest->end - longest->start);
		} else {
			tally = va_arg(ap, const struct tally *);
			for (i = 0; i < SEGMENT_TYPES; i++)
				to->v[to->n++] = *kinds == 'd'
				    ? tally[i].duration
				    : (int64_t)tally[i].count * SECOND;
		}
	}
	va_end(ap);
}

/*
 * Adds what is known of a quality, which is nothing if it could not be read:
 * no holes would be as wrong as some.
 */
static void
add_quality(
    struct samples *to, const struct options *opt, const struct survey *s)
{
	const struct report *r = to->r;
	const struct counts *c = &r->counts;
	const struct fleet *f = r->fleet;
	const struct spans *holes = &r->raw.holes;
	const int64_t found = r->state >= STATE_UNREADABLE ? SECOND : 0;
	int64_t known = 0, length, recent = 0, silent = stream_age(opt, r);
	size_t i;

	for (i = 0; i < holes->n; i++) {
		length = holes->v[i].end - holes->v[i].start;
		if (hole_known(opt, r, &holes->v[i]))
			known += length;
		if (holes->v[i].start > opt->now - HOUR &&
		    !hole_settling(opt, &holes->v[i]))
			recent += length;
	}
	if (silent != TIME_NONE &&
	    (silent <= STOPPED || opt->window.end <= opt->now))
		silent = 0;
	add(to, "tnnndtdcc", c->segments, c->bad, c->temp, c->tombstoned,
	    c->segments, c->overlaps, c->overlaps, &r->raw, &r->editable);
	add(to, "ssnsn", recent, known, c->incomplete.count,
	    c->incomplete.duration, c->ahead);
	add(to, "sssss", (int64_t)spans_hours(&r->missing) * HOUR,
	    (int64_t)spans_hours(&r->unreadable) * HOUR, r->start, r->newest,
	    silent);
	if (r->state == STATE_UNKNOWN || r->state == STATE_UNREADABLE)
		for (i = 0; i < to->n; i++)
			to->v[i] = TIME_NONE;
	add(to, "sssnn", coverage_shown(r) == &r->raw ? found : TIME_NONE,
	    opt->now, s->elapsed, s->errorsz, (size_t)s->complete);
	if (f != NULL)
		add(to, "n", f->tallies[GAP_LOST].count);
	for (i = 0; f != NULL && i < GAP_STATES; i++)
		add(to, "s", f->tallies[i].duration);
}

/*
 * Makes the samples of a quality. Returns where the next are to be.
 */
static struct samples *
samples_make(struct samples *to, const struct options *opt,
    const struct survey *s, const struct report *r)
{
	const size_t max = opt->metrics_hours;
	const struct fleet *f = r->fleet;
	const struct fleet_node *node;
	const struct hour *h;
	struct span part;
	int64_t lost;
	size_t editable, i, raw;

	for (i = r->hoursz > max ? r->hoursz - max : 0; i < r->hoursz; i++) {
		h = &r->hours[i];
		if (!h->readable)
			continue;
		*to = (struct samples){.r = r, .kind = 'h', .label = to->hour};
		hour_format(to->hour, h->time);
		part = (struct span){h->time, h->time + HOUR};
		raw = spans_within(&r->raw.holes, &part, &lost);
		editable = spans_within(&r->editable.holes, &part, &lost);
		add(to++, "tndssnntd", h->counts.segments, h->counts.bad,
		    h->counts.segments, h->raw, h->editable, raw, editable,
		    h->counts.overlaps, h->counts.overlaps);
	}
	*to = (struct samples){.r = r, .kind = 'q'};
	add_quality(to++, opt, s);
	*to = (struct samples){.r = r, .kind = 'v', .label = VERSION};
	add(to++, "n", (size_t)1);
	for (i = f != NULL ? f->here : 0; f != NULL && i < f->nodesz; i++) {
		node = &f->nodes[i];
		*to =
		    (struct samples){.r = r, .kind = 'p', .label = node->name};
		add(to++, "ss",
		    f->here && node->report != NULL ? node->has : TIME_NONE,
		    node->generated_at);
	}
	return to;
}

/*
 * A line of man/metrics.txt is LABEL NAME TYPES HELP. TYPES is how many
 * samples it has, a digit; 1 is one without a type.
 */
int
report_metrics(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	char *text = compose(
	    "%.*s", (int)sizeof(metrics_txt), (const char *)metrics_txt);
	char *help, *label, *name, *next = text, value[TIME_SIZE];
	struct samples *all, *end, *from;
	size_t i, n = 0, types;
	int64_t us;

	(void)report;
	for (i = 0; i < s->reportsz; i++)
		n += s->reports[i].hoursz + 2 + s->peersz;
	all = end = need(calloc(n + 1, sizeof(*all)));
	for (i = 0; i < s->reportsz; i++)
		end = samples_make(end, opt, s, &s->reports[i]);
	while (*next != '\0') {
		label = strtok_r(next, " ", &next);
		name = strtok_r(next, " ", &next);
		types = (size_t)(*next - '0');
		help = strtok_r(next + 2, "\n", &next);
		for (i = 0; i < (size_t)(end - all) * types; i++) {
			from = &all[i / types];
			if (from->kind != *label || from->done == from->n)
				continue;
			us = from->v[from->done++];
			if (us == TIME_NONE)
				continue;
			if (help != NULL)
				fprintf(fp, "# HELP %s %s\n# TYPE %s gauge\n",
				    name, help, name);
			help = NULL;
			fprintf(fp, "%s{channel=", name);
			put_quoted(fp, from->r->channel, true);
			fputs(",quality=", fp);
			put_quoted(fp, from->r->quality, true);
			if (from->label != NULL) {
				fprintf(fp, ",%s=", label);
				put_quoted(fp, from->label, true);
			}
			if (types > 1)
				fprintf(
				    fp, ",type=\"%s\"", type_names[i % types]);
			seconds_format(value, us);
			fprintf(fp, "} %s\n", value);
		}
	}
	free(text);
	free(all);
	return ferror(fp) ? -1 : 0;
}

/*
 * Holes as lines
 */

/*
 * Writes a line for each hole, in the order of sort(1) in the C locale:
 * channel, quality, start, end, seconds, state, nodes.
 */
int
report_holes(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	struct report *sorted = need(calloc(s->reportsz + 1, sizeof(*sorted)));
	char end[TIME_SIZE], seconds[TIME_SIZE], start[TIME_SIZE];
	char *channel, *quality;
	const char *state;
	const struct report *r;
	struct gap gap;
	size_t i;

	(void)report;
	for (i = 0; i < s->reportsz; i++)
		sorted[i] = s->reports[i];
	qsort(sorted, s->reportsz, sizeof(*sorted), quality_compare);
	for (r = sorted; r < sorted + s->reportsz; r++) {
		channel = name_printable(r->channel, true);
		quality = name_printable(r->quality, true);
		for (i = 0; hole_get(r, i, &gap); i++) {
			if (gap.state == GAP_BETTER)
				continue;
			state = hole_state(opt, r, &gap.span);
			if (gap.state == GAP_ELSEWHERE ||
			    (r->fleet != NULL && strcmp(state, "hole") == 0))
				state = gap_names[gap.state];
			time_format(start, gap.span.start);
			time_format(end, gap.span.end);
			seconds_format(seconds, gap.span.end - gap.span.start);
			fprintf(fp, "%s\t%s\t%s\t%s\t%s\t%s\t", channel,
			    quality, start, end, seconds, state);
			print_having(fp, r->fleet, &gap, true, ",", SIZE_MAX);
			putc('\n', fp);
		}
		free(channel);
		free(quality);
	}
	free(sorted);
	return ferror(fp) ? -1 : 0;
}

/*
 * --check
 */

struct check {
	struct text t;
	const struct report *r; /* being checked */
	const char *end; /* of a line; empty: print only the first */
	size_t n; /* findings */
};

/*
 * Counts a finding. Returns whether to print it, after where it is.
 */
static bool
is_found(struct check *c)
{
	if (c->n++ > 0 && *c->end == '\0')
		return false;
	put(&c->t,
	    "%s: %n/%n: ", *c->end == '\0' ? "COVERAGE CRITICAL" : PROGRAM,
	    c->r->channel, c->r->quality);
	return true;
}

/*
 * Finds the longest of the holes that count, and how many more there are.
 */
static void
check_holes(struct check *c)
{
	static const struct {
		enum gap_state state;
		const char *before, *after;
	} words[] = {{GAP_LOST, "LOST: no node has", ""},
	    {GAP_ELSEWHERE, "not backfilled:", "; available on "},
	    {GAP_UNKNOWN, "a hole of", "; not every node could tell"}};
	const struct options *opt = c->t.opt;
	const struct fleet *f = c->r->fleet;
	char end[TIME_SIZE], start[TIME_SIZE];
	const struct gap *gap;
	struct pick pick;
	size_t i;

	for (i = 0; i < LENGTH(words); i++) {
		holes_pick(&pick, opt, c->r, words[i].state, LISTED_MAX, true);
		for (gap = pick.top; gap < pick.top + pick.n; gap++) {
			pick.duration -= gap->span.end - gap->span.start;
			if (!is_found(c))
				continue;
			time_format(start, gap->span.start);
			time_format(end, gap->span.end);
			put(&c->t, "%s %l from %s to %s%s",
			    f == NULL ? "a hole of" : words[i].before,
			    gap->span.end - gap->span.start, start, end,
			    words[i].after);
			print_having(
			    c->t.fp, f, gap, opt->utf8, ", ", SIZE_MAX);
			put(&c->t, c->end);
		}
		if (pick.count > pick.n && is_found(c))
			put(&c->t, "%s %z more, %l in all%s",
			    f == NULL ? "and" : words[i].before,
			    pick.count - pick.n, pick.duration, c->end);
	}
}

/*
 * Writes a line for each finding, for a summary only the first: that there is
 * no segment, unless an unreadable hour may hold one, that the newest is too
 * old, holes, and what is incomplete or ahead. Returns how many there are.
 */
size_t
report_check(
    FILE *fp, const struct options *opt, const struct survey *s, bool summary)
{
	const char *after =
	    opt->window.end < opt->now ? "before the window does" : "ago";
	struct check c = {{.fp = fp, .opt = opt}, .end = summary ? "" : "\n"};
	char age[TIME_SIZE], end[TIME_SIZE];
	const struct report *r;
	const struct counts *n;
	size_t i;
	bool absent, unsure;

	for (i = 0; i < s->reportsz; i++) {
		c.r = r = &s->reports[i];
		n = &r->counts;
		absent = r->state == STATE_ABSENT;
		unsure = r->start == TIME_NONE && r->unreadable.n > 0;
		if (r->start == TIME_NONE && !unsure &&
		    (absent || r->state == STATE_READ) && is_found(&c))
			put(&c.t, "no segments%s%s",
			    absent ? ": no such quality" : "", c.end);
		if (!unsure && opt->max_age >= 0 &&
		    stream_age(opt, r) > opt->max_age && is_found(&c)) {
			time_format(end, r->newest);
			age_format(age, stream_age(opt, r));
			put(&c.t,
			    "the newest segment ended %s %s, at %s; "
			    "--max-age is %l%s",
			    age, after, end, opt->max_age, c.end);
		}
		check_holes(&c);
		if (is_incomplete(r) && is_found(&c))
			put(&c.t, "INCOMPLETE: %l of %l%s",
			    n->incomplete.duration, r->raw.covered, c.end);
		if (n->ahead > 0 && is_found(&c))
			put(&c.t, "%z segment%s ahead of the clock%s", n->ahead,
			    plural(n->ahead), c.end);
	}
	return c.n;
}

/*
 * Writes the one line that a monitoring plugin shows: the first finding, or
 * else the first error, and how many more there are.
 */
int
report_summary(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	struct text t = {.fp = fp, .opt = opt};
	const struct report *r;
	int64_t longest = 0;
	size_t i, n = report_check(fp, opt, s, true);

	(void)report;
	if (n == 0 && (n = s->errorsz) > 0)
		put(&t, "COVERAGE UNKNOWN: %n: %n", s->errors[0].path,
		    s->errors[0].message);
	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		if (r->end - r->start > longest)
			longest = r->end - r->start;
	}
	if (n == 0)
		fprintf(fp, "COVERAGE OK: %zu qualit%s, %" PRId64 " h",
		    s->reportsz, s->reportsz == 1 ? "y" : "ies",
		    (longest + HOUR / 2) / HOUR);
	if (n > 1)
		fprintf(fp, " (and %zu more)", n - 1);
	putc('\n', fp);
	return ferror(fp) ? -1 : 0;
}
