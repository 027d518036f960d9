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

struct sheet;
static void text_fleet(struct sheet *sheet, const struct report *r);
static void print_having(FILE *fp, const struct fleet *f, const struct gap *gap,
    bool utf8, const char *comma, size_t columns);

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
 * Formats an instant as `2025-11-15T02:45:51` with that many digits of a
 * fraction.
 */
static void
moment_format(char buf[TIME_SIZE], int64_t t, size_t digits)
{
	char *s;

	time_format(buf, t);
	if ((s = strchr(buf, '.')) != NULL)
		s[digits > 0 ? digits + 1 : 0] = '\0';
}

/*
 * JSON
 */

/*
 * Writes any bytes as a string; what is not UTF-8 becomes U+FFFD.
 */
static void
json_text(FILE *fp, const char *bytes)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	const char *from, *s;
	long code;

	putc('"', fp);
	while (*(from = bytes) != '\0') {
		code = utf8_next(&bytes);
		if (code < 0)
			fputs(REPLACEMENT, fp);
		else if (code < 0x80 && (s = strchr(special, (int)code)))
			fprintf(fp, "\\%c", "\"\\bfnrt"[s - special]);
		else if (code < ' ')
			fprintf(fp, "\\u%04lx", (unsigned long)code);
		else
			fwrite(from, 1, (size_t)(bytes - from), fp);
	}
	putc('"', fp);
}

/*
 * Puts a value at p. Returns its end.
 */
static char *
json_value(char *p, char type, int64_t us)
{
	if (us == TIME_NONE)
		return stpcpy(p, "null");
	if (type == 's') {
		seconds_format(p, us);
		return p + strlen(p);
	}
	*p = '"';
	if (type == 'h')
		hour_format(p + 1, us);
	else
		time_format(p + 1, us);
	return stpcpy(p + strlen(p), "\"");
}

/*
 * Writes the format with " for ' and with values for these:
 *	%b	bool
 *	%n	size_t
 *	%s	int64_t us, as seconds; TIME_NONE is null
 *	%i %h	int64_t us, as an instant or an hour; TIME_NONE is null
 *	%t	const char *, any bytes
 *
 * printf would take twice as long for what is mostly small numbers.
 */
static void
json(FILE *fp, const char *fmt, ...)
{
	char buf[1024] = "", *p = buf;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if ((size_t)(p - buf) + 2 * (size_t)TIME_SIZE > sizeof(buf) ||
		    (fmt[0] == '%' && fmt[1] == 't')) {
			fwrite(buf, 1, (size_t)(p - buf), fp);
			p = buf;
		}
		if (*fmt != '%')
			*p++ = (char)(*fmt == '\'' ? '"' : *fmt);
		else if (*++fmt == 'b')
			p = stpcpy(p, va_arg(ap, int) ? "true" : "false");
		else if (*fmt == 't')
			json_text(fp, va_arg(ap, const char *));
		else if (*fmt == 'n')
			p = json_value(
			    p, 's', (int64_t)va_arg(ap, size_t) * SECOND);
		else
			p = json_value(p, *fmt, va_arg(ap, int64_t));
	}
	va_end(ap);
	fwrite(buf, 1, (size_t)(p - buf), fp);
}

/*
 * Leaves the object open.
 */
static void
json_span(FILE *fp, const struct span *span)
{
	json(fp, "{'start':%i,'end':%i,'duration':%s", span->start, span->end,
	    span->end - span->start);
}

static void
json_hole(FILE *fp, const struct options *opt, const struct report *r,
    const struct span *hole, int64_t hour)
{
	struct span span = *hole;

	if (hour != TIME_NONE)
		span_cut(&span, hour, hour + HOUR);
	json_span(fp, &span);
	json(fp, ",'known':%b}", hole_known(opt, r, hole));
}

/*
 * Cuts the holes to the hour unless that is TIME_NONE.
 */
static void
json_holes(FILE *fp, const struct options *opt, const struct report *r,
    const struct span *holes, size_t holesz, int64_t hour)
{
	size_t i;

	json(fp, ",'holes':[");
	for (i = 0; i < holesz; i++) {
		fputs(i > 0 ? "," : "", fp);
		json_hole(fp, opt, r, &holes[i], hour);
	}
	fputs("]}", fp);
}

static void
json_tallies(FILE *fp, const struct tally tallies[SEGMENT_TYPES])
{
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		json(fp, i > 0 ? ",%t:" : "%t:", type_names[i]);
		json(fp, "{'count':%n,'duration':%s}", tallies[i].count,
		    tallies[i].duration);
	}
}

static void
json_counts(FILE *fp, const struct counts *c)
{
	json(fp, ",'segments':{");
	json_tallies(fp, c->segments);
	json(fp, ",'temp':{'count':%n},'bad':{'count':%n},", c->temp, c->bad);
	json(fp, "'tombstoned':{'count':%n},'ahead':{'count':%n},",
	    c->tombstoned, c->ahead);
	json(fp, "'empty':{'count':%n}},'overlaps':{", c->empty);
	json_tallies(fp, c->overlaps);
	putc('}', fp);
}

static void
json_share(FILE *fp, const struct options *opt, const struct report *r,
    const struct share *share, const struct coverage *c, int64_t hour)
{
	json(fp, "{'coverage':%s,'hole_count':%n,'hole_duration':%s",
	    share->covered, share->holesz, share->hole_duration);
	json_holes(fp, opt, r,
	    share->holesz > 0 ? &c->holes.v[share->first] : NULL, share->holesz,
	    hour);
}

static void
json_hour_report(FILE *fp, const struct options *opt, const struct report *r,
    const struct hour *h)
{
	const struct tally *incomplete = &h->counts.incomplete;
	size_t i;

	json(fp, "{'hour':%h,'start':%i,'end':%i", h->time, h->start, h->end);
	json_counts(fp, &h->counts);
	json(fp, ",'raw':");
	json_share(fp, opt, r, &h->raw, &r->raw, h->time);
	json(fp, ",'editable':");
	json_share(fp, opt, r, &h->editable, &r->editable, h->time);
	json(fp, ",'incomplete':{'count':%n,'duration':%s},'bad_names':[",
	    incomplete->count, incomplete->duration);
	for (i = 0; i < h->bad_namesz; i++)
		json(fp, i > 0 ? ",%t" : "%t", h->bad_names[i]);
	json(fp, "],'readable':%b}", h->readable);
}

static void
json_coverage(FILE *fp, const struct options *opt, const struct report *r,
    const struct coverage *c)
{
	const struct span *longest = hole_longest(c);
	int64_t ratio = coverage_ratio(c);

	json(fp, "{'coverage':%s,'ratio':%s,'hole_count':%n", c->covered,
	    ratio < 0 ? TIME_NONE : ratio, c->holes.n);
	json(fp, ",'hole_duration':%s,'longest_hole':", c->hole_duration);
	if (longest == NULL)
		fputs("null", fp);
	else
		json_hole(fp, opt, r, longest, TIME_NONE);
	json_holes(fp, opt, r, c->holes.v, c->holes.n, TIME_NONE);
}

static void
json_incomplete(FILE *fp, const struct options *opt, const struct report *r)
{
	struct span span;
	size_t i = 0;
	const char *comma = "";

	json(fp, ",'incomplete':{'count':%n,'duration':%s,'spans':[",
	    r->counts.incomplete.count, r->counts.incomplete.duration);
	while (spans_join(&r->incomplete, &i, opt->tolerance, &span)) {
		if (!span_cut(&span, opt->window.start, opt->window.end))
			continue;
		fputs(comma, fp);
		comma = ",";
		json_span(fp, &span);
		putc('}', fp);
	}
	fputs("]}", fp);
}

static void
json_hours(FILE *fp, const char *key, const struct spans *hours)
{
	const struct span *range;
	size_t i;

	json(fp, ",%t:{'count':%n,'ranges':[", key, spans_hours(hours));
	for (i = 0; i < hours->n; i++) {
		range = &hours->v[i];
		fputs(i > 0 ? "," : "", fp);
		json(fp, "{'first':%h,'last':%h,'count':%n}", range->start,
		    range->end - HOUR,
		    (size_t)((range->end - range->start) / HOUR));
	}
	fputs("]}", fp);
}

static void
json_gaps(FILE *fp, const struct fleet *f, size_t state)
{
	const struct gap *gap;
	const char *comma = "";
	size_t i, j;

	json(fp, ",%t:{'count':%n,'duration':%s,'spans':[", gap_names[state],
	    f->tallies[state].count, f->tallies[state].duration);
	for (j = 0; j < f->gapsz; j++) {
		gap = &f->gaps[j];
		if (gap->state != state)
			continue;
		fputs(comma, fp);
		comma = ",";
		json_span(fp, &gap->span);
		for (i = 0; i < gap->havingsz; i++)
			json(fp, i > 0 ? ",%t" : ",'nodes':[%t",
			    f->nodes[f->having[gap->first + i]].name);
		fputs(gap->havingsz > 0 ? "]}" : "}", fp);
	}
	fputs("]}", fp);
}

static void
json_node(FILE *fp, const struct fleet_node *node, int64_t now, bool peer)
{
	const struct report *r = node->report;
	const struct coverage *c = &node->coverage;
	int64_t ratio = coverage_ratio(c);

	json(fp, "{'name':%t,", node->name);
	if (r == NULL) {
		json(fp,
		    "'start':null,'end':null,'age':null,'coverage':null,"
		    "'ratio':null,'hole_count':null,'hole_duration':null,"
		    "'has_duration':null,'horizon':null}");
		return;
	}
	json(fp, "'start':%i,'end':%i,'age':%s,'coverage':%s,'ratio':%s",
	    r->start, r->end, r->end == TIME_NONE ? TIME_NONE : now - r->end,
	    c->covered, ratio < 0 ? TIME_NONE : ratio);
	json(fp, ",'hole_count':%n,'hole_duration':%s,'has_duration':%s",
	    c->holes.n, c->hole_duration, peer ? node->has : TIME_NONE);
	json(fp, ",'horizon':%i}", node->horizon);
}

static void
json_fleet(FILE *fp, const struct options *opt, const struct fleet *f)
{
	int64_t ratio;
	size_t i;

	json(fp, ",'fleet':");
	if (f == NULL) {
		fputs("null", fp);
		return;
	}
	ratio = coverage_ratio(&f->together);
	json(fp, "{'start':%i,'end':%i,'coverage':%s,'ratio':%s",
	    f->range.start, f->range.end, f->together.covered,
	    ratio < 0 ? TIME_NONE : ratio);
	for (i = 0; i < GAP_STATES; i++)
		json_gaps(fp, f, i);
	json(fp, ",'nodes':[");
	for (i = 0; i < f->nodesz; i++) {
		fputs(i > 0 ? "," : "", fp);
		json_node(fp, &f->nodes[i], opt->now, i >= f->here && f->here);
	}
	fputs("]}", fp);
}

static void
json_quality(
    FILE *fp, const struct options *opt, const struct report *r, bool hours)
{
	size_t i;

	json(fp, "{'channel':%t,'quality':%t,'found':%b,'start':%i,'end':%i",
	    r->channel, r->quality, r->state >= STATE_UNREADABLE, r->start,
	    r->end);
	json(fp, ",'age':%s",
	    r->end == TIME_NONE ? TIME_NONE : opt->now - r->end);
	json_counts(fp, &r->counts);
	json(fp, ",'raw':");
	json_coverage(fp, opt, r, &r->raw);
	json(fp, ",'editable':");
	json_coverage(fp, opt, r, &r->editable);
	json_incomplete(fp, opt, r);
	json_hours(fp, "missing_hours", &r->missing);
	json_hours(fp, "unreadable_hours", &r->unreadable);
	json_fleet(fp, opt, r->fleet);
	json(fp, ",'hours':[");
	for (i = 0; hours && i < r->hoursz; i++) {
		fputs(i > 0 ? ",\n" : "\n", fp);
		json_hour_report(fp, opt, r, &r->hours[i]);
	}
	fputs("]}", fp);
}

static void
json_errors(FILE *fp, const struct survey *s)
{
	size_t i;

	json(fp, ",'errors':[");
	for (i = 0; i < s->errorsz; i++) {
		fputs(i > 0 ? ",\n" : "\n", fp);
		json(fp, "{'path':%t,'message':%t}", s->errors[i].path,
		    s->errors[i].message);
	}
	putc(']', fp);
}

static void
json_peers(FILE *fp, const struct options *opt, const struct survey *s)
{
	const struct peer *peer;
	size_t i;

	json(fp, ",'peers':[");
	for (i = 0; i < s->peersz; i++) {
		peer = &s->peers[i];
		json(fp, i > 0 ? ",\n{" : "\n{");
		json(fp, "'name':%t,'file':%t,'generated_at':%i,'age':%s",
		    peer->name, peer->file, peer->generated_at,
		    peer->generated_at == TIME_NONE
			? TIME_NONE
			: opt->now - peer->generated_at);
		json(fp, ",'usable':%b,'message':", peer->message == NULL);
		json(
		    fp, peer->message == NULL ? "null}" : "%t}", peer->message);
	}
	putc(']', fp);
}

/*
 * Writes one document, each report's head and each hour on a line of its own.
 * With a report it is that report's twin, which has no hours.
 */
int
report_json(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct report *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	size_t i;

	json(fp, "{'schema_version':1,'generator':'" PROGRAM " " VERSION "'");
	json(fp, ",'generated_at':%i,'base_dir':%t,'tolerance':%s", opt->now,
	    opt->base_dir, opt->tolerance);
	json(fp, ",'first_hour':%h,'last_hour':%h,'complete':%b",
	    opt->window.start,
	    opt->window.end == INT64_MAX ? TIME_NONE : opt->window.end - HOUR,
	    s->complete);
	json_errors(fp, s);
	json_peers(fp, opt, s);
	json(fp, ",'reports':[");
	for (i = 0; i < reportsz; i++) {
		fputs(i > 0 ? ",\n" : "\n", fp);
		json_quality(fp, opt, &reports[i], report == NULL);
	}
	fputs("]}\n", fp);
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
	char *next;
	size_t left;
} arena;

/*
 * Sets the peer's message. Returns -1, for readers to pass on.
 */
static int __attribute__((format(printf, 2, 3)))
broken(struct peer *peer, const char *fmt, ...)
{
	char *outer = peer->message;
	va_list ap;

	va_start(ap, fmt);
	peer->message = vcompose(fmt, ap);
	va_end(ap);
	free(outer);
	return -1;
}

/*
 * Puts the place in the report before the peer's message.
 */
static int
broken_in(struct peer *peer, const char *array, size_t i)
{
	return broken(peer, "%s[%zu]: %s", array, i, peer->message);
}

/*
 * Returns the closing quote of a string, or the end of the text.
 */
static char *
string_end(char *s)
{
	for (s++; *s != '\0' && *s != '"'; s++)
		s += *s == '\\' && s[1] != '\0';
	return s;
}

/*
 * Returns whether a member is not needed, though it may be most of a report.
 */
static bool
is_idle(const char *name, const char *end)
{
	const size_t length = (size_t)(end - name);

	return (length == 7 &&
		   (memcmp(name, "\"hours\"", 7) == 0 ||
		       memcmp(name, "\"fleet\"", 7) == 0)) ||
	    (length == 10 && memcmp(name, "\"editable\"", 10) == 0);
}

/*
 * Rejects what is not JSON at first sight, or nested so deep that cJSON, which
 * is recursive, could overflow the stack. Replaces idle values by 0.
 */
static int
bytes_judge(struct peer *peer, char *text, size_t size)
{
	char *blank = NULL, *name = text, *s = text + strspn(text, " \t\r\n");
	size_t depth = 0, level = 0;

	if (strlen(text) < size)
		return broken(peer, "not JSON: it has a NUL byte");
	if (*s == '\0' || *s == '<')
		return broken(peer, *s == '<' ? "HTML, not JSON" : "empty");
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '"':
			name = s;
			s = string_end(s);
			if (*s == '\0')
				return broken(peer, "truncated JSON");
			break;
		case ':':
			if (blank == NULL && is_idle(name, s)) {
				blank = s + 1;
				level = depth;
			}
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
			if (blank != NULL && depth == level && s > blank) {
				memset(blank, ' ', (size_t)(s - blank));
				*blank = '0';
				blank = NULL;
			}
			depth -= *s != ',' && depth > 0;
		}
	}
	return depth > 0 ? broken(peer, "truncated JSON") : 0;
}

static const cJSON *
member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/*
 * Reads an instant or an hour. Null leaves *t as it is.
 */
static int
instant_read(
    struct peer *peer, const cJSON *object, const char *key, int64_t *t)
{
	const cJSON *value = member(object, key);
	bool date_only;

	if (cJSON_IsNull(value))
		return 0;
	if (!cJSON_IsString(value))
		return broken(peer, "%s is not an instant", key);
	if (time_parse(value->valuestring, t, &date_only) != 0)
		return broken(peer, "%s is not an instant: %.40s", key,
		    value->valuestring);
	return 0;
}

static int
span_read(struct peer *peer, const cJSON *object, const char *const keys[2],
    struct span *span)
{
	*span = (struct span){TIME_NONE, TIME_NONE};
	if (instant_read(peer, object, keys[0], &span->start) != 0 ||
	    instant_read(peer, object, keys[1], &span->end) != 0)
		return -1;
	if (span->start == TIME_NONE || span->end == TIME_NONE)
		return broken(peer, "%s or %s is null", keys[0], keys[1]);
	if (span->end < span->start)
		return broken(peer, "%s is before %s", keys[1], keys[0]);
	return 0;
}

/*
 * Reads an array of spans, whose bounds have these two keys. The end is
 * `length` us after what is written, since an hour is named by its start.
 */
static int
spans_read(struct peer *peer, const cJSON *array, const char *name,
    const char *const keys[2], int64_t length, struct spans *spans)
{
	const cJSON *element;
	struct span span;
	size_t i = 0;

	if (!cJSON_IsArray(array))
		return broken(peer, "%s is not an array", name);
	cJSON_ArrayForEach(element, array)
	{
		if (span_read(peer, element, keys, &span) != 0)
			return broken_in(peer, name, i);
		i++;
		span.end += length;
		if (span.end == span.start)
			continue;
		spans->v = need(
		    array_room(spans->v, &spans->cap, spans->n, sizeof(span)));
		spans->v[spans->n++] = span;
	}
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
	static const char *const hours[] = {"first", "last"};
	static const char *const keys[] = {"start", "end"};
	const cJSON *channel = member(object, "channel");
	const cJSON *found = member(object, "found");
	const cJSON *quality = member(object, "quality");
	const cJSON *unreadable = member(object, "unreadable_hours");

	if (!cJSON_IsString(channel) || !cJSON_IsString(quality))
		return broken(peer, "%s is not a string",
		    cJSON_IsString(channel) ? "quality" : "channel");
	r->channel = need(strdup(channel->valuestring));
	r->quality = need(strdup(quality->valuestring));
	r->start = r->end = TIME_NONE;
	if (!cJSON_IsBool(found))
		return broken(peer, "found is neither true nor false");
	if (instant_read(peer, object, "start", &r->start) != 0 ||
	    instant_read(peer, object, "end", &r->end) != 0 ||
	    spans_read(peer, member(member(object, "raw"), "holes"),
		"raw.holes", keys, 0, &r->raw.holes) != 0 ||
	    spans_read(peer, member(member(object, "incomplete"), "spans"),
		"incomplete.spans", keys, 0, &r->incomplete) != 0 ||
	    (unreadable != NULL &&
		spans_read(peer, member(unreadable, "ranges"),
		    "unreadable_hours.ranges", hours, HOUR,
		    &r->unreadable) != 0))
		return -1;
	if ((r->start == TIME_NONE) != (r->end == TIME_NONE))
		return broken(peer, "only one of start and end is null");
	if (r->end < r->start)
		return broken(peer, "end is before start");
	r->newest = r->end;
	if (!complete && (r->start == TIME_NONE || unreadable == NULL))
		r->state = STATE_UNREADABLE;
	else
		r->state = cJSON_IsTrue(found) ? STATE_READ : STATE_ABSENT;
	return 0;
}

static int
quality_compare(const void *a, const void *b)
{
	const struct report *p = a, *q = b;
	int order = strcmp(p->channel, q->channel);

	return order != 0 ? order : strcmp(p->quality, q->quality);
}

static int
qualities_read(struct peer *peer, const cJSON *array, bool complete)
{
	const cJSON *element;
	struct report *r;
	size_t cap = 0, i;

	if (!cJSON_IsArray(array))
		return broken(peer, "reports is not an array");
	cJSON_ArrayForEach(element, array)
	{
		peer->reports = need(array_room(
		    peer->reports, &cap, peer->reportsz, sizeof(*r)));
		r = &peer->reports[peer->reportsz++];
		*r = (struct report){.channel = NULL};
		if (quality_read(peer, element, complete, r) != 0)
			return broken_in(peer, "reports", peer->reportsz - 1);
	}
	if (peer->reportsz == 0)
		return 0;
	qsort(peer->reports, peer->reportsz, sizeof(*r), quality_compare);
	for (i = 1; i < peer->reportsz; i++) {
		r = &peer->reports[i];
		if (quality_compare(r - 1, r) == 0)
			return broken(peer, "%s/%s appears twice", r->channel,
			    r->quality);
	}
	return 0;
}

/*
 * Reads the whole document.
 */
static int
root_read(struct peer *peer, const cJSON *root)
{
	const cJSON *complete = member(root, "complete");
	const cJSON *tolerance = member(root, "tolerance");
	const cJSON *version = member(root, "schema_version");
	int64_t last = TIME_NONE;

	if (!cJSON_IsNumber(version))
		return broken(peer, "not a report of " PROGRAM);
	if (version->valuedouble != 1)
		return broken(
		    peer, "schema_version is %g, not 1", version->valuedouble);
	if (instant_read(peer, root, "generated_at", &peer->generated_at) !=
		0 ||
	    instant_read(peer, root, "first_hour", &peer->window.start) != 0 ||
	    instant_read(peer, root, "last_hour", &last) != 0)
		return -1;
	if (peer->generated_at == TIME_NONE)
		return broken(peer, "generated_at is null");
	if (last != TIME_NONE)
		peer->window.end = last + HOUR;
	if (peer->window.end <= peer->window.start)
		return broken(peer, "last_hour is before first_hour");
	if (!cJSON_IsBool(complete))
		return broken(peer, "complete is neither true nor false");
	if (!cJSON_IsNumber(tolerance) || !(tolerance->valuedouble >= 0) ||
	    tolerance->valuedouble > 3600)
		return broken(peer, "tolerance is not from 0 to 3600");
	peer->tolerance = (int64_t)(tolerance->valuedouble * SECOND + 0.5);
	return qualities_read(
	    peer, member(root, "reports"), cJSON_IsTrue(complete));
}

static void
reports_drop(struct peer *peer)
{
	struct report *r;
	size_t i;

	for (i = 0; i < peer->reportsz; i++) {
		r = &peer->reports[i];
		free((char *)r->channel);
		free((char *)r->quality);
		free(r->raw.holes.v);
		free(r->incomplete.v);
		free(r->unreadable.v);
	}
	free(peer->reports);
	peer->reports = NULL;
	peer->reportsz = 0;
}

static const struct report *
peer_report(const struct peer *peer, const struct report *r)
{
	return peer->reportsz == 0 ? NULL
				   : bsearch(r, peer->reports, peer->reportsz,
					 sizeof(*r), quality_compare);
}

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
 * Rejects a quality that an earlier file of the same node has as well.
 */
static int
peer_compare(const struct peer *peers, struct peer *peer)
{
	const struct peer *earlier;
	const struct report *r;
	size_t i;

	for (earlier = peers; earlier < peer; earlier++) {
		if (strcmp(earlier->name, peer->name) != 0)
			continue;
		for (i = 0; i < peer->reportsz; i++) {
			r = &peer->reports[i];
			if (peer_report(earlier, r) != NULL)
				return broken(peer, "%s/%s is already in %s",
				    r->channel, r->quality, earlier->file);
		}
	}
	return 0;
}

/*
 * Reads the report of peers[n], whose name and file are set; those before it
 * have been read. The text is changed; size does not count its final NUL.
 * Returns -1 if the report cannot be used, with the reason in the message.
 */
int
peer_parse(struct peer *peers, size_t n, char *text, size_t size)
{
	cJSON_Hooks hooks = {arena_take, arena_give};
	struct peer *peer = &peers[n];
	size_t room = size < ARENA_MAX / 16 ? size * 16 + 4096 : ARENA_MAX;
	char *memory;
	cJSON *root;
	int result;

	peer->generated_at = TIME_NONE;
	peer->window = (struct span){INT64_MIN, INT64_MAX};
	if (bytes_judge(peer, text, size) != 0)
		return -1;
	cJSON_InitHooks(&hooks);
	arena.next = memory = need(malloc(room));
	arena.left = room;
	if ((root = cJSON_ParseWithOpts(text, NULL, true)) != NULL)
		result = root_read(peer, root);
	else if (arena.left == 0)
		result = broken(peer, "JSON of too many values");
	else
		result = broken(peer, "not JSON from byte %td on",
		    cJSON_GetErrorPtr() - text);
	free(memory);
	if (result != 0 || (result = peer_compare(peers, peer)) != 0) {
		reports_drop(peer);
		peer->generated_at = TIME_NONE;
	}
	return result;
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
	free(peers);
}

/*
 * Without an archive: makes an empty report for each quality that a peer
 * reports. The names remain the peers'.
 */
void
fleet_reports(struct survey *s)
{
	struct report *r;
	size_t i, j, n = 0;

	for (i = 0; i < s->peersz; i++)
		n += s->peers[i].reportsz;
	s->reports = need(calloc(n + 1, sizeof(*r)));
	n = 0;
	for (i = 0; i < s->peersz; i++)
		for (j = 0; j < s->peers[i].reportsz; j++) {
			r = &s->peers[i].reports[j];
			s->reports[n++] = (struct report){.channel = r->channel,
			    .quality = r->quality,
			    .start = TIME_NONE,
			    .end = TIME_NONE,
			    .stream = {TIME_NONE, TIME_NONE},
			    .newest = TIME_NONE};
		}
	qsort(s->reports, n, sizeof(*r), quality_compare);
	for (i = 0; i < n; i++)
		if (s->reportsz == 0 ||
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
	const struct fleet_node *node;
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
span_at(struct span span, int64_t t, int64_t *until)
{
	const struct spans spans = {&span, 1, 1};
	size_t at = 0;

	return spans_at(&spans, &at, t, until);
}

/*
 * Finds what a node says from t on. Calls for one node never go back in time.
 */
static void
voice_move(struct voice *v, int64_t t)
{
	const struct fleet_node *node = v->node;
	const struct report *r = node->report;
	struct span stream;

	v->says = SAYS_UNKNOWN;
	v->until = INT64_MAX;
	if (r == NULL || !span_at(node->window, t, &v->until) ||
	    spans_at(&r->unreadable, &v->unreadable, t, &v->until))
		return;
	stream = (struct span){r->start, r->end};
	if (span_at(stream, t, &v->until) &&
	    !spans_at(&r->raw.holes, &v->hole, t, &v->until))
		v->says =
		    spans_at(&v->incomplete, &v->incomplete_at, t, &v->until)
		    ? SAYS_INCOMPLETE
		    : SAYS_COMPLETE;
	else if (span_at((struct span){INT64_MIN, node->horizon}, t, &v->until))
		v->says = SAYS_LACKS;
}

/*
 * Appends the peers that say so to the list of those that have the next gap.
 */
static void
having_add(
    struct fleet *f, size_t *n, const struct voice *voices, enum says says)
{
	size_t i;

	for (i = f->here; i < f->nodesz; i++) {
		if (voices[i].says != says)
			continue;
		f->having = need(array_room(f->having, &f->havingcap,
		    f->havingsz + *n, sizeof(*f->having)));
		f->having[f->havingsz + (*n)++] = i;
	}
}

/*
 * Adds a gap, or extends the last one if state and nodes are the same.
 */
static void
gap_add(struct fleet *f, struct gap gap, const struct voice *voices)
{
	struct gap *last = f->gapsz > 0 ? &f->gaps[f->gapsz - 1] : NULL;
	size_t n = 0;

	if (gap.state == GAP_ELSEWHERE || gap.state == GAP_BETTER)
		having_add(f, &n, voices, SAYS_COMPLETE);
	if (gap.state == GAP_ELSEWHERE)
		having_add(f, &n, voices, SAYS_INCOMPLETE);
	if (last != NULL && last->state == gap.state &&
	    last->span.end == gap.span.start && last->havingsz == n &&
	    (n == 0 ||
		memcmp(&f->having[last->first], &f->having[f->havingsz],
		    n * sizeof(*f->having)) == 0)) {
		last->span.end = gap.span.end;
		return;
	}
	gap.first = f->havingsz;
	gap.havingsz = n;
	f->havingsz += n;
	f->gaps = need(array_room(f->gaps, &f->gapcap, f->gapsz, sizeof(gap)));
	f->gaps[f->gapsz++] = gap;
}

/*
 * Accounts for a span in which no node changes.
 */
static void
span_take(struct fleet *f, const struct voice *voices, struct span span)
{
	enum says here = f->here ? voices[0].says : SAYS_UNKNOWN;
	struct coverage *c;
	struct gap gap = {.span = span};
	size_t i, say[SAYS_COMPLETE + 1] = {0};
	const int64_t length = span.end - span.start;

	for (i = 0; i < f->nodesz; i++) {
		say[voices[i].says]++;
		c = &f->nodes[i].coverage;
		if (voices[i].says == SAYS_LACKS) {
			spans_cover(&c->holes, span.start, span.end);
			c->hole_duration += length;
		} else if (voices[i].says != SAYS_UNKNOWN) {
			c->covered += length;
			f->nodes[i].has += here == SAYS_LACKS ? length : 0;
		}
	}
	if (here == SAYS_INCOMPLETE && say[SAYS_COMPLETE] > 0)
		gap.state = GAP_BETTER;
	else if (here == SAYS_LACKS &&
	    say[SAYS_INCOMPLETE] + say[SAYS_COMPLETE] > 0)
		gap.state = GAP_ELSEWHERE;
	else if (say[SAYS_INCOMPLETE] + say[SAYS_COMPLETE] > 0)
		return;
	else
		gap.state = say[SAYS_UNKNOWN] > 0 ? GAP_UNKNOWN : GAP_LOST;
	gap_add(f, gap, voices);
}

/*
 * Returns whether a lost gap is within the tolerance, and some node has what
 * comes before it and what comes after it.
 */
static bool
is_sliver(const struct fleet *f, const struct gap *gap, int64_t tolerance)
{
	const struct gap *before = gap - 1, *after = gap + 1;

	if (gap->state != GAP_LOST ||
	    gap->span.end - gap->span.start > tolerance ||
	    gap->span.start == f->range.start || gap->span.end == f->range.end)
		return false;
	if (gap > f->gaps && before->state == GAP_UNKNOWN &&
	    before->span.end == gap->span.start)
		return false;
	return after == f->gaps + f->gapsz || after->state != GAP_UNKNOWN ||
	    after->span.start != gap->span.end;
}

/*
 * Drops slivers and adds up the rest.
 */
static void
gaps_sum(struct fleet *f)
{
	struct gap *gap;
	struct span span;
	int64_t length, tolerance = 0;
	size_t i, n = 0;

	for (i = 0; i < f->nodesz; i++)
		if (f->nodes[i].tolerance > tolerance)
			tolerance = f->nodes[i].tolerance;
	f->together.covered = f->range.end - f->range.start;
	for (i = 0; i < f->gapsz; i++) {
		gap = &f->gaps[i];
		if (is_sliver(f, gap, tolerance))
			continue;
		span = gap->span;
		length = span.end - span.start;
		f->tallies[gap->state].count++;
		f->tallies[gap->state].duration += length;
		if (gap->state == GAP_LOST) {
			spans_cover(&f->together.holes, span.start, span.end);
			f->together.hole_duration += length;
		}
		if (gap->state == GAP_LOST || gap->state == GAP_UNKNOWN)
			f->together.covered -= length;
		f->gaps[n++] = *gap;
	}
	f->gapsz = n;
}

static void
fleet_sweep(struct fleet *f)
{
	struct voice *v, *voices = need(calloc(f->nodesz, sizeof(*voices)));
	struct span joined, span = f->range;
	size_t i, at;

	for (v = voices, i = 0; i < f->nodesz; i++, v++) {
		v->node = &f->nodes[i];
		v->until = INT64_MIN;
		at = 0;
		while (v->node->report != NULL &&
		    spans_join(&v->node->report->incomplete, &at,
			i < f->here ? v->node->tolerance : 0, &joined))
			spans_cover(&v->incomplete, joined.start, joined.end);
	}
	for (; span.start < f->range.end; span.start = span.end) {
		span.end = f->range.end;
		for (v = voices; v < voices + f->nodesz; v++) {
			if (v->until <= span.start)
				voice_move(v, span.start);
			if (v->until < span.end)
				span.end = v->until;
		}
		span_take(f, voices, span);
	}
	for (v = voices; v < voices + f->nodesz; v++)
		free(v->incomplete.v);
	free(voices);
	gaps_sum(f);
}

/*
 * Sets the range from the earliest start to the latest end, cut at the window.
 */
static void
fleet_range(const struct options *opt, struct fleet *f)
{
	struct span range = {INT64_MAX, INT64_MIN};
	const struct report *r;
	size_t i;

	for (i = 0; i < f->nodesz; i++) {
		r = f->nodes[i].report;
		if (r == NULL || r->start == TIME_NONE)
			continue;
		if (r->start < range.start)
			range.start = r->start;
		if (r->end > range.end)
			range.end = r->end;
	}
	if (!span_cut(&range, opt->window.start, opt->window.end))
		range = (struct span){TIME_NONE, TIME_NONE};
	f->range = range;
}

static struct fleet_node *
node_named(struct fleet *f, const char *name)
{
	struct fleet_node *node;
	size_t i;

	for (i = f->here; i < f->nodesz; i++)
		if (strcmp(f->nodes[i].name, name) == 0)
			return &f->nodes[i];
	node = &f->nodes[f->nodesz++];
	*node = (struct fleet_node){.name = name, .generated_at = TIME_NONE};
	return node;
}

/*
 * Lists the nodes: this one, unless there is no archive, then one for each name
 * of a peer. A peer may have several files, one for each quality.
 */
static void
fleet_nodes(const struct options *opt, const struct survey *s,
    const struct report *r, struct fleet *f)
{
	const struct peer *peer;
	struct fleet_node *node;

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
		node = node_named(f, peer->name);
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
}

static void
peers_note(const struct options *opt, struct survey *s)
{
	const struct peer *peer;
	char ours[TIME_SIZE], time[TIME_SIZE];

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
}

/*
 * Sets the fleet of every report, if there are peers.
 */
void
fleet_make(const struct options *opt, struct survey *s)
{
	struct report *r;
	size_t i;

	if (s->peersz == 0)
		return;
	peers_note(opt, s);
	for (i = 0; i < s->reportsz; i++) {
		r = &s->reports[i];
		r->fleet = need(calloc(1, sizeof(*r->fleet)));
		fleet_nodes(opt, s, r, r->fleet);
		fleet_range(opt, r->fleet);
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
#define NAME_WIDTH      7 /* of a quality */
#define WORD_WIDTH      13 /* of its verdict */
#define STRIP_END       47 /* columns left of the figures of days and hours */
#define HOLES_LISTED    5
#define SIBLINGS_LISTED 5

/* lines of the text for one quality, for one of more days, for several */
#define LINES_WEEK  22
#define LINES_DAYS  8
#define LINES_YEAR  40
#define LINES_MANY  60
#define LINES_HOURS 3 /* kept for hours */

struct sheet { /* the text on its way out */
	FILE *fp;
	const struct options *opt;
	size_t lines; /* written so far */
	size_t column; /* of the line of remarks being written */
	bool cells; /* some were shown and want a legend */
};

static const struct unit { /* of the tables of days and of hours */
	const char *title;
	const char *worst_title; /* if some are left out */
	const char *scale;
	int name; /* columns of the title */
	int cells;
	size_t worst; /* so many rows at most */
	int64_t length; /* us */
} units[] = {
    {"Days", "Worst days", "00    06    12    18", 12, 24, 15, DAY},
    {"Hours", "Worst hours", "00   10   20   30   40   50", 15, 30, 10, HOUR},
};

struct row { /* of such a table */
	struct span span; /* one unit, or several if they are alike */
	const struct hour *hour; /* the first directory in it, or NULL */
	size_t holes;
	int64_t lost; /* us */
	int64_t incomplete; /* us */
	size_t bad;
	int64_t trouble; /* 0: not worth a line; the worse, the more */
	bool shown;
};

struct rows {
	const struct unit *unit;
	struct span range; /* of the stream, as far as it is reported */
	struct row *v; /* owned */
	size_t n;
	size_t cap;
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
newline(struct sheet *sheet)
{
	putc('\n', sheet->fp);
	sheet->lines++;
}

static void
print_coloured(const struct sheet *sheet, const char *colour, const char *s)
{
	if (sheet->opt->colour && *colour != '\0')
		fprintf(sheet->fp, "%s%s" RESET, colour, s);
	else
		fputs(s, sheet->fp);
}

/*
 * Prints start and end, the end without its date if that is the same.
 */
static void
print_span(const struct sheet *sheet, const struct span *span)
{
	char end[TIME_SIZE], start[TIME_SIZE];
	const char *time;
	size_t digits;

	digits = span->end - span->start < 10 * MILLISECOND ? 6 : 3;
	moment_format(start, span->start, digits);
	moment_format(end, span->end, digits);
	time = strchr(end, 'T') + 1;
	fprintf(sheet->fp, "%s  %s", start,
	    strncmp(start, end, (size_t)(time - end)) == 0 ? time : end);
}

/*
 * Prints one remark of a list, on a new line if it does not fit.
 */
static void __attribute__((format(printf, 3, 4)))
remark(struct sheet *sheet, const char *colour, const char *fmt, ...)
{
	const int indent = 4 + NAME_WIDTH + 1;
	char buf[256];
	va_list ap;
	size_t width;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	width = utf8_length(buf);
	if (sheet->column > 0 && sheet->column + 3 + width > WIDTH) {
		putc(';', sheet->fp);
		newline(sheet);
		sheet->column = 0;
	}
	fprintf(sheet->fp, "%*s", sheet->column > 0 ? 2 : indent,
	    sheet->column > 0 ? "; " : "");
	print_coloured(sheet, colour, buf);
	sheet->column += (sheet->column > 0 ? 2 : (size_t)indent) + width;
}

/*
 * Prints untrusted bytes so that they cannot control the terminal.
 */
static void
print_name(const struct sheet *sheet, const char *name)
{
	char *printable = name_printable(name, sheet->opt->utf8);

	fputs(printable, sheet->fp);
	free(printable);
}

/*
 * Prints a name that begins a line, padded to the width. If it is longer what
 * comes next goes to a line of its own.
 */
static void
print_first(struct sheet *sheet, int indent, const char *name, int width)
{
	char *printable = name_printable(name, sheet->opt->utf8);
	int used = (int)utf8_length(printable);

	fprintf(sheet->fp, "%*s%s%s%s", indent, "",
	    sheet->opt->colour && indent < 4 ? BOLD : "", printable,
	    sheet->opt->colour && indent < 4 ? RESET : "");
	free(printable);
	if (used > width) {
		newline(sheet);
		used = -indent;
	}
	fprintf(sheet->fp, "%*s", width - used, "");
}

/*
 * Prints one right-aligned column: a count, or a duration if time is set.
 */
static void
figure(const struct sheet *sheet, int width, const char *colour, int64_t n,
    bool time)
{
	char buf[TIME_SIZE] = "-";
	int pad;

	if (n > 0 && time)
		duration_format(buf, n);
	else if (n > 0)
		snprintf(buf, sizeof(buf), "%" PRId64, n);
	pad = width - (int)strlen(buf);
	fprintf(sheet->fp, "%*s", pad > 0 ? pad : 1, "");
	print_coloured(sheet, n > 0 ? colour : "", buf);
}

static void
text_errors(struct sheet *sheet, const struct survey *s)
{
	size_t i;

	print_coloured(sheet, RED, s->complete ? "TROUBLE" : "NOT COMPLETE");
	fprintf(sheet->fp, ": %zu error%s; %s", s->errorsz, plural(s->errorsz),
	    s->complete ? "the figures below are complete"
			: "what could not be read is left out below");
	newline(sheet);
	for (i = 0; i < s->errorsz && i < LISTED_MAX; i++) {
		fputs("  ", sheet->fp);
		print_name(sheet, s->errors[i].path);
		fputs(": ", sheet->fp);
		print_name(sheet, s->errors[i].message);
		newline(sheet);
	}
	if (s->errorsz > i) {
		fprintf(sheet->fp, "  and %zu more, all in the JSON",
		    s->errorsz - i);
		newline(sheet);
	}
	newline(sheet);
}

/*
 * Text: the table of qualities
 */

/*
 * Returns the worst that applies to a quality.
 */
static const char *
verdict_find(const struct options *opt, const struct report *r)
{
	const struct coverage *c = coverage_shown(r);
	const bool here = c == &r->raw;

	if (here && r->state == STATE_ABSENT)
		return "ABSENT";
	if ((here && r->state != STATE_READ) || r->unreadable.n > 0)
		return "UNREADABLE";
	if (coverage_ratio(c) < 0 || (here && r->start == TIME_NONE))
		return "NO SEGMENTS";
	if (silence(opt, r) > 0)
		return "STOPPED";
	if (r->fleet != NULL && r->fleet->tallies[GAP_LOST].count > 0)
		return "LOST";
	if (c->holes.n > 0)
		return "HOLES";
	return is_incomplete(r) ? "INCOMPLETE" : "OK";
}

/*
 * Formats millionths as `95.56 %`, rounded down.
 */
static void
percent_format(char buf[TIME_SIZE], int64_t ratio)
{
	int hundredths = (int)(ratio / 100);

	if (hundredths == 0 || hundredths == 10000)
		snprintf(buf, TIME_SIZE, "%d    %%", hundredths / 100);
	else
		snprintf(buf, TIME_SIZE, "%d.%02d %%", hundredths / 100,
		    hundredths % 100);
}

/*
 * Prints the channel's directories behind `intro`; with a survey, in which r
 * is the channel's last quality, only those that it lacks. Returns whether
 * there are any.
 */
static bool
print_siblings(struct sheet *sheet, const char *intro, const struct report *r,
    const struct survey *s)
{
	const char *name;
	size_t i, j, n = 0;

	for (i = 0; r->siblings != NULL && i < r->siblings->n; i++) {
		name = r->siblings->v[i];
		for (j = s == NULL ? 0 : (size_t)(r - s->reports) + 1; j > 0 &&
		     s->reports[j - 1].siblings == r->siblings &&
		     strcmp(s->reports[j - 1].quality, name) != 0;)
			j--;
		if (s != NULL && j > 0 &&
		    s->reports[j - 1].siblings == r->siblings)
			continue;
		fputs(n == 0 ? intro : ", ", sheet->fp);
		print_name(sheet, n < SIBLINGS_LISTED ? name : "...");
		if (n++ == SIBLINGS_LISTED)
			break;
	}
	return n > 0;
}

/*
 * Prints what the figures of a quality do not say, below its row.
 */
static void
text_remarks(struct sheet *sheet, const struct report *r)
{
	const struct counts *c = &r->counts;
	char after[TIME_SIZE], before[TIME_SIZE];
	const struct span *gap;
	size_t i, known = 0, n;

	for (i = 0; i < r->missing.n; i++) {
		gap = &r->missing.v[i];
		hour_format(before, gap->start - HOUR);
		hour_format(after, gap->end);
		if (gap->end - gap->start > YEAR)
			remark(sheet, RED, "%s and %s: more than a year apart",
			    before, after);
	}
	if ((n = spans_hours(&r->unreadable)) > 0)
		remark(sheet, RED, "%zu hour%s unreadable", n, plural(n));
	if ((n = spans_hours(&r->missing)) > 0)
		remark(sheet, RED, "%zu hour%s missing", n, plural(n));
	for (i = 0; i < r->raw.holes.n; i++)
		known += hole_known(sheet->opt, r, &r->raw.holes.v[i]);
	if (known > 0)
		remark(sheet, "", "%zu hole%s (%zu known)", r->raw.holes.n,
		    plural(r->raw.holes.n), known);
	if (c->ahead > 0)
		remark(sheet, YELLOW,
		    "%zu segment%s ahead of the clock, ignored", c->ahead,
		    plural(c->ahead));
	if (c->bad > 0)
		remark(sheet, YELLOW, "%zu bad name%s", c->bad, plural(c->bad));
	if (c->empty > 0)
		remark(sheet, YELLOW, "%zu empty", c->empty);
	if (c->temp > 0 && r->start == TIME_NONE)
		remark(sheet, "", "%zu being downloaded", c->temp);
	duration_format(before, r->editable.hole_duration);
	if (r->editable.hole_duration > 2 * r->raw.hole_duration)
		remark(sheet, "", "editable: %zu hole%s lose%s %s",
		    r->editable.holes.n, plural(r->editable.holes.n),
		    r->editable.holes.n == 1 ? "s" : "", before);
	if (sheet->column > 0)
		newline(sheet);
	sheet->column = 0;
}

/*
 * Prints why a quality has no figures.
 */
static void
text_reason(struct sheet *sheet, const struct report *r)
{
	char at[TIME_SIZE] = "";
	const char *reason = "none at all";

	if (r->state == STATE_ABSENT) {
		if (!print_siblings(sheet, "  (there are: ", r, NULL))
			fputs("  (no such quality", sheet->fp);
		putc(')', sheet->fp);
		return;
	}
	if (r->state == STATE_UNKNOWN)
		reason = "not looked at";
	else if (r->state == STATE_UNREADABLE)
		reason = "could not be listed";
	else if (r->start != TIME_NONE)
		reason = "only segments of no duration";
	else if (r->stream.start != TIME_NONE &&
	    r->stream.start < sheet->opt->window.start) {
		reason = "the last before ended ";
		moment_format(at, r->stream.end, 0);
	} else if (r->stream.start != TIME_NONE) {
		reason = "the first after begins ";
		moment_format(at, r->stream.start, 0);
	}
	fprintf(sheet->fp, "  (%s%s)", reason, at);
}

/*
 * Prints one quality's row of the table.
 */
static void
text_quality(struct sheet *sheet, const struct report *r)
{
	const struct coverage *c = coverage_shown(r);
	const struct span *longest = hole_longest(c);
	const char *verdict = verdict_find(sheet->opt, r);
	char age[TIME_SIZE] = "", buf[2 * TIME_SIZE];

	print_first(sheet, 4, r->quality, NAME_WIDTH);
	putc(' ', sheet->fp);
	if (strcmp(verdict, "STOPPED") == 0)
		age_format(age, silence(sheet->opt, r));
	snprintf(
	    buf, sizeof(buf), "%s%s%s", verdict, *age != '\0' ? " " : "", age);
	print_coloured(sheet,
	    strcmp(verdict, "OK") == 0               ? GREEN
		: strcmp(verdict, "INCOMPLETE") == 0 ? YELLOW
						     : RED,
	    buf);
	fprintf(sheet->fp, "%*s",
	    strlen(buf) < WORD_WIDTH ? WORD_WIDTH - (int)strlen(buf) : 0, "");
	if (coverage_ratio(c) < 0)
		text_reason(sheet, r);
	else {
		percent_format(buf, coverage_ratio(c));
		fprintf(sheet->fp, "%9s", buf);
		figure(sheet, 7, RED, (int64_t)c->holes.n, false);
		figure(sheet, 10, RED, c->hole_duration, true);
		figure(sheet, 10, "",
		    longest == NULL ? 0 : longest->end - longest->start, true);
		figure(sheet, 10, YELLOW, r->counts.incomplete.duration, true);
		if (r->newest != TIME_NONE)
			age_format(age, sheet->opt->now - r->newest);
		fprintf(sheet->fp, "  %s", r->newest != TIME_NONE ? age : "-");
	}
	newline(sheet);
	text_remarks(sheet, r);
}

/*
 * Prints the time that the figures are of: the window, and where it is open
 * from the first segment or to the last.
 */
static void
text_range(struct sheet *sheet, const struct report *reports, size_t reportsz)
{
	char end[TIME_SIZE], start[TIME_SIZE];
	struct span range = {INT64_MAX, INT64_MIN};
	const struct span *window = &sheet->opt->window;
	size_t i;

	for (i = 0; i < reportsz; i++) {
		if (reports[i].start == TIME_NONE)
			continue;
		if (reports[i].start < range.start)
			range.start = reports[i].start;
		if (reports[i].end > range.end)
			range.end = reports[i].end;
	}
	if (window->start != INT64_MIN)
		range.start = window->start;
	if (window->end != INT64_MAX)
		range.end = window->end;
	if (range.start >= range.end)
		return;
	moment_format(start, range.start, 0);
	moment_format(end, range.end, 0);
	fprintf(sheet->fp, "  %s to %s UTC", start, end);
	newline(sheet);
}

static void
text_table(struct sheet *sheet, const struct survey *s,
    const struct report *reports, size_t reportsz)
{
	const struct report *r;
	size_t i;

	for (i = 0; i < reportsz; i++) {
		r = &reports[i];
		if (i == 0 || strcmp(r[-1].channel, r->channel) != 0) {
			print_first(sheet, 2, r->channel,
			    2 + NAME_WIDTH + 1 + WORD_WIDTH);
			fprintf(sheet->fp, "%9s%7s%10s%10s%10s  newest",
			    "covered", "holes", "lost", "longest", "incompl.");
			newline(sheet);
		}
		text_quality(sheet, r);
		if (i + 1 < reportsz && strcmp(r[1].channel, r->channel) == 0)
			continue;
		if (print_siblings(sheet, "    not asked for: ", r, s))
			newline(sheet);
	}
	text_range(sheet, reports, reportsz);
}

/*
 * Text: days and hours
 */

/*
 * Returns whether more than 1 % of a span is incomplete.
 */
static bool
is_much(int64_t incomplete, const struct span *span)
{
	return incomplete > (span->end - span->start) / 100;
}

/*
 * Fills in a row, taking its directories from *next on.
 */
static void
row_fill(struct row *row, const struct rows *rows, const struct report *r,
    size_t *next)
{
	struct span part = row->span;
	int64_t unreadable;

	row->holes = spans_within(&r->raw.holes, &row->span, &row->lost);
	for (; *next < r->hoursz && r->hours[*next].time < row->span.end;
	     (*next)++) {
		if (row->hour == NULL)
			row->hour = &r->hours[*next];
		row->incomplete += r->hours[*next].counts.incomplete.duration;
		row->bad += r->hours[*next].counts.bad;
	}
	if (!span_cut(&part, rows->range.start, rows->range.end))
		part = row->span;
	if (spans_within(&r->unreadable, &row->span, &unreadable) > 0)
		row->trouble = INT64_MAX;
	else if (row->holes > 0)
		row->trouble = row->lost + DAY;
	else if (is_much(row->incomplete, &part))
		row->trouble = row->incomplete;
}

/*
 * Adds a row. Days without trouble that follow each other become one row
 * unless all are asked for.
 */
static void
row_add(struct rows *rows, const struct row *row, bool all)
{
	struct row *last = rows->n > 0 ? &rows->v[rows->n - 1] : NULL;

	if (rows->unit->length == DAY && !all && last != NULL &&
	    last->trouble == 0 && row->trouble == 0) {
		last->span.end = row->span.end;
		last->incomplete += row->incomplete;
		last->bad += row->bad;
		return;
	}
	rows->v = need(array_room(rows->v, &rows->cap, rows->n, sizeof(*row)));
	rows->v[rows->n++] = *row;
}

static int64_t
time_floor(int64_t t, int64_t unit)
{
	return t - (t % unit + unit) % unit;
}

/*
 * Makes a row for each day or hour that has a directory, and one for all the
 * time between two such.
 */
static void
rows_make(struct rows *rows, const struct options *opt, const struct report *r)
{
	const int64_t length = rows->unit->length;
	const struct spans *holes = &r->raw.holes;
	struct row row;
	struct span time = r->stream;
	int64_t until;
	size_t next = 0;

	/* holes reach beyond segments to an unreadable hour, or --expect */
	if (holes->n > 0 &&
	    (time.start == TIME_NONE || holes->v[0].start < time.start))
		time.start = holes->v[0].start;
	if (holes->n > 0 && holes->v[holes->n - 1].end > time.end)
		time.end = holes->v[holes->n - 1].end;
	if (!span_cut(&time, opt->window.start, opt->window.end))
		time = (struct span){INT64_MAX, INT64_MIN};
	rows->range = time;
	if (r->hoursz > 0) {
		until = r->hours[r->hoursz - 1].time + HOUR;
		if (r->hours[0].time < time.start)
			time.start = r->hours[0].time;
		if (time.end < until)
			time.end = until;
	}
	while (time.start < time.end) {
		time.start = time_floor(time.start, length);
		until = time_floor(next < r->hoursz ? r->hours[next].time
						    : time.end + length - 1,
		    length);
		if (until <= time.start)
			until = time.start + length;
		row = (struct row){.span = {time.start, until}};
		row_fill(&row, rows, r, &next);
		row_add(rows, &row, opt->all_hours);
		time.start = until;
	}
}

/*
 * Marks the worst rows as shown, at most max of them.
 */
static void
rows_choose(struct rows *rows, size_t max)
{
	struct row *row, *worst;
	size_t i;

	for (i = 0; i < rows->n; i++)
		rows->v[i].shown = max >= rows->n;
	for (; max > 0 && max < rows->n; max--) {
		worst = NULL;
		for (i = 0; i < rows->n; i++) {
			row = &rows->v[i];
			if (!row->shown &&
			    (worst == NULL || row->trouble > worst->trouble))
				worst = row;
		}
		if (worst != NULL)
			worst->shown = true;
	}
}

/*
 * Returns what shows the covered part of a cell, rounded down, and sets its
 * colour.
 */
static const char *
cell_glyph(const struct sheet *sheet, const struct report *r,
    const struct span *cell, const char **colour)
{
	static const char *const blocks[] = {" ", "\u2581", "\u2582", "\u2583",
	    "\u2584", "\u2585", "\u2586", "\u2587"};
	static const char *const digits[] = {
	    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
	const bool drawn = sheet->opt->utf8 && sheet->opt->colour;
	const int64_t length = cell->end - cell->start;
	int64_t incomplete, lost;

	if (spans_within(&r->raw.holes, cell, &lost) > 0) {
		*colour = ON_RED;
		return drawn ? blocks[(length - lost) * 8 / length]
			     : digits[(length - lost) * 10 / length];
	}
	spans_within(&r->incomplete, cell, &incomplete);
	if (is_much(incomplete, cell)) {
		*colour = YELLOW;
		return drawn ? "\u2588" : "+";
	}
	*colour = drawn ? BLUE : "";
	return drawn ? "\u2588" : "#";
}

/*
 * Draws the cells of one day or hour.
 */
static void
text_cells(struct sheet *sheet, const struct report *r, const struct rows *rows,
    const struct row *row)
{
	const int64_t width = rows->unit->length / rows->unit->cells;
	const char *colour = "", *glyph, *wanted;
	struct span cell;
	int64_t t, unreadable;

	for (t = row->span.start; t < row->span.end; t += width) {
		cell = (struct span){t, t + width};
		wanted = "";
		glyph = " ";
		if (spans_within(&r->unreadable, &cell, &unreadable) > 0)
			glyph = "?";
		else if (span_cut(&cell, rows->range.start, rows->range.end))
			glyph = cell_glyph(sheet, r, &cell, &wanted);
		if (sheet->opt->colour && strcmp(colour, wanted) != 0)
			fprintf(sheet->fp, "%s%s", *colour != '\0' ? RESET : "",
			    wanted);
		colour = wanted;
		fputs(glyph, sheet->fp);
	}
	if (sheet->opt->colour && *colour != '\0')
		fputs(RESET, sheet->fp);
	sheet->cells = true;
}

/*
 * Prints one line of days or hours.
 */
static void
text_row(struct sheet *sheet, const struct report *r, const struct rows *rows,
    const struct row *row)
{
	const struct unit *unit = rows->unit;
	const int digits = unit->length == DAY ? 10 : 13;
	const bool several = row->span.end - row->span.start > unit->length;
	const char *word = row->trouble == 0 ? "whole" : "MISSING";
	char name[TIME_SIZE];
	int used = 2 + unit->name;

	hour_format(name, row->span.start);
	fprintf(sheet->fp, "  %-*.*s", unit->name, digits, name);
	if (!several && row->hour != NULL) {
		text_cells(sheet, r, rows, row);
		used += unit->cells;
	} else {
		hour_format(name, row->span.end - unit->length);
		if (several)
			used += fprintf(
			    sheet->fp, "to %-*.*s", unit->name, digits, name);
		print_coloured(sheet, row->trouble == 0 ? "" : RED, word);
		used += (int)strlen(word);
	}
	fprintf(sheet->fp, "%*s", used < STRIP_END ? STRIP_END - used : 0, "");
	if (row->hour != NULL && !several && unit->length == HOUR &&
	    !row->hour->readable)
		print_coloured(sheet, RED, "  UNREADABLE");
	else {
		figure(sheet, 7, RED, (int64_t)row->holes, false);
		figure(sheet, 10, RED, row->lost, true);
		figure(sheet, 10, YELLOW, row->incomplete, true);
		figure(sheet, 6, YELLOW, (int64_t)row->bad, false);
	}
	newline(sheet);
}

/*
 * Prints counts and durations of the hour's segments or overlaps.
 */
static void
text_tallies(struct sheet *sheet, const char *name,
    const struct tally tallies[SEGMENT_TYPES])
{
	char duration[TIME_SIZE];
	size_t i;

	fprintf(sheet->fp, "    %s", name);
	for (i = 0; i < SEGMENT_TYPES; i++) {
		duration_format(duration, tallies[i].duration);
		fprintf(sheet->fp, "  %s%5zu %8s", type_names[i],
		    tallies[i].count, duration);
	}
	newline(sheet);
}

/*
 * Prints everything that the Python logged of an hour.
 */
static void
text_everything(struct sheet *sheet, const struct hour *h)
{
	char end[TIME_SIZE] = "-", start[TIME_SIZE] = "-";
	char editable[TIME_SIZE], raw[TIME_SIZE];

	if (h->start != TIME_NONE) {
		moment_format(start, h->start, 6);
		moment_format(end, h->end, 6);
	}
	fprintf(sheet->fp, "    %s  %s  temp %zu, tombstoned %zu", start, end,
	    h->counts.temp, h->counts.tombstoned);
	newline(sheet);
	text_tallies(sheet, "segments", h->counts.segments);
	text_tallies(sheet, "overlaps", h->counts.overlaps);
	duration_format(raw, h->raw.covered);
	duration_format(editable, h->editable.covered);
	fprintf(sheet->fp, "    coverage  raw %s, %zu hole%s  editable %s", raw,
	    h->raw.holesz, plural(h->raw.holesz), editable);
	duration_format(editable, h->editable.hole_duration);
	fprintf(sheet->fp, ", %zu hole%s, %s", h->editable.holesz,
	    plural(h->editable.holesz), editable);
	newline(sheet);
}

/*
 * Prints the table of a quality's days, if there are several, or of its hours:
 * those with trouble, in at most so many lines, or all that there are.
 */
static void
text_rows(struct sheet *sheet, const struct report *r, const struct unit *unit,
    size_t lines)
{
	const bool all = sheet->opt->all_hours, days = unit->length == DAY;
	struct rows rows = {.unit = unit};
	size_t i, max, troubled = 0;

	rows_make(&rows, sheet->opt, r);
	if (days && rows.n < 2)
		lines = 0;
	for (i = 0; i < rows.n; i++)
		troubled += rows.v[i].trouble > 0;
	if (lines < 2 || (troubled == 0 && !all))
		goto out;
	max = days || all ? rows.n : troubled;
	if (max > unit->worst && !all)
		max = unit->worst;
	if (max > lines - 1)
		max = lines - 1;
	rows_choose(&rows, max);
	fprintf(sheet->fp, "  %-*s%-*s%7s%10s%10s%6s", unit->name,
	    max < (days || all ? rows.n : troubled) ? unit->worst_title
						    : unit->title,
	    STRIP_END - 2 - unit->name, unit->scale, "holes", "lost",
	    "incompl.", "bad");
	newline(sheet);
	for (i = 0; i < rows.n; i++) {
		if (!rows.v[i].shown)
			continue;
		text_row(sheet, r, &rows, &rows.v[i]);
		if (all && !days && rows.v[i].hour != NULL &&
		    rows.v[i].hour->readable)
			text_everything(sheet, rows.v[i].hour);
	}
out:
	free(rows.v);
}

/*
 * Text: what is said of a quality that is not OK
 */

static bool
is_detailed(const struct options *opt, const struct report *r)
{
	return opt->all_hours || r->fleet != NULL || r->unreadable.n > 0 ||
	    r->raw.holes.n > 0 || is_incomplete(r);
}

/*
 * Prints the title, and the longest holes that are not known, or all holes;
 * with peers text_fleet() has them.
 */
static void
text_holes(struct sheet *sheet, const struct report *r)
{
	const struct options *opt = sheet->opt;
	const struct span *hole;
	struct pick pick;
	char duration[TIME_SIZE];
	const char *state;
	size_t i, n;

	holes_pick(&pick, opt, r, GAP_LOST, HOLES_LISTED, false);
	n = opt->all_hours ? r->raw.holes.n : r->fleet != NULL ? 0 : pick.n;
	newline(sheet);
	fputs(opt->colour ? "  " BOLD : "  ", sheet->fp);
	print_name(sheet, r->channel);
	putc('/', sheet->fp);
	print_name(sheet, r->quality);
	fputs(opt->colour ? RESET : "", sheet->fp);
	if (n > 0)
		fprintf(sheet->fp, ": hole%s%s", plural(n),
		    n == 1 || opt->all_hours ? "" : ", longest first");
	if (n > 0 && n < r->raw.holes.n)
		fprintf(sheet->fp, " (%zu of %zu; all: -f holes)", n,
		    r->raw.holes.n);
	newline(sheet);
	for (i = 0; i < n; i++) {
		hole = opt->all_hours ? &r->raw.holes.v[i] : &pick.top[i].span;
		duration_format(duration, hole->end - hole->start);
		fprintf(sheet->fp, "%12s  ", duration);
		print_span(sheet, hole);
		state = hole_state(opt, r, hole);
		if (strcmp(state, "hole") != 0)
			fprintf(sheet->fp, "  %s", state);
		newline(sheet);
	}
}

/*
 * Prints holes, days and hours of a quality in about so many lines, or all of
 * them with --all-hours. What all nodes have is never left out.
 */
static void
text_details(struct sheet *sheet, const struct report *r, size_t lines)
{
	const size_t end =
	    sheet->opt->all_hours ? SIZE_MAX : sheet->lines + lines;

	text_holes(sheet, r);
	text_fleet(sheet, r);
	if (end > sheet->lines + LINES_HOURS)
		text_rows(
		    sheet, r, &units[0], end - sheet->lines - LINES_HOURS);
	if (end > sheet->lines)
		text_rows(sheet, r, &units[1], end - sheet->lines);
}

static void
text_legend(struct sheet *sheet)
{
	const bool drawn = sheet->opt->utf8 && sheet->opt->colour;

	fputs("  ", sheet->fp);
	print_coloured(sheet, drawn ? BLUE : "", drawn ? "\u2588" : "#");
	fputs(" whole, ", sheet->fp);
	print_coloured(sheet, ON_RED, drawn ? "\u2581" : "0");
	fputs(" to ", sheet->fp);
	print_coloured(sheet, ON_RED, drawn ? "\u2587" : "9");
	fputs(drawn ? " in part, " : " tenths of it, ", sheet->fp);
	print_coloured(sheet, YELLOW, drawn ? "\u2588" : "+");
	fputs(" incomplete, ? unreadable, blank: no stream", sheet->fp);
	newline(sheet);
}

/*
 * Writes the text in proportion: the table of all qualities first, then of
 * those that are not OK what fits on a screen or two.
 */
int
report_text(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	struct sheet sheet = {.fp = fp, .opt = opt};
	const struct report *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	size_t detailed = 0, i, lines, used;

	if (s->errorsz > 0)
		text_errors(&sheet, s);
	sheet.lines = 0; /* errors leave the rest its room */
	text_table(&sheet, s, reports, reportsz);
	for (i = 0; i < reportsz; i++)
		detailed += is_detailed(opt, &reports[i]);
	used = sheet.lines + 1 + s->notes.n;
	for (i = 0; i < reportsz; i++) {
		if (!is_detailed(opt, &reports[i]))
			continue;
		lines = reportsz > 1 ? LINES_MANY
		    : reports->end - reports->start > LINES_DAYS * DAY
		    ? LINES_YEAR
		    : LINES_WEEK;
		lines = lines > used ? (lines - used) / detailed : 0;
		text_details(&sheet, &reports[i], lines);
	}
	if (sheet.cells)
		text_legend(&sheet);
	for (i = 0; i < s->notes.n; i++) {
		fputs("  ", fp);
		print_name(&sheet, s->notes.v[i]);
		newline(&sheet);
	}
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

/*
 * The fleet: shown
 */

#define NODES_WIDE 11 /* columns of nodes' names beside their figures */

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
 * Prints the age of a node's newest segment, or how long before its report the
 * stream stopped.
 */
static void
text_newest(struct sheet *sheet, const struct fleet_node *node, int width)
{
	const int64_t newest = node->report->newest;
	char age[TIME_SIZE], text[2 * TIME_SIZE] = "no segments";
	int64_t seen = node->generated_at;
	bool stopped = false;

	if (seen > node->window.end)
		seen = node->window.end;
	if (newest != TIME_NONE) {
		stopped = seen - newest > STOPPED;
		age_format(age, (stopped ? seen : sheet->opt->now) - newest);
		snprintf(
		    text, sizeof(text), stopped ? "STOPPED %s" : "%s old", age);
	}
	print_coloured(sheet, stopped ? RED : "", text);
	if (width > (int)strlen(text))
		fprintf(sheet->fp, "%*s", width - (int)strlen(text), "");
}

/*
 * Prints the figures of a node, or of all together.
 */
static void
text_figures(struct sheet *sheet, const char *name, const struct coverage *c)
{
	const int64_t ratio = coverage_ratio(c);
	char buf[TIME_SIZE] = "-";

	if (ratio >= 0)
		percent_format(buf, ratio);
	print_first(sheet, 2, name, NODES_WIDE);
	fprintf(sheet->fp, "%9s", buf);
	figure(sheet, 7, RED, (int64_t)c->holes.n, false);
	figure(sheet, 10, RED, c->hole_duration, true);
}

static void
text_node(
    struct sheet *sheet, const struct fleet *f, const struct fleet_node *node)
{
	const bool here = f->here && node == f->nodes;
	int64_t age;
	char buf[TIME_SIZE];

	if (node->report == NULL) {
		print_first(sheet, 2, node->name, NODES_WIDE);
		fprintf(sheet->fp, "%7s%*s", "?", here ? 0 : 50, "");
	} else {
		text_figures(sheet, node->name, &node->coverage);
		figure(sheet, 13, "", node->has, true);
		fputs("  ", sheet->fp);
		text_newest(sheet, node, here ? 0 : 16);
	}
	if (node->generated_at == TIME_NONE)
		print_coloured(sheet, RED, "unusable");
	else if (!here) {
		age = sheet->opt->now - node->generated_at;
		age_format(buf, age < 0 ? -age : age);
		fprintf(sheet->fp, "%s %s", buf, age < 0 ? "ahead" : "old");
	}
	newline(sheet);
}

/*
 * Prints the longest gaps of a state that are not known, at most max.
 */
static void
text_gaps(struct sheet *sheet, const struct report *r, enum gap_state state,
    const char *title, size_t max)
{
	const size_t count = r->fleet->tallies[state].count;
	const struct gap *gap;
	struct pick pick;
	char duration[TIME_SIZE];
	size_t i;

	if (count == 0)
		return;
	holes_pick(&pick, sheet->opt, r, state, max, false);
	fprintf(sheet->fp, "  %s", title);
	if (pick.n > 1)
		fputs(", longest first", sheet->fp);
	if (pick.n < pick.count)
		fprintf(sheet->fp, " (%zu of %zu; all: -f holes)", pick.n,
		    pick.count);
	if (pick.count < count)
		fprintf(sheet->fp, " (%zu known)", count - pick.count);
	newline(sheet);
	for (i = 0; i < pick.n; i++) {
		gap = &pick.top[i];
		duration_format(duration, gap->span.end - gap->span.start);
		fprintf(sheet->fp, "%12s  ", duration);
		print_span(sheet, &gap->span);
		fputs(gap->havingsz > 0 ? "  " : "", sheet->fp);
		print_having(sheet->fp, r->fleet, gap, sheet->opt->utf8, ", ",
		    WIDTH - 14 - 37 - 2);
		newline(sheet);
	}
}

/*
 * Prints the table of nodes, what no node has, and who has what this one lacks.
 */
static void
text_fleet(struct sheet *sheet, const struct report *r)
{
	const struct fleet *f = r->fleet;
	char buf[TIME_SIZE];
	size_t i;

	if (f == NULL)
		return;
	fprintf(sheet->fp, "  %-*s%9s%7s%10s%13s  %-14s  report", NODES_WIDE,
	    "Node", "covered", "holes", "lost", "has of ours",
	    "newest segment");
	newline(sheet);
	for (i = 0; i < f->nodesz; i++)
		text_node(sheet, f, &f->nodes[i]);
	text_figures(sheet, "together", &f->together);
	newline(sheet);
	if (f->tallies[GAP_UNKNOWN].count > 0) {
		fprintf(sheet->fp, "  %-*s%16zu", NODES_WIDE, "unknown",
		    f->tallies[GAP_UNKNOWN].count);
		figure(
		    sheet, 10, YELLOW, f->tallies[GAP_UNKNOWN].duration, true);
		newline(sheet);
	}
	if (f->gapsz > f->tallies[GAP_UNKNOWN].count)
		newline(sheet);
	text_gaps(sheet, r, GAP_LOST, "LOST: no node has it", LISTED_MAX);
	text_gaps(sheet, r, GAP_ELSEWHERE, "Elsewhere", HOLES_LISTED);
	if (f->tallies[GAP_BETTER].count > 0) {
		duration_format(buf, f->tallies[GAP_BETTER].duration);
		fprintf(sheet->fp, "  Incomplete here, complete elsewhere: %s",
		    buf);
		newline(sheet);
	}
}
