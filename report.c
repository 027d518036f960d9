/*
 * SPDX-License-Identifier: MIT
 *
 * What is read: text for people, JSON, lines of holes, metrics for
 * Prometheus, and the findings of --check.
 *
 * Every emitter writes const results to a FILE and fails if that fails.
 * Seconds are printed from integer microseconds, never from a double.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include ".build/metrics.txt.h" /* made from man/metrics.txt */
#include "segparse.h"

#define MILLISECOND (SECOND / 1000)
#define YEAR        (366 * DAY)
#define STOPPED     (2 * MINUTE) /* a stream has, this long without a segment */
#define LISTED_MAX  10 /* errors in the text, holes of --check */

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
	const struct spans *holds = &r->unreadable;

	if (r->newest == TIME_NONE ||
	    (holds->n > 0 && holds->v[holds->n - 1].end > r->newest))
		return TIME_NONE;
	return (opt->now < opt->window.end ? opt->now : opt->window.end) -
	    r->newest;
}

/*
 * Returns for how long the stream has stopped, or 0 if it goes on.
 */
static int64_t
silence(const struct options *opt, const struct report *r)
{
	int64_t age = stream_age(opt, r);

	return age > STOPPED ? age : 0;
}

/*
 * Returns the longest hole, of several the earliest; NULL if there is none.
 */
static const struct span *
hole_longest(const struct coverage *c)
{
	const struct span *hole, *longest = NULL;
	size_t i;

	for (i = 0; i < c->holes.n; i++) {
		hole = &c->holes.v[i];
		if (longest == NULL ||
		    hole->end - hole->start > longest->end - longest->start)
			longest = hole;
	}
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
	struct gap gap, *top;
	int64_t length;
	size_t i, j;

	*pick = (struct pick){.n = 0};
	top = pick->top;
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
		if (pick->n < max)
			pick->n++;
		else if (length <=
		    top[max - 1].span.end - top[max - 1].span.start)
			continue;
		for (j = pick->n - 1; j > 0 &&
		     length > top[j - 1].span.end - top[j - 1].span.start;
		     j--)
			top[j] = top[j - 1];
		top[j] = gap;
	}
}

/*
 * Formats a duration for people: the longer, the coarser, but 0s only if it
 * is that.
 */
void
duration_format(char buf[TIME_SIZE], int64_t us)
{
	const int64_t step = us < MILLISECOND ? 1
	    : us < SECOND                     ? MILLISECOND
	    : us < HOUR                       ? SECOND / 10
	    : us < DAY                        ? SECOND
					      : HOUR;
	int h, m, s, tenths;

	us = (us + step / 2) / step * step;
	h = (int)(us % DAY / HOUR);
	m = (int)(us % HOUR / MINUTE);
	s = (int)(us % MINUTE / SECOND);
	tenths = (int)(us % SECOND / (SECOND / 10));
	if (us >= DAY)
		snprintf(buf, TIME_SIZE, "%" PRId64 "d%02dh", us / DAY, h);
	else if (us >= HOUR)
		snprintf(buf, TIME_SIZE, "%dh%02dm%02ds", h, m, s);
	else if (us >= MINUTE)
		snprintf(buf, TIME_SIZE, "%dm%02d.%ds", m, s, tenths);
	else if (us >= SECOND)
		snprintf(buf, TIME_SIZE, "%d.%ds", s, tenths);
	else if (us >= MILLISECOND)
		snprintf(buf, TIME_SIZE, "0.%03ds", (int)(us / MILLISECOND));
	else
		snprintf(buf, TIME_SIZE, us > 0 ? "0.%06ds" : "0s", (int)us);
}

/*
 * Formats an age with two units at most; 0s for what is still to come.
 */
static void
age_format(char buf[TIME_SIZE], int64_t us)
{
	char *s;

	duration_format(buf, us > 0 ? us / 100000 * 100000 : 0);
	if (((s = strchr(buf, 'd')) != NULL && us >= 100 * DAY) ||
	    ((s = strchr(buf, 'm')) != NULL && strchr(buf, 'h') != NULL))
		s[1] = '\0';
	else if (s != NULL && (s = strchr(s, '.')) != NULL)
		memcpy(s, "s", sizeof("s"));
}

/*
 * JSON
 */

struct writer { /* the JSON on its way out */
	FILE *fp;
	const struct options *opt;
	const struct report *r; /* being written */
	char stamp[TIME_SIZE]; /* an hour, which most instants share */
	int64_t hour; /* the same; TIME_NONE: none yet */
	char last; /* byte of the last format */
	char *p; /* in the buffer */
	char buf[8192];
};

/*
 * Makes room for TIME_SIZE bytes.
 */
static void
writer_room(struct writer *w)
{
	if ((size_t)(w->p - w->buf) <= sizeof(w->buf) - TIME_SIZE)
		return;
	fwrite(w->buf, 1, (size_t)(w->p - w->buf), w->fp);
	w->p = w->buf;
}

/*
 * Writes any bytes as a string; what is not UTF-8 becomes U+FFFD.
 */
static void
json_text(struct writer *w, const char *bytes)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	const char *from, *s;
	long code;

	*w->p++ = '"';
	while (*(from = bytes) != '\0') {
		writer_room(w);
		code = utf8_next(&bytes);
		if (code < 0)
			w->p = stpcpy(w->p, REPLACEMENT);
		else if (code >= ' ' && code != '"' && code != '\\')
			while (from < bytes)
				*w->p++ = *from++;
		else if ((s = strchr(special, (int)code)) != NULL) {
			*w->p++ = '\\';
			*w->p++ = "\"\\bfnrt"[s - special];
		} else
			w->p += sprintf(w->p, "\\u%04lx", (unsigned long)code);
	}
	*w->p++ = '"';
}

/*
 * Puts at least n digits before p, and `before` if it is not 0. Returns where
 * they begin.
 */
static char *
digits_put(char *p, int64_t value, int n, char before)
{
	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (--n > 0 || value > 0);
	if (before != '\0')
		*--p = before;
	return p;
}

/*
 * Writes a value, from its end on. printf would take five times as long for
 * what is most of a report.
 */
static void
json_value(struct writer *w, char type, int64_t us)
{
	char buf[TIME_SIZE], *end = buf + sizeof(buf), *p = end;
	const int64_t size = us < 0 ? -us : us;
	int64_t rest;

	if (type == 'h' || type == 'i') {
		rest = us % HOUR + (us % HOUR < 0 ? HOUR : 0);
		if (us - rest != w->hour)
			hour_format(w->stamp, w->hour = us - rest);
		*w->p++ = '"';
		w->p = stpcpy(w->p, w->stamp);
		*--p = '"';
		if (type == 'i') {
			*--p = 'Z';
			p = digits_put(p, rest % SECOND, 6, '.');
			p = digits_put(p, rest / SECOND % 60, 2, ':');
			p = digits_put(p, rest / MINUTE, 2, ':');
		}
	} else {
		if (size % SECOND > 0)
			p = digits_put(p, size % SECOND, 6, '.');
		while (p < end && end[-1] == '0')
			end--;
		p = digits_put(p, size / SECOND, 1, us < 0 ? '-' : '\0');
	}
	w->p = mempcpy(w->p, p, (size_t)(end - p));
}

/*
 * Writes the format with " for ' and with values for these:
 *	%,	a comma, unless an array or object has just begun
 *	%b	bool
 *	%n	size_t
 *	%s %r	int64_t us, as seconds; as a ratio, of which -1 is null
 *	%i %h	int64_t us, as an instant or an hour
 *	%a	int64_t us, an instant, as its age in seconds
 *	%p	const struct span *: its members
 *	%t	const char *, any bytes
 *
 * NULL and TIME_NONE are null.
 */
static void
json(struct writer *w, const char *fmt, ...)
{
	const struct span *span;
	const char *text;
	int64_t us;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		writer_room(w);
		if (*fmt != '%')
			*w->p++ = (char)(*fmt == '\'' ? '"' : *fmt);
		else if (*++fmt == ',') {
			if (w->last != '[' && w->last != '{')
				*w->p++ = ',';
		} else if (*fmt == 'b')
			w->p = stpcpy(w->p, va_arg(ap, int) ? "true" : "false");
		else if (*fmt == 'n')
			json_value(
			    w, 's', (int64_t)va_arg(ap, size_t) * SECOND);
		else if (*fmt == 't' && (text = va_arg(ap, const char *)))
			json_text(w, text);
		else if (*fmt == 'p') {
			span = va_arg(ap, const struct span *);
			json(w, "'start':%i,'end':%i,'duration':%s",
			    span->start, span->end, span->end - span->start);
		} else {
			us = *fmt == 't' ? TIME_NONE : va_arg(ap, int64_t);
			if (us == TIME_NONE || (*fmt == 'r' && us < 0))
				w->p = stpcpy(w->p, "null");
			else
				json_value(w, *fmt,
				    *fmt == 'a' ? w->opt->now - us : us);
		}
	}
	va_end(ap);
	w->last = fmt[-1];
}

/*
 * Cuts the holes to the hour unless that is TIME_NONE.
 */
static void
json_holes(
    struct writer *w, const struct span *holes, size_t holesz, int64_t hour)
{
	struct span span;
	size_t i;

	json(w, ",'holes':[");
	for (i = 0; i < holesz; i++) {
		span = holes[i];
		if (hour != TIME_NONE)
			span_cut(&span, hour, hour + HOUR);
		json(w, "%,{%p,'known':%b}", &span,
		    hole_known(w->opt, w->r, &holes[i]));
	}
	json(w, "]}");
}

static void
json_counts(struct writer *w, const struct counts *c)
{
	static const char tally[] = "%,%t:{'count':%n,'duration':%s}";
	size_t i;

	json(w, ",'segments':{");
	for (i = 0; i < SEGMENT_TYPES; i++)
		json(w, tally, type_names[i], c->segments[i].count,
		    c->segments[i].duration);
	json(w, ",'temp':{'count':%n},'bad':{'count':%n},", c->temp, c->bad);
	json(w, "'tombstoned':{'count':%n},'ahead':{'count':%n},",
	    c->tombstoned, c->ahead);
	json(w, "'empty':{'count':%n}},'overlaps':{", c->empty);
	for (i = 0; i < SEGMENT_TYPES; i++)
		json(w, tally, type_names[i], c->overlaps[i].count,
		    c->overlaps[i].duration);
	json(w, "}");
}

static void
json_share(struct writer *w, const char *key, const struct share *share,
    const struct coverage *c, int64_t hour)
{
	json(w, ",%t:{'coverage':%s,'hole_count':%n,'hole_duration':%s", key,
	    share->covered, share->holesz, share->hole_duration);
	json_holes(w, share->holesz > 0 ? &c->holes.v[share->first] : NULL,
	    share->holesz, hour);
}

static void
json_coverage(struct writer *w, const char *key, const struct coverage *c)
{
	const struct span *longest = hole_longest(c);

	json(w, ",%t:{'coverage':%s,'ratio':%r,'hole_count':%n", key,
	    c->covered, coverage_ratio(c), c->holes.n);
	json(w, ",'hole_duration':%s,'longest_hole':", c->hole_duration);
	if (longest == NULL)
		json(w, "null");
	else
		json(w, "{%p,'known':%b}", longest,
		    hole_known(w->opt, w->r, longest));
	json_holes(w, c->holes.v, c->holes.n, TIME_NONE);
}

static void
json_hours(struct writer *w, const char *key, const struct spans *hours)
{
	const struct span *range;
	size_t i;

	json(w, ",%t:{'count':%n,'ranges':[", key, spans_hours(hours));
	for (i = 0; i < hours->n; i++) {
		range = &hours->v[i];
		json(w, "%,{'first':%h,'last':%h,'count':%n}", range->start,
		    range->end - HOUR,
		    (size_t)((range->end - range->start) / HOUR));
	}
	json(w, "]}");
}

static void
json_fleet(struct writer *w, const struct fleet *f)
{
	const struct fleet_node *node;
	const struct coverage *c;
	const struct gap *gap;
	const struct report *r;
	size_t i, j, state;

	json(w, "{'start':%i,'end':%i,'coverage':%s,'ratio':%r", f->range.start,
	    f->range.end, f->together.covered, coverage_ratio(&f->together));
	for (state = 0; state < GAP_STATES; state++) {
		json(w, ",%t:{'count':%n,'duration':%s,'spans':[",
		    gap_names[state], f->tallies[state].count,
		    f->tallies[state].duration);
		for (i = 0; i < f->gapsz; i++) {
			gap = &f->gaps[i];
			if (gap->state != state)
				continue;
			json(w, gap->havingsz > 0 ? "%,{%p,'nodes':[" : "%,{%p",
			    &gap->span);
			for (j = gap->first; j < gap->first + gap->havingsz;
			     j++)
				json(w, "%,%t", f->nodes[f->having[j]].name);
			json(w, gap->havingsz > 0 ? "]}" : "}");
		}
		json(w, "]}");
	}
	json(w, ",'nodes':[");
	for (i = 0; i < f->nodesz; i++) {
		node = &f->nodes[i];
		json(w, "%,{'name':%t,", node->name);
		if ((r = node->report) == NULL) {
			json(w,
			    "'start':null,'end':null,'age':null,"
			    "'coverage':null,'ratio':null,'hole_count':null,"
			    "'hole_duration':null,'has_duration':null,"
			    "'horizon':null}");
			continue;
		}
		c = &node->coverage;
		json(w, "'start':%i,'end':%i,'age':%a,'coverage':%s,'ratio':%r",
		    r->start, r->end, r->end, c->covered, coverage_ratio(c));
		json(w, ",'hole_count':%n,'hole_duration':%s,'has_duration':%s",
		    c->holes.n, c->hole_duration,
		    f->here && i > 0 ? node->has : TIME_NONE);
		json(w, ",'horizon':%i}", node->horizon);
	}
	json(w, "]}");
}

static void
json_hour(struct writer *w, const struct hour *h)
{
	const struct tally *incomplete = &h->counts.incomplete;
	size_t i;

	json(
	    w, "%,\n{'hour':%h,'start':%i,'end':%i", h->time, h->start, h->end);
	json_counts(w, &h->counts);
	json_share(w, "raw", &h->raw, &w->r->raw, h->time);
	json_share(w, "editable", &h->editable, &w->r->editable, h->time);
	json(w, ",'incomplete':{'count':%n,'duration':%s},'bad_names':[",
	    incomplete->count, incomplete->duration);
	for (i = 0; i < h->bad_namesz; i++)
		json(w, "%,%t", h->bad_names[i]);
	json(w, "],'readable':%b}", h->readable);
}

static void
json_quality(struct writer *w, bool hours)
{
	const struct report *r = w->r;
	struct span span;
	size_t i = 0;

	json(w, "%,\n{'channel':%t,'quality':%t,'found':%b,'start':%i,'end':%i",
	    r->channel, r->quality, r->state >= STATE_UNREADABLE, r->start,
	    r->end);
	json(w, ",'age':%a", r->end);
	json_counts(w, &r->counts);
	json_coverage(w, "raw", &r->raw);
	json_coverage(w, "editable", &r->editable);
	json(w, ",'incomplete':{'count':%n,'duration':%s,'spans':[",
	    r->counts.incomplete.count, r->counts.incomplete.duration);
	while (spans_join(&r->incomplete, &i, w->opt->tolerance, &span))
		if (span_cut(&span, w->opt->window.start, w->opt->window.end))
			json(w, "%,{%p}", &span);
	json(w, "]}");
	json_hours(w, "missing_hours", &r->missing);
	json_hours(w, "unreadable_hours", &r->unreadable);
	json(w, ",'fleet':");
	if (r->fleet == NULL)
		json(w, "null");
	else
		json_fleet(w, r->fleet);
	json(w, ",'hours':[");
	for (i = 0; hours && i < r->hoursz; i++)
		json_hour(w, &r->hours[i]);
	json(w, "]}");
}

/*
 * Writes one document, each report's head and each hour on a line of its own.
 * With a report it is that report's twin, which has no hours.
 */
int
report_json(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	struct writer w = {.fp = fp, .opt = opt, .hour = TIME_NONE};
	const struct report *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	const struct peer *peer;
	size_t i;

	w.p = w.buf;
	json(&w, "{'schema_version':1,'generator':'" PROGRAM " " VERSION "'");
	json(&w, ",'generated_at':%i,'base_dir':%t,'tolerance':%s", opt->now,
	    opt->base_dir, opt->tolerance);
	json(&w, ",'first_hour':%h,'last_hour':%h,'complete':%b,'errors':[",
	    opt->window.start,
	    opt->window.end == INT64_MAX ? TIME_NONE : opt->window.end - HOUR,
	    s->complete);
	for (i = 0; i < s->errorsz; i++)
		json(&w, "%,\n{'path':%t,'message':%t}", s->errors[i].path,
		    s->errors[i].message);
	json(&w, "],'peers':[");
	for (i = 0; i < s->peersz; i++) {
		peer = &s->peers[i];
		json(&w,
		    "%,\n{'name':%t,'file':%t,'generated_at':%i,'age':%a,"
		    "'usable':%b,'message':%t}",
		    peer->name, peer->file, peer->generated_at,
		    peer->generated_at, peer->message == NULL, peer->message);
	}
	json(&w, "],'reports':[");
	for (i = 0; i < reportsz; i++) {
		w.r = &reports[i];
		json_quality(&w, report == NULL);
	}
	json(&w, "]}\n");
	fwrite(w.buf, 1, (size_t)(w.p - w.buf), fp);
	return ferror(fp) ? -1 : 0;
}

/*
 * The fleet: peers' reports read
 *
 * cJSON sees untrusted bytes here. Their size, depth and values are limited.
 */

#define PEER_DEPTH 64
#define ARENA_MAX  (512 << 20)

/* what cJSON makes of one report, dropped as a whole: half of the time went
   into malloc and free. cJSON's hooks leave it no other place */
static struct {
	char *memory; /* owned; kept for the next report */
	size_t size;
	char *next;
	size_t left;
} arena;

enum kind { INSTANT, TEXT, TRUTH, ARRAY };

struct rule { /* a key that an object must have */
	const char *key;
	enum kind kind;
	void *to; /* int64_t, char * to own, bool, const cJSON * */
};

static void *
arena_take(size_t size)
{
	char *taken = arena.next;

	size = (size + 15) / 16 * 16;
	if (size > arena.left) {
		arena.left = 0;
		return NULL;
	}
	arena.next += size;
	arena.left -= size;
	return taken;
}

static void
arena_give(void *taken)
{
	(void)taken;
}

/*
 * Sets the peer's message, of which the arguments may be part. Returns -1, for
 * readers to pass on.
 */
static int __attribute__((format(printf, 2, 3)))
broken(struct peer *peer, const char *fmt, ...)
{
	char *inner = peer->message;
	va_list ap;

	va_start(ap, fmt);
	peer->message = vcompose(fmt, ap);
	va_end(ap);
	free(inner);
	return -1;
}

/*
 * Copies JSON to slim, without most of what is not needed but may be most of
 * the text: cJSON would take much longer for it. Rejects what is truncated, or
 * nested so deep that cJSON, which is recursive, could overflow the stack.
 */
static int
text_slim(struct peer *peer, const char *text, char *slim)
{
	static const char *const idle[] = {",\"known\":", ",\"duration\":",
	    ",\"editable\":", ",\"hours\":", ",\"fleet\":"};
	const char *comma = text, *cut = NULL, *from = text, *s;
	size_t depth = 0, i, level = 0;

	for (s = text; *s != '\0'; s++)
		switch (*s) {
		case '"':
			do {
				if ((s = strchr(s + 1, '"')) == NULL)
					return broken(peer, "truncated JSON");
				for (i = 1; s[-(ptrdiff_t)i] == '\\'; i++)
					continue;
			} while (i % 2 == 0);
			break;
		case ':':
			level = cut == NULL ? depth : level;
			for (i = 0; cut == NULL && i < LENGTH(idle); i++)
				if (*comma == ',' && comma[2] == idle[i][2] &&
				    strncmp(comma, idle[i], strlen(idle[i])) ==
					0)
					cut = comma;
			break;
		case '[':
		case '{':
			if (++depth > PEER_DEPTH)
				return broken(peer,
				    "JSON nested deeper than %d", PEER_DEPTH);
			break;
		case ',':
		case ']':
		case '}':
			if (cut != NULL && depth == level) {
				slim =
				    mempcpy(slim, from, (size_t)(cut - from));
				from = s;
				cut = NULL;
			}
			comma = s;
			depth -= *s != ',' && depth > 0;
		}
	(void)memcpy(slim, from, (size_t)(s - from) + 1);
	return depth > 0 ? broken(peer, "truncated JSON") : 0;
}

static const cJSON *
member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/*
 * Reads what the rules name, in their order. Null leaves an instant as it is.
 */
static int
rules_read(struct peer *peer, const cJSON *object, const struct rule *rule,
    size_t rulesz)
{
	static const struct {
		cJSON_bool (*is)(const cJSON *);
		const char *fault;
	} kinds[] = {[INSTANT] = {cJSON_IsString, "is not an instant"},
	    [TEXT] = {cJSON_IsString, "is not a string"},
	    [TRUTH] = {cJSON_IsBool, "is neither true nor false"},
	    [ARRAY] = {cJSON_IsArray, "is not an array"}};
	const cJSON *value;
	bool date_only;

	for (; rulesz > 0; rule++, rulesz--) {
		value = member(object, rule->key);
		if (rule->kind == INSTANT && cJSON_IsNull(value))
			continue;
		if (!kinds[rule->kind].is(value))
			return broken(
			    peer, "%s %s", rule->key, kinds[rule->kind].fault);
		if (rule->kind == TEXT)
			*(char **)rule->to = need(strdup(value->valuestring));
		else if (rule->kind == TRUTH)
			*(bool *)rule->to = cJSON_IsTrue(value);
		else if (rule->kind == ARRAY)
			*(const cJSON **)rule->to = value;
		else if (time_parse(value->valuestring, rule->to, &date_only) !=
		    0)
			return broken(peer, "%s is not an instant: %.40s",
			    rule->key, value->valuestring);
	}
	return 0;
}

/*
 * Reads the spans of object.outer.inner. Where hours are named the last one is
 * part of the span.
 */
static int
spans_read(struct peer *peer, const cJSON *object, const char *outer,
    const char *inner, bool hours, struct spans *spans)
{
	const cJSON *array = member(member(object, outer), inner), *element;
	const char *start = hours ? "first" : "start";
	const char *end = hours ? "last" : "end";
	struct span span;
	const struct rule rules[] = {
	    {start, INSTANT, &span.start}, {end, INSTANT, &span.end}};
	bool sorted = true;
	size_t i = 0;

	if (!cJSON_IsArray(array))
		return broken(peer, "%s.%s is not an array", outer, inner);
	cJSON_ArrayForEach(element, array)
	{
		span = (struct span){TIME_NONE, TIME_NONE};
		if (rules_read(peer, element, rules, 2) == 0) {
			if (span.start == TIME_NONE || span.end == TIME_NONE)
				(void)broken(
				    peer, "%s or %s is null", start, end);
			else if (span.end < span.start)
				(void)broken(
				    peer, "%s is before %s", end, start);
		}
		if (peer->message != NULL)
			return broken(peer, "%s.%s[%zu]: %s", outer, inner, i,
			    peer->message);
		i++;
		span.end += hours ? HOUR : 0;
		sorted = sorted &&
		    (spans->n == 0 ||
			spans->v[spans->n - 1].start <= span.start);
		if (span.end > span.start)
			(sorted ? spans_cover : spans_add)(
			    spans, span.start, span.end);
	}
	if (!sorted)
		spans_sort(spans);
	return 0;
}

/*
 * Reads one quality. If the node could not read everything and reports no
 * segment, or is of version 1.0 and does not name the hours, nothing is known:
 * the state is STATE_UNREADABLE.
 */
static int
quality_read(
    struct peer *peer, const cJSON *object, bool complete, struct report *r)
{
	const bool hours = member(object, "unreadable_hours") != NULL;
	bool found = false;
	const struct rule rules[] = {{"channel", TEXT, &r->channel},
	    {"quality", TEXT, &r->quality}, {"found", TRUTH, &found},
	    {"start", INSTANT, &r->start}, {"end", INSTANT, &r->end}};

	*r = (struct report){.start = TIME_NONE, .end = TIME_NONE};
	if (rules_read(peer, object, rules, LENGTH(rules)) != 0 ||
	    spans_read(peer, object, "raw", "holes", false, &r->raw.holes) !=
		0 ||
	    spans_read(peer, object, "incomplete", "spans", false,
		&r->incomplete) != 0 ||
	    (hours &&
		spans_read(peer, object, "unreadable_hours", "ranges", true,
		    &r->unreadable) != 0))
		return -1;
	if ((r->start == TIME_NONE) != (r->end == TIME_NONE))
		return broken(peer, "only one of start and end is null");
	if (r->end < r->start)
		return broken(peer, "end is before start");
	r->newest = r->end;
	if (!complete && (r->start == TIME_NONE || !hours))
		r->state = STATE_UNREADABLE;
	else
		r->state = found ? STATE_READ : STATE_ABSENT;
	return 0;
}

static int
quality_compare(const void *a, const void *b)
{
	const struct report *p = a, *q = b;
	int order = strcmp(p->channel, q->channel);

	return order != 0 ? order : strcmp(p->quality, q->quality);
}

static const struct report *
peer_report(const struct peer *peer, const struct report *r)
{
	return peer->reportsz == 0 ? NULL
				   : bsearch(r, peer->reports, peer->reportsz,
					 sizeof(*r), quality_compare);
}

/*
 * Reads the whole document. The reports are then sorted.
 */
static int
root_read(struct peer *peer, const cJSON *root)
{
	const cJSON *element, *reports = NULL;
	const cJSON *tolerance = member(root, "tolerance");
	const cJSON *version = member(root, "schema_version");
	int64_t last = TIME_NONE;
	bool complete = false;
	size_t cap = 0;
	const struct rule rules[] = {
	    {"generated_at", INSTANT, &peer->generated_at},
	    {"first_hour", INSTANT, &peer->window.start},
	    {"last_hour", INSTANT, &last}, {"complete", TRUTH, &complete},
	    {"reports", ARRAY, &reports}};

	if (!cJSON_IsNumber(version))
		return broken(peer, "not a report of " PROGRAM);
	if (version->valuedouble != 1)
		return broken(
		    peer, "schema_version is %g, not 1", version->valuedouble);
	if (rules_read(peer, root, rules, LENGTH(rules)) != 0)
		return -1;
	if (peer->generated_at == TIME_NONE)
		return broken(peer, "generated_at is null");
	if (last != TIME_NONE)
		peer->window.end = last + HOUR;
	if (peer->window.end <= peer->window.start)
		return broken(peer, "last_hour is before first_hour");
	if (!cJSON_IsNumber(tolerance) || !(tolerance->valuedouble >= 0) ||
	    tolerance->valuedouble > 3600)
		return broken(peer, "tolerance is not from 0 to 3600");
	peer->tolerance = (int64_t)(tolerance->valuedouble * SECOND + 0.5);
	cJSON_ArrayForEach(element, reports)
	{
		peer->reports = need(array_room(peer->reports, &cap,
		    peer->reportsz, sizeof(*peer->reports)));
		if (quality_read(peer, element, complete,
			&peer->reports[peer->reportsz++]) != 0)
			return broken(peer, "reports[%zu]: %s",
			    peer->reportsz - 1, peer->message);
	}
	if (peer->reportsz > 0)
		qsort(peer->reports, peer->reportsz, sizeof(*peer->reports),
		    quality_compare);
	return 0;
}

/*
 * Rejects a quality that the report, or an earlier file of the same node, has
 * as well.
 */
static int
peer_compare(const struct peer *peers, struct peer *peer)
{
	const struct peer *earlier;
	const struct report *r;
	size_t i;

	for (i = 0; i < peer->reportsz; i++) {
		r = &peer->reports[i];
		if (i > 0 && quality_compare(r - 1, r) == 0)
			return broken(peer, "%s/%s appears twice", r->channel,
			    r->quality);
		for (earlier = peers; earlier < peer; earlier++)
			if (strcmp(earlier->name, peer->name) == 0 &&
			    peer_report(earlier, r) != NULL)
				return broken(peer, "%s/%s is already in %s",
				    r->channel, r->quality, earlier->file);
	}
	return 0;
}

static void
reports_drop(struct peer *peer)
{
	struct report *r;

	while (peer->reportsz > 0) {
		r = &peer->reports[--peer->reportsz];
		free((char *)r->channel);
		free((char *)r->quality);
		free(r->raw.holes.v);
		free(r->incomplete.v);
		free(r->unreadable.v);
	}
	free(peer->reports);
	peer->reports = NULL;
}

/*
 * Reads the report of peers[n], whose name and file are set; those before it
 * have been read. The text's size does not count its final NUL. Returns -1 if
 * the report cannot be used, with the reason in the message.
 */
int
peer_parse(struct peer *peers, size_t n, char *text, size_t size)
{
	const size_t room =
	    size < ARENA_MAX / 16 ? size * 16 + 4096 : ARENA_MAX;
	const char first = text[strspn(text, " \t\r\n")];
	cJSON_Hooks hooks = {arena_take, arena_give};
	struct peer *peer = &peers[n];
	char *slim;
	cJSON *root;

	if (arena.size < room) {
		free(arena.memory);
		arena.memory = need(malloc(arena.size = room));
	}
	cJSON_InitHooks(&hooks);
	arena.next = arena.memory;
	arena.left = room;
	slim = arena_take(size + 1);
	peer->generated_at = TIME_NONE;
	peer->window = (struct span){INT64_MIN, INT64_MAX};
	if (strlen(text) < size)
		(void)broken(peer, "not JSON: it has a NUL byte");
	else if (first == '\0' || first == '<')
		(void)broken(peer, first == '<' ? "HTML, not JSON" : "empty");
	else if (text_slim(peer, text, slim) != 0)
		;
	else if ((root = cJSON_ParseWithOpts(slim, NULL, true)) != NULL ||
	    (root = cJSON_ParseWithOpts(text, NULL, true)) != NULL)
		(void)(root_read(peer, root) || peer_compare(peers, peer));
	else if (arena.left == 0)
		(void)broken(peer, "JSON of too many values");
	else
		(void)broken(peer, "not JSON from byte %td on",
		    cJSON_GetErrorPtr() - text);
	if (peer->message == NULL)
		return 0;
	reports_drop(peer);
	peer->generated_at = TIME_NONE;
	return -1;
}

/*
 * Frees the peers and the array.
 */
void
peers_free(struct peer *peers, size_t peersz)
{
	size_t i;

	for (i = 0; i < peersz; i++) {
		reports_drop(&peers[i]);
		free(peers[i].message);
	}
	free(arena.memory);
	memset(&arena, 0, sizeof(arena));
	free(peers);
}

/*
 * Without an archive: makes an empty report for each quality that a peer
 * reports. The names remain the peers'.
 */
void
fleet_reports(struct survey *s)
{
	const struct report *r;
	size_t cap = 0, i, j, n = 0;

	s->reports = need(array_room(NULL, &cap, 0, sizeof(*r)));
	for (i = 0; i < s->peersz; i++)
		for (j = 0; j < s->peers[i].reportsz; j++) {
			r = &s->peers[i].reports[j];
			s->reports =
			    need(array_room(s->reports, &cap, n, sizeof(*r)));
			s->reports[n++] = (struct report){.channel = r->channel,
			    .quality = r->quality,
			    .start = TIME_NONE,
			    .end = TIME_NONE,
			    .stream = {TIME_NONE, TIME_NONE},
			    .newest = TIME_NONE};
		}
	qsort(s->reports, n, sizeof(*s->reports), quality_compare);
	for (i = 0; i < n; i++)
		if (i == 0 ||
		    quality_compare(
			&s->reports[s->reportsz - 1], &s->reports[i]) != 0)
			s->reports[s->reportsz++] = s->reports[i];
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

struct voice { /* a node during the sweep */
	struct fleet_node *node;
	struct spans incomplete; /* owned */
	size_t hole; /* index of the first that ends later, as below */
	size_t incomplete_at;
	size_t unreadable;
	enum says says;
	int64_t until; /* says the same up to here */
};

/*
 * Returns whether t is in one of the spans, and moves *until back to where that
 * changes, if it is later. *at is the first span that may matter.
 */
static bool
spans_at(const struct spans *spans, size_t *at, int64_t t, int64_t *until)
{
	const struct span *span;
	int64_t change;

	while (*at < spans->n && spans->v[*at].end <= t)
		(*at)++;
	if (*at == spans->n)
		return false;
	span = &spans->v[*at];
	change = span->start > t ? span->start : span->end;
	if (change < *until)
		*until = change;
	return span->start <= t;
}

static bool
span_at(int64_t start, int64_t end, int64_t t, int64_t *until)
{
	const struct spans spans = {&(struct span){start, end}, 1, 1};

	return spans_at(&spans, &(size_t){0}, t, until);
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
	if (r == NULL ||
	    !span_at(node->window.start, node->window.end, t, &v->until) ||
	    spans_at(&r->unreadable, &v->unreadable, t, &v->until))
		return;
	if (span_at(r->start, r->end, t, &v->until) &&
	    !spans_at(&r->raw.holes, &v->hole, t, &v->until)) {
		v->says =
		    spans_at(&v->incomplete, &v->incomplete_at, t, &v->until)
		    ? SAYS_INCOMPLETE
		    : SAYS_COMPLETE;
		c->covered += v->until - t;
	} else if (span_at(INT64_MIN, node->horizon, t, &v->until)) {
		v->says = SAYS_LACKS;
		spans_cover(&c->holes, t, v->until);
		c->hole_duration += v->until - t;
	}
}

/*
 * Accounts for a span in which no node changes; `say` counts those that say
 * each. Adds a gap, or extends the last one if state and nodes are the same.
 */
static void
span_take(struct fleet *f, const struct voice *voices, const size_t *say,
    struct span span)
{
	const enum says here = f->here ? voices[0].says : SAYS_UNKNOWN;
	struct gap gap = {.span = span, .first = f->havingsz}, *last;
	enum says least = SAYS_INCOMPLETE, says;
	size_t i;

	if (here == SAYS_INCOMPLETE && say[SAYS_COMPLETE] > 0) {
		gap.state = GAP_BETTER;
		least = SAYS_COMPLETE;
	} else if (say[SAYS_INCOMPLETE] + say[SAYS_COMPLETE] == 0)
		gap.state = say[SAYS_UNKNOWN] > 0 ? GAP_UNKNOWN : GAP_LOST;
	else if (here == SAYS_LACKS)
		gap.state = GAP_ELSEWHERE;
	else
		return;
	for (says = SAYS_COMPLETE; says >= least; says--)
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
	const struct gap *after, *before;
	struct gap gap;
	int64_t length, tolerance = 0;
	size_t i, n = 0;

	for (i = 0; i < f->nodesz; i++)
		if (f->nodes[i].tolerance > tolerance)
			tolerance = f->nodes[i].tolerance;
	f->together.covered = f->range.end - f->range.start;
	for (i = 0; i < f->gapsz; i++) {
		gap = f->gaps[i];
		before = i > 0 ? &f->gaps[i - 1] : &gap;
		after = i + 1 < f->gapsz ? &f->gaps[i + 1] : &gap;
		length = gap.span.end - gap.span.start;
		if (gap.state == GAP_LOST && length <= tolerance &&
		    gap.span.start > f->range.start &&
		    gap.span.end < f->range.end &&
		    (before->state != GAP_UNKNOWN ||
			before->span.end < gap.span.start) &&
		    (after->state != GAP_UNKNOWN ||
			after->span.start > gap.span.end))
			continue;
		f->tallies[gap.state].count++;
		f->tallies[gap.state].duration += length;
		if (gap.state == GAP_LOST) {
			spans_cover(
			    &f->together.holes, gap.span.start, gap.span.end);
			f->together.hole_duration += length;
		}
		if (gap.state == GAP_LOST || gap.state == GAP_UNKNOWN)
			f->together.covered -= length;
		f->gaps[n++] = gap;
	}
	f->gapsz = n;
}

static void
fleet_sweep(struct fleet *f)
{
	struct voice *v, *voices = need(calloc(f->nodesz, sizeof(*voices)));
	struct span joined, span = f->range;
	size_t at, say[SAYS_COMPLETE + 1] = {f->nodesz};

	for (v = voices; v < voices + f->nodesz; v++) {
		v->node = &f->nodes[v - voices];
		v->until = INT64_MIN;
		at = 0;
		while (v->node->report != NULL &&
		    spans_join(&v->node->report->incomplete, &at,
			v->node->peer == NULL ? v->node->tolerance : 0,
			&joined))
			spans_cover(&v->incomplete, joined.start, joined.end);
	}
	for (; span.start < f->range.end; span.start = span.end) {
		for (v = voices; v < voices + f->nodesz; v++)
			if (v->until <= span.start) {
				say[v->says]--;
				voice_move(v, span.start, f->range.end);
				say[v->says]++;
			}
		span.end = voices->until;
		for (v = voices; v < voices + f->nodesz; v++)
			span.end = v->until < span.end ? v->until : span.end;
		span_take(f, voices, say, span);
	}
	for (v = voices; v < voices + f->nodesz; v++)
		free(v->incomplete.v);
	free(voices);
	gaps_sum(f);
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
	struct span range = {INT64_MAX, INT64_MIN};
	const struct peer *peer;
	struct fleet_node *node;
	size_t i;

	f->nodes = need(calloc(s->peersz + 1, sizeof(*f->nodes)));
	f->here = opt->channelsz > 0;
	if (f->here)
		f->nodes[f->nodesz++] = (struct fleet_node){.name = opt->name,
		    .report = s->complete || r->start != TIME_NONE ? r : NULL,
		    .window = opt->window,
		    .generated_at = opt->now,
		    .horizon = opt->now - opt->settle,
		    .tolerance = opt->tolerance};
	for (peer = s->peers; peer < s->peers + s->peersz; peer++) {
		for (i = f->here; i < f->nodesz; i++)
			if (strcmp(f->nodes[i].name, peer->name) == 0)
				break;
		node = &f->nodes[i];
		if (i == f->nodesz)
			*node = (struct fleet_node){
			    .name = peer->name, .generated_at = TIME_NONE};
		f->nodesz += i == f->nodesz;
		if (peer->generated_at == TIME_NONE || node->report != NULL)
			continue;
		node->peer = peer;
		node->report = peer_report(peer, r);
		node->window = peer->window;
		node->generated_at = peer->generated_at;
		node->horizon = peer->generated_at - opt->settle;
		node->tolerance = peer->tolerance;
		if (node->report != NULL &&
		    node->report->state == STATE_UNREADABLE)
			node->report = NULL;
	}
	for (node = f->nodes; node < f->nodes + f->nodesz; node++) {
		r = node->report;
		if (r == NULL || r->start == TIME_NONE)
			continue;
		if (r->start < range.start)
			range.start = r->start;
		if (r->end > range.end)
			range.end = r->end;
	}
	f->range = span_cut(&range, opt->window.start, opt->window.end)
	    ? range
	    : (struct span){TIME_NONE, TIME_NONE};
}

/*
 * Sets the fleet of every report, if there are peers, and notes what is odd
 * about these.
 */
void
fleet_make(const struct options *opt, struct survey *s)
{
	char ours[TIME_SIZE], time[TIME_SIZE];
	const struct peer *peer;
	struct report *r;
	size_t i;

	if (s->peersz == 0)
		return;
	seconds_format(ours, opt->tolerance);
	for (peer = s->peers; peer < s->peers + s->peersz; peer++) {
		if (peer->generated_at == TIME_NONE)
			continue;
		time_format(time, peer->generated_at);
		if (peer->generated_at > opt->now + AHEAD)
			names_add(&s->notes,
			    compose("%s: report dated in the future: %s",
				peer->name, time));
		seconds_format(time, peer->tolerance);
		if (peer->tolerance > opt->tolerance)
			names_add(&s->notes,
			    compose("%s: tolerance is %s s, ours %s s: shorter "
				    "holes there do not show",
				peer->name, time, ours));
	}
	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		r->fleet = need(calloc(1, sizeof(*r->fleet)));
		fleet_nodes(opt, s, r, r->fleet);
		fleet_sweep(r->fleet);
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
#define HAVING          27 /* columns left of them beside a hole */
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
	const struct {
		size_t n;
		const char *colour, *fmt;
	} remarks[] = {
	    {spans_hours(&r->unreadable), RED, "%zu hour%s unreadable"},
	    {spans_hours(&r->missing), RED, "%zu hour%s missing"},
	    {c->ahead, YELLOW, "%zu segment%s ahead of the clock, ignored"},
	    {c->bad, YELLOW, "%zu bad name%s"}, {c->empty, YELLOW, "%zu empty"},
	    {r->start == TIME_NONE ? c->temp : 0, "", "%zu being downloaded"},
	    {e->hole_duration > 2 * r->raw.hole_duration ? e->holes.n : 0, "",
		"editable: %zu hole%s %s %s"}};
	char buf[256], lost[TIME_SIZE];
	size_t i, n;
	bool fits;

	for (i = 0; i < r->missing.n; i++, gap++)
		if (gap->end - gap->start > YEAR)
			put(t,
			    "%12|%s%-6t and %-6t: more than a year apart%s;\n",
			    t->opt->colour ? RED : "", gap->start - HOUR,
			    gap->end, t->opt->colour ? RESET : "");
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
	    : silence(t->opt, r) > 0                  ? "STOPPED"
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
		put(t, " %ca", RED, silence(t->opt, r));
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
	size_t bad = 0, i, holes;

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
		put(t, "%cs", row->trouble >= DAY ? RED : "",
		    row->trouble >= DAY    ? "MISSING"
			: row->trouble > 0 ? "incomplete"
					   : "whole");
	if (!days && h != NULL && !h->readable) {
		put(t, "%47|%cs\n", RED, "  UNREADABLE");
		return;
	}
	holes = spans_within(&r->raw.holes, &row->span, &lost);
	put(t, "%47|%7cZ%10cL%10cL%6cZ\n", RED, holes, RED, lost, YELLOW,
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
	put(t, "    coverage  raw %l, %z hole%s  editable %l, %z hole%s, %l\n",
	    h->raw.covered, h->raw.holesz, plural(h->raw.holesz),
	    h->editable.covered, h->editable.holesz, plural(h->editable.holesz),
	    h->editable.hole_duration);
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
	const struct row *other;
	struct row *row, *rows;
	struct span part;
	int64_t next, start = t->range.start;
	size_t hour = 0, max = days ? 15 : 10, n = 0, worse;

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
		while (hour < r->hoursz && r->hours[hour].time < next)
			hour++;
		row->span = part = (struct span){start, next};
		row->trouble = text_trouble(t, &part);
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
	for (row = rows; row < rows + n; row++) {
		worse = 0;
		for (other = rows; max < n && worse < max && other < rows + n;
		     other++)
			worse += other->trouble > row->trouble ||
			    (other->trouble == row->trouble && other < row);
		if (max == n || worse < max)
			text_row(t, days, row);
	}
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

	for (i = 0; i < gap->havingsz && fits; i++) {
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
	const bool fine = length < 10 * MILLISECOND;
	const bool same =
	    time_floor(gap->span.start, DAY) == time_floor(gap->span.end, DAY);
	char end[TIME_SIZE];

	time_format(end, gap->span.end);
	strchr(end, '.')[fine ? 7 : 4] = '\0';
	put(t, fine ? "%12l  %7t  %s" : "%12l  %4t  %s", length,
	    gap->span.start, same ? strchr(end, 'T') + 1 : end);
	put(t,
	    gap->havingsz > 0                ? "  "
		: strcmp(state, "hole") == 0 ? ""
					     : "  %s",
	    state);
	print_having(t->fp, r->fleet, gap, t->opt->utf8, ", ", HAVING);
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

struct family { /* a line of man/metrics.txt: LABEL NAME TYPES HELP */
	const char *label; /* besides channel and quality; "quality": none */
	const char *name;
	size_t types; /* how many samples, a digit; 1: without label type */
	const char *help; /* NULL once printed */
};

struct values { /* in the order of the families: those of an hour, of the
		   quality, of a peer; in millionths, or TIME_NONE */
	int64_t v[80];
	size_t n;
};

static void
add(struct values *values, int64_t value)
{
	values->v[values->n++] = value;
}

static void
add_count(struct values *values, size_t n)
{
	add(values, (int64_t)n * SECOND);
}

static void
add_tallies(struct values *values, const struct tally tallies[SEGMENT_TYPES],
    bool durations)
{
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++)
		add(values,
		    durations ? tallies[i].duration
			      : (int64_t)tallies[i].count * SECOND);
}

static void
hour_values(struct values *values, const struct hour *h)
{
	values->n = 0;
	add_tallies(values, h->counts.segments, false);
	add_count(values, h->counts.bad);
	add_tallies(values, h->counts.segments, true);
	add(values, h->raw.covered);
	add(values, h->editable.covered);
	add_count(values, h->raw.holesz);
	add_count(values, h->editable.holesz);
	add_tallies(values, h->counts.overlaps, false);
	add_tallies(values, h->counts.overlaps, true);
}

static void
coverage_values(struct values *values, const struct coverage *c)
{
	const struct span *longest = hole_longest(c);
	int64_t ratio = coverage_ratio(c);

	add(values, c->covered);
	add(values, ratio < 0 ? TIME_NONE : ratio);
	add_count(values, c->holes.n);
	add(values, c->hole_duration);
	add(values, longest == NULL ? 0 : longest->end - longest->start);
}

/*
 * Adds what is known of a quality, which is nothing if it could not be read:
 * no holes would be as wrong as some.
 */
static void
quality_values(struct values *values, const struct options *opt,
    const struct survey *s, const struct report *r)
{
	static const struct hour none;
	const struct fleet *f = r->fleet;
	const struct spans *holes = &r->raw.holes;
	const bool ended = opt->window.end <= opt->now;
	int64_t known = 0, length, recent = 0;
	size_t i;

	for (i = 0; i < holes->n; i++) {
		length = holes->v[i].end - holes->v[i].start;
		if (hole_known(opt, r, &holes->v[i]))
			known += length;
		if (holes->v[i].start > opt->now - HOUR &&
		    !hole_settling(opt, &holes->v[i]))
			recent += length;
	}
	hour_values(values, &none);
	add_tallies(values, r->counts.segments, false);
	add_count(values, r->counts.bad);
	add_count(values, r->counts.temp);
	add_count(values, r->counts.tombstoned);
	add_tallies(values, r->counts.segments, true);
	add_tallies(values, r->counts.overlaps, false);
	add_tallies(values, r->counts.overlaps, true);
	coverage_values(values, &r->raw);
	coverage_values(values, &r->editable);
	add(values, recent);
	add(values, known);
	add_count(values, r->counts.incomplete.count);
	add(values, r->counts.incomplete.duration);
	add_count(values, r->counts.ahead);
	add(values, (int64_t)spans_hours(&r->missing) * HOUR);
	add(values, (int64_t)spans_hours(&r->unreadable) * HOUR);
	add(values, r->start);
	add(values, r->newest);
	add(values,
	    stream_age(opt, r) == TIME_NONE ? TIME_NONE
		: ended                     ? 0
					    : silence(opt, r));
	if (r->state == STATE_UNKNOWN || r->state == STATE_UNREADABLE)
		for (i = 0; i < values->n; i++)
			values->v[i] = TIME_NONE;
	add(values,
	    coverage_shown(r) != &r->raw       ? TIME_NONE
		: r->state >= STATE_UNREADABLE ? SECOND
					       : 0);
	add(values, opt->now);
	add(values, s->elapsed);
	add_count(values, s->errorsz);
	add_count(values, s->complete);
	add(values,
	    f != NULL ? (int64_t)f->tallies[GAP_LOST].count * SECOND
		      : TIME_NONE);
	for (i = 0; i < GAP_STATES; i++)
		add(values, f != NULL ? f->tallies[i].duration : TIME_NONE);
	add_count(values, 1); /* build_info */
}

static void
print_label(FILE *fp, const char *name, const char *value)
{
	const char *at, *from = value;
	long code;

	fprintf(fp, "%s=\"", name);
	while (*(at = value) != '\0') {
		code = utf8_next(&value);
		if (code >= 0 && code != '\n' && code != '"' && code != '\\')
			continue;
		fwrite(from, 1, (size_t)(at - from), fp);
		fputs(code < 0         ? REPLACEMENT
			: code == '\n' ? "\\n"
			: code == '"'  ? "\\\""
				       : "\\\\",
		    fp);
		from = value;
	}
	fprintf(fp, "%s\"", from);
}

/*
 * Prints a family's samples of one quality, with `label` for its own label;
 * before the first of all its HELP and TYPE.
 */
static void
print_samples(FILE *fp, struct family *family, const struct report *r,
    const char *label, const int64_t *values)
{
	char buf[TIME_SIZE];
	size_t i;

	for (i = 0; i < family->types; i++) {
		if (values[i] == TIME_NONE)
			continue;
		if (family->help != NULL)
			fprintf(fp, "# HELP %s %s\n# TYPE %s gauge\n",
			    family->name, family->help, family->name);
		family->help = NULL;
		fprintf(fp, "%s{", family->name);
		print_label(fp, "channel", r->channel);
		putc(',', fp);
		print_label(fp, "quality", r->quality);
		if (label != NULL) {
			putc(',', fp);
			print_label(fp, family->label, label);
		}
		if (family->types > 1)
			fprintf(fp, ",type=\"%s\"", type_names[i]);
		seconds_format(buf, values[i]);
		fprintf(fp, "} %s\n", buf);
	}
}

/*
 * Prints a family's samples of the newest hours.
 */
static void
metrics_hours(FILE *fp, const struct options *opt, struct family *family,
    const struct report *r, size_t at)
{
	const size_t max = opt->metrics_hours;
	struct values values;
	char hour[TIME_SIZE];
	size_t i;

	for (i = r->hoursz > max ? r->hoursz - max : 0; i < r->hoursz; i++) {
		if (!r->hours[i].readable)
			continue;
		hour_values(&values, &r->hours[i]);
		hour_format(hour, r->hours[i].time);
		print_samples(fp, family, r, hour, &values.v[at]);
	}
}

static void
metrics_peers(FILE *fp, struct family *family, const struct report *r,
    struct values *values, size_t at)
{
	const struct fleet *f = r->fleet;
	size_t i;

	if (f == NULL)
		return;
	for (i = f->here; i < f->nodesz; i++) {
		values->v[values->n] = f->here && f->nodes[i].report != NULL
		    ? f->nodes[i].has
		    : TIME_NONE;
		values->v[values->n + 1] = f->nodes[i].generated_at;
		print_samples(fp, family, r, f->nodes[i].name, &values->v[at]);
	}
}

int
report_metrics(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct report *r, *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	struct values *values = need(calloc(reportsz + 1, sizeof(*values)));
	char *text = compose(
	    "%.*s", (int)sizeof(metrics_txt), (const char *)metrics_txt);
	char *next = text;
	struct family family;
	size_t at, i;

	for (i = 0; i < reportsz; i++)
		quality_values(&values[i], opt, s, &reports[i]);
	for (at = 0; *next != '\0'; at += family.types) {
		family.label = strtok_r(next, " ", &next);
		family.name = strtok_r(next, " ", &next);
		family.types = (size_t)(*next - '0');
		family.help = strtok_r(next + 2, "\n", &next);
		for (i = 0; i < reportsz; i++) {
			r = &reports[i];
			if (*family.label == 'h')
				metrics_hours(fp, opt, &family, r, at);
			else if (*family.label == 'p')
				metrics_peers(fp, &family, r, &values[i], at);
			else
				print_samples(fp, &family, r,
				    *family.label == 'v' ? VERSION : NULL,
				    &values[i].v[at]);
		}
	}
	free(text);
	free(values);
	return ferror(fp) ? -1 : 0;
}

/*
 * Holes as lines
 */

/*
 * Prints a line for each hole: channel, quality, start, end, seconds, state,
 * nodes.
 */
static void
print_holes(FILE *fp, const struct options *opt, const struct report *r)
{
	char *channel = name_printable(r->channel, true);
	char *quality = name_printable(r->quality, true);
	char end[TIME_SIZE], seconds[TIME_SIZE], start[TIME_SIZE];
	const char *state;
	struct gap gap;
	size_t i;

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
		fprintf(fp, "%s\t%s\t%s\t%s\t%s\t%s\t", channel, quality, start,
		    end, seconds, state);
		print_having(fp, r->fleet, &gap, true, ",", SIZE_MAX);
		putc('\n', fp);
	}
	free(channel);
	free(quality);
}

static int
report_compare(const void *a, const void *b)
{
	const struct report *const *x = a, *const *y = b;

	return quality_compare(*x, *y);
}

/*
 * Writes a line for each hole, in the order of sort(1) in the C locale.
 */
int
report_holes(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct report **sorted =
	    need(calloc(s->reportsz + 1, sizeof(struct report *)));
	size_t i, n = 0;

	for (i = 0; i < s->reportsz; i++)
		if (report == NULL || report == &s->reports[i])
			sorted[n++] = &s->reports[i];
	qsort(sorted, n, sizeof(struct report *), report_compare);
	for (i = 0; i < n; i++)
		print_holes(fp, opt, sorted[i]);
	free(sorted);
	return ferror(fp) ? -1 : 0;
}

/*
 * --check
 */

/*
 * Prints a finding, with the newline of fmt. Returns true: there is one.
 */
static bool __attribute__((format(printf, 4, 5))) finding(FILE *fp,
    const struct options *opt, const struct report *r, const char *fmt, ...)
{
	char *channel = name_printable(r->channel, opt->utf8);
	char *quality = name_printable(r->quality, opt->utf8);
	va_list ap;

	fprintf(fp, PROGRAM ": %s/%s: ", channel, quality);
	va_start(ap, fmt);
	vfprintf(fp, fmt, ap);
	va_end(ap);
	free(channel);
	free(quality);
	return true;
}

/*
 * Reports the longest of the holes that count, and how many more there are.
 */
static bool
check_holes(FILE *fp, const struct options *opt, const struct report *r)
{
	static const struct {
		enum gap_state state;
		const char *before, *after;
	} words[] = {{GAP_LOST, "LOST: no node has", ""},
	    {GAP_ELSEWHERE, "not backfilled:", "; available on "},
	    {GAP_UNKNOWN, "a hole of", "; not every node could tell"}};
	char end[TIME_SIZE], length[TIME_SIZE], start[TIME_SIZE];
	const char *before;
	const struct span *hole;
	struct pick pick;
	size_t i, j;
	bool found = false;

	for (i = 0; i < LENGTH(words); i++) {
		holes_pick(&pick, opt, r, words[i].state, LISTED_MAX, true);
		before = r->fleet != NULL ? words[i].before : "a hole of";
		for (j = 0; j < pick.n; j++) {
			hole = &pick.top[j].span;
			pick.duration -= hole->end - hole->start;
			duration_format(length, hole->end - hole->start);
			time_format(start, hole->start);
			time_format(end, hole->end);
			found = finding(fp, opt, r, "%s %s from %s to %s%s",
			    before, length, start, end, words[i].after);
			print_having(fp, r->fleet, &pick.top[j], opt->utf8,
			    ", ", SIZE_MAX);
			putc('\n', fp);
		}
		duration_format(length, pick.duration);
		if (pick.count > pick.n)
			finding(fp, opt, r, "%s %zu more, %s in all\n",
			    r->fleet != NULL ? before : "and",
			    pick.count - pick.n, length);
	}
	return found;
}

/*
 * Reports that there is no segment, unless an unreadable hour may hold one,
 * that the newest is too old, holes, and what is incomplete or ahead.
 */
static bool
check_quality(FILE *fp, const struct options *opt, const struct report *r)
{
	const bool none = r->start == TIME_NONE;
	const bool unsure = none && r->unreadable.n > 0;
	const int64_t age = stream_age(opt, r);
	const size_t ahead = r->counts.ahead;
	char end[TIME_SIZE], length[TIME_SIZE], max[TIME_SIZE];
	bool found = false;

	if (none && !unsure)
		found = finding(fp, opt, r, "no segments%s\n",
		    r->state == STATE_ABSENT ? ": no such quality" : "");
	if (!unsure && opt->max_age >= 0 && age > opt->max_age) {
		time_format(end, r->newest);
		age_format(length, age);
		duration_format(max, opt->max_age);
		found = finding(fp, opt, r,
		    "the newest segment ended %s %s, at %s; --max-age is %s\n",
		    length,
		    opt->window.end < opt->now ? "before the window does"
					       : "ago",
		    end, max);
	}
	found |= check_holes(fp, opt, r);
	duration_format(max, r->raw.covered);
	duration_format(length, r->counts.incomplete.duration);
	if (is_incomplete(r))
		found =
		    finding(fp, opt, r, "INCOMPLETE: %s of %s\n", length, max);
	if (ahead > 0)
		found = finding(fp, opt, r,
		    "%zu segment%s ahead of the clock\n", ahead, plural(ahead));
	return found;
}

/*
 * Writes a line for each finding. Returns whether there is one.
 */
bool
report_check(FILE *fp, const struct options *opt, const struct survey *s)
{
	const struct report *r;
	size_t i;
	bool found = false;

	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		if (r->state == STATE_READ || r->state == STATE_ABSENT)
			found |= check_quality(fp, opt, r);
		else if (r->fleet != NULL)
			found |= check_holes(fp, opt, r);
	}
	return found;
}

/*
 * Writes the one line that a monitoring plugin shows: the first finding, or
 * else the first error, and how many more there are.
 */
int
report_summary(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	char *at, *findings = NULL, *text;
	FILE *memory;
	int64_t longest = 0;
	size_t i, n = 0, size;
	bool found;

	(void)report;
	memory = need(open_memstream(&findings, &size));
	if (!(found = report_check(memory, opt, s)))
		for (i = 0; i < s->errorsz; i++) {
			text = name_printable(s->errors[i].path, opt->utf8);
			fprintf(memory, PROGRAM ": %s: ", text);
			free(text);
			text = name_printable(s->errors[i].message, opt->utf8);
			fprintf(memory, "%s\n", text);
			free(text);
		}
	if (fclose(memory) != 0)
		need(NULL);
	for (at = findings; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	if (found && n == 0) /* memory ran out, and the stream kept silent */
		(void)need(NULL);
	for (i = 0; i < s->reportsz; i++)
		if (s->reports[i].end - s->reports[i].start > longest)
			longest = s->reports[i].end - s->reports[i].start;
	if (n == 0)
		fprintf(fp, "COVERAGE OK: %zu qualit%s, %" PRId64 " h",
		    s->reportsz, s->reportsz == 1 ? "y" : "ies",
		    (longest + HOUR / 2) / HOUR);
	else
		fprintf(fp, "COVERAGE %s: %s", found ? "CRITICAL" : "UNKNOWN",
		    strtok(findings + strlen(PROGRAM ": "), "\n"));
	if (n > 1)
		fprintf(fp, " (and %zu more)", n - 1);
	putc('\n', fp);
	free(findings);
	return ferror(fp) ? -1 : 0;
}
