/*
 * What is read: the text for people, JSON, and metrics for Prometheus.
 *
 * Every emitter writes const results to a FILE and fails where that does.
 * Seconds are printed from integer microseconds, never from a double.
 */
#include <cjson/cJSON.h>
#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "segparse.h"

#define MILLISECOND (SECOND / 1000)
#define WIDTH       80 /* columns of the text */
#define STOPPED     (2 * MINUTE) /* without a segment: the stream has */
#define LISTED_MAX  10 /* holes, or errors, listed in text */
#define CELLS       30 /* of an hour's strip */
#define CELL        (HOUR / CELLS)

/* what is counted of a quality; an hour's metrics have the first four, and
   of durations and overlaps there are those of enum segment_type */
#define HOUR_TYPES    4
#define QUALITY_TYPES 6

static const char *const type_names[QUALITY_TYPES] = {
    "full", "suspect", "partial", "bad", "temp", "tombstoned"};

/*
 * What all reports are made of
 */

static void *
allocate(size_t size)
{
	return need(malloc(size));
}

/*
 * The covered part of all that should be covered, in millionths, rounded
 * down: 1,000,000 means no hole. -1 where there is nothing to cover.
 *
 * Digit by digit, since a million times the microseconds of some months is
 * more than an int64_t holds.
 */
int64_t
coverage_ratio(const struct coverage *c)
{
	int64_t ratio, rest, whole = c->covered + c->hole_duration;
	int digit;

	if (whole <= 0)
		return -1;
	ratio = c->covered / whole;
	rest = c->covered % whole;
	for (digit = 0; digit < 6; digit++) {
		rest *= 10;
		ratio = ratio * 10 + rest / whole;
		rest %= whole;
	}
	return ratio;
}

/*
 * Returns whether the whole stream lies before the window, and has ended.
 */
static bool
ended_before(const struct options *opt, const struct report *r)
{
	return r->start == TIME_NONE && r->raw.holes.n == 0 &&
	    r->stream.start != TIME_NONE &&
	    r->stream.start < opt->window.start && r->stream.end <= opt->now &&
	    r->stream.end <= opt->window.end;
}

/*
 * Returns whether no unreadable hour can hold anything newer than `end`.
 */
static bool
end_known(const struct report *r, int64_t end)
{
	const struct spans *spans = &r->unreadable;

	return spans->n == 0 || spans->v[spans->n - 1].end <= end;
}

/*
 * The longest hole, of several the earliest; NULL without any.
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
 * Returns whether --known accepts the hole: it lies within a known span, give
 * or take the tolerance.
 */
static bool
hole_known(
    const struct options *opt, const struct report *r, const struct span *hole)
{
	const struct span *known = r->known.v;
	size_t from = 0, middle, to = r->known.n;

	/* find the last one that starts no later */
	while (from < to) {
		middle = from + (to - from) / 2;
		if (known[middle].start - opt->tolerance <= hole->start)
			from = middle + 1;
		else
			to = middle;
	}
	return from > 0 && hole->end <= known[from - 1].end + opt->tolerance;
}

/*
 * Returns whether a hole began so recently that it may still be filled, as
 * segments arrive out of order. One that starts with the window began before.
 */
static bool
hole_settling(const struct options *opt, const struct span *hole)
{
	return hole->start > opt->now - opt->settle &&
	    hole->start != opt->window.start;
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

static void
json_value(FILE *fp, char type, int64_t us)
{
	char buf[TIME_SIZE];

	if (us == TIME_NONE)
		fputs("null", fp);
	else if (type == 's') {
		seconds_format(buf, us);
		fputs(buf, fp);
	} else {
		(type == 'h' ? hour_format : time_format)(buf, us);
		putc('"', fp);
		fputs(buf, fp);
		putc('"', fp);
	}
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
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt == '\'')
			putc('"', fp);
		else if (*fmt != '%')
			putc(*fmt, fp);
		else if (*++fmt == 'b')
			fputs(va_arg(ap, int) ? "true" : "false", fp);
		else if (*fmt == 't')
			json_text(fp, va_arg(ap, const char *));
		else if (*fmt == 'n')
			json_value(
			    fp, 's', (int64_t)va_arg(ap, size_t) * SECOND);
		else
			json_value(fp, *fmt, va_arg(ap, int64_t));
	}
	va_end(ap);
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

	json(fp, ",%t:{'count':%n,'ranges':[", key, spans_hours(hours));
	for (range = hours->v; range < hours->v + hours->n; range++) {
		fputs(range > hours->v ? "," : "", fp);
		json(fp, "{'first':%h,'last':%h,'count':%n}", range->start,
		    range->end - HOUR,
		    (size_t)((range->end - range->start) / HOUR));
	}
	fputs("]}", fp);
}

static void
json_gaps(
    FILE *fp, const struct fleet *f, const char *key, enum gap_state state)
{
	const struct gap *gap;
	const char *comma = "";
	size_t i;

	json(fp, ",%t:{'count':%n,'duration':%s,'spans':[", key,
	    f->tallies[state].count, f->tallies[state].duration);
	for (gap = f->gaps; gap < f->gaps + f->gapsz; gap++) {
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
json_node(FILE *fp, const struct fleet_node *node, int64_t now, bool here)
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
	    c->holes.n, c->hole_duration, here ? TIME_NONE : node->has);
	json(fp, ",'horizon':%i}", node->horizon);
}

static void
json_fleet(FILE *fp, const struct options *opt, const struct fleet *f)
{
	static const struct {
		const char *key;
		enum gap_state state;
	} gaps[] = {{"lost", GAP_LOST}, {"elsewhere", GAP_ELSEWHERE},
	    {"better", GAP_BETTER}, {"unknown", GAP_UNKNOWN}};
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
	for (i = 0; i < LENGTH(gaps); i++)
		json_gaps(fp, f, gaps[i].key, gaps[i].state);
	json(fp, ",'nodes':[");
	for (i = 0; i < f->nodesz; i++) {
		fputs(i > 0 ? "," : "", fp);
		json_node(fp, &f->nodes[i], opt->now, i < f->here);
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

	json(fp, ",'peers':[");
	for (peer = s->peers; peer < s->peers + s->peersz; peer++) {
		json(fp, peer > s->peers ? ",\n{" : "\n{");
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
 * The fleet: what other nodes' reports say, and what follows from all of them
 *
 * The program calls, in this order:
 *	peer_parse	for one file after the other: it compares with those
 *			before it. peers[n].message is to be printed behind
 *			NAME=FILE; the peer stays in the array
 *	fleet_reports	without CHANNEL, in place of the walk
 *	fleet_make	before any output
 *	fleet_free	for each report, then peers_free
 *
 * The other sections call:
 *	text_fleet(sheet, r)		table, LOST and Elsewhere
 *	metrics_fleet(fp, reports, n)	all families; nothing without peers
 *	holes_fleet(fp, opt, r)		lines of -f holes, if r->fleet
 *	check_fleet(fp, opt, r)		findings in place of those of holes,
 *					if r->fleet; whether there are any
 */

#define PEER_DEPTH  64
#define PEER_VALUES 4000000 /* of 100 bytes each, while it is read */

/*
 * Keeps what is wrong with a peer's report. Returns -1, as all readers then do.
 */
static int __attribute__((format(printf, 2, 3)))
broken(struct peer *peer, const char *fmt, ...)
{
	char *outer = peer->message;
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vasprintf(&peer->message, fmt, ap);
	va_end(ap);
	if (length < 0)
		errx(EXIT_TROUBLE, "out of memory");
	free(outer);
	return -1;
}

/*
 * Says where in the report the part is that the message is about.
 */
static int
broken_in(struct peer *peer, const char *array, size_t i)
{
	return broken(peer, "%s[%zu]: %s", array, i, peer->message);
}

/*
 * Rejects what is no JSON, or not safe to be read as such: cJSON calls itself
 * for each level, and allocates for each value.
 */
static int
bytes_judge(struct peer *peer, const char *text, size_t size)
{
	const char *s = text + strspn(text, " \t\r\n");
	size_t depth = 0, values = 0;
	bool quoted = false;

	if (strlen(text) < size)
		return broken(peer, "not JSON: it has a NUL byte");
	if (*s == '\0')
		return broken(peer, "it is empty");
	if (*s == '<')
		return broken(peer, "HTML, not JSON");
	for (; *s != '\0'; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (quoted)
			s += *s == '\\' && s[1] != '\0';
		else if (*s == '[' || *s == '{')
			depth++;
		else if ((*s == ']' || *s == '}') && depth > 0)
			depth--;
		values += !quoted && strchr("[{,", *s) != NULL;
		if (depth > PEER_DEPTH)
			return broken(
			    peer, "JSON nested deeper than %d", PEER_DEPTH);
		if (values > PEER_VALUES)
			return broken(
			    peer, "JSON of more than %d values", PEER_VALUES);
	}
	return quoted || depth > 0 ? broken(peer, "truncated JSON") : 0;
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
 * Reads an array of spans whose ends have these two keys. An end counts from
 * `length` us after what is written: an hour's name is where it starts.
 */
static int
spans_read(struct peer *peer, const cJSON *array, const char *name,
    const char *const keys[2], int64_t length, struct spans *spans)
{
	const cJSON *item;
	struct span span;
	size_t i = 0;

	if (!cJSON_IsArray(array))
		return broken(peer, "no array %s", name);
	cJSON_ArrayForEach(item, array)
	{
		if (span_read(peer, item, keys, &span) != 0)
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
 * Reads the hours that the node could not read. A report of version 1.0 says
 * so of each hour only.
 */
static int
unreadable_read(struct peer *peer, const cJSON *object, struct spans *spans)
{
	static const char *const keys[] = {"first", "last"};
	const cJSON *item, *unreadable = member(object, "unreadable_hours");
	int64_t hour;

	if (unreadable != NULL)
		return spans_read(peer, member(unreadable, "ranges"),
		    "unreadable_hours.ranges", keys, HOUR, spans);
	cJSON_ArrayForEach(item, member(object, "hours"))
	{
		if (!cJSON_IsFalse(member(item, "readable")))
			continue;
		hour = TIME_NONE;
		if (instant_read(peer, item, "hour", &hour) != 0)
			return -1;
		if (hour != TIME_NONE)
			spans_add(spans, hour, hour + HOUR);
	}
	spans_sort(spans);
	return 0;
}

/*
 * Reads one quality. The report of a node that could not read everything and
 * names no segment of it says nothing: its state is then STATE_UNREADABLE.
 */
static int
quality_read(
    struct peer *peer, const cJSON *object, bool complete, struct report *r)
{
	static const char *const keys[] = {"start", "end"};
	const cJSON *channel = member(object, "channel");
	const cJSON *quality = member(object, "quality");
	const cJSON *found = member(object, "found");

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
	    unreadable_read(peer, object, &r->unreadable) != 0)
		return -1;
	if ((r->start == TIME_NONE) != (r->end == TIME_NONE))
		return broken(peer, "only one of start and end is null");
	if (r->end < r->start)
		return broken(peer, "end is before start");
	r->newest = r->end;
	if (!complete && r->start == TIME_NONE)
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
	const cJSON *item;
	struct report *r;
	size_t cap = 0, i;

	if (!cJSON_IsArray(array))
		return broken(peer, "no array reports");
	cJSON_ArrayForEach(item, array)
	{
		peer->reports = need(array_room(
		    peer->reports, &cap, peer->reportsz, sizeof(*r)));
		r = &peer->reports[peer->reportsz++];
		*r = (struct report){.channel = NULL};
		if (quality_read(peer, item, complete, r) != 0)
			return broken_in(peer, "reports", peer->reportsz - 1);
	}
	if (peer->reportsz == 0)
		return 0;
	qsort(peer->reports, peer->reportsz, sizeof(*r), quality_compare);
	for (i = 1; i < peer->reportsz; i++) {
		r = &peer->reports[i];
		if (quality_compare(r - 1, r) == 0)
			return broken(peer, "%s/%s is in it twice", r->channel,
			    r->quality);
	}
	return 0;
}

/*
 * Reads what stands before the reports, then these.
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
	struct report *r = peer->reports;

	for (; r < peer->reports + peer->reportsz; r++) {
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

/*
 * Rejects a quality that an earlier file of the same node has, too.
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
				return broken(peer, "%s/%s is in %s, too",
				    r->channel, r->quality, earlier->file);
		}
	}
	return 0;
}

/*
 * Reads the report of peers[n], which has its name and file. The text ends
 * with a NUL that is not counted in its size. Returns -1 if it cannot be used;
 * its message then says why. Those before it have been read.
 */
int
peer_parse(struct peer *peers, size_t n, const char *text, size_t size)
{
	cJSON_Hooks hooks = {allocate, free};
	struct peer *peer = &peers[n];
	cJSON *root;
	int result;

	cJSON_InitHooks(&hooks);
	peer->generated_at = TIME_NONE;
	peer->window = (struct span){INT64_MIN, INT64_MAX};
	if (bytes_judge(peer, text, size) != 0)
		return -1;
	if ((root = cJSON_ParseWithOpts(text, NULL, true)) == NULL)
		result = broken(peer, "not JSON from byte %td on",
		    cJSON_GetErrorPtr() - text);
	else
		result = root_read(peer, root);
	cJSON_Delete(root);
	if (result != 0 || (result = peer_compare(peers, peer)) != 0) {
		reports_drop(peer);
		peer->generated_at = TIME_NONE;
	}
	return result;
}

/*
 * Frees the array, too. May be NULL.
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
 * Makes a report of each quality that a peer reports, with nothing of this
 * node. Their names stay the peers'.
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
 * The sweep: from one instant at which any node changes to the next
 */

enum says { /* of an instant, the better the higher */
	SAYS_UNKNOWN,
	SAYS_LACKS,
	SAYS_INCOMPLETE,
	SAYS_COMPLETE
};

struct voice { /* of a node during the sweep */
	const struct fleet_node *node;
	struct spans incomplete; /* owned */
	size_t hole; /* first of each that ends later */
	size_t incomplete_at;
	size_t unreadable;
	enum says says;
	int64_t until; /* when it may say something else */
};

/*
 * Returns whether t is in one of the spans. *at is the first that does not end
 * before; *until is moved to where that changes, if that is earlier.
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
 * Moves a node to t, no earlier than before.
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
 * Adds the indices of peers that say so to those that have the next gap.
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
 * Adds a gap, or makes the last one longer if it is of the same state and the
 * same nodes have it.
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
 * Takes what all nodes say of a span, to each node's own account first.
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
			spans_add(&c->holes, span.start, span.end);
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
 * Returns whether a lost gap lies between two instants that somebody has, and
 * is too short to tell: one of the nodes takes no notice of such.
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
 * Drops what is too short to be lost, and sums up.
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
			spans_add(&f->together.holes, span.start, span.end);
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
			spans_add(&v->incomplete, joined.start, joined.end);
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
 * Lists the nodes: this one, if it was asked about its own archive, and one
 * for each name of a peer, which may have a file for each quality.
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
		    .tolerance = opt->tolerance};
	for (peer = s->peers; peer < s->peers + s->peersz; peer++) {
		node = node_named(f, peer->name);
		if (peer->generated_at == TIME_NONE || node->report != NULL)
			continue;
		node->peer = peer;
		node->report = peer_report(peer, r);
		node->window = peer->window;
		node->generated_at = peer->generated_at;
		node->tolerance = peer->tolerance;
		if (node->report != NULL &&
		    node->report->state == STATE_UNREADABLE)
			node->report = NULL;
	}
	for (node = f->nodes; node < f->nodes + f->nodesz; node++)
		node->horizon = node->generated_at - opt->settle;
}

static void __attribute__((format(printf, 2, 3)))
note(struct survey *s, const char *fmt, ...)
{
	struct names *notes = &s->notes;
	va_list ap;

	notes->v = need(
	    array_room(notes->v, &notes->cap, notes->n, sizeof(*notes->v)));
	va_start(ap, fmt);
	if (vasprintf(&notes->v[notes->n++], fmt, ap) < 0)
		errx(EXIT_TROUBLE, "out of memory");
	va_end(ap);
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
			note(s, "%s: its report is from the future: %s",
			    peer->name, time);
		seconds_format(time, peer->tolerance);
		if (peer->tolerance > opt->tolerance)
			note(s, "%s: it ignores gaps of up to %s s, we of %s s",
			    peer->name, time, ours);
	}
}

/*
 * Fills in the fleet of every report, if there are peers.
 */
void
fleet_make(const struct options *opt, struct survey *s)
{
	struct report *r;

	if (s->peersz == 0)
		return;
	peers_note(opt, s);
	for (r = s->reports; r < s->reports + s->reportsz; r++) {
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
#define ON_RED "\033[37;41m"

enum cell { CELL_OUTSIDE, CELL_FULL, CELL_INCOMPLETE, CELL_HOLE, CELL_UNKNOWN };

static const struct glyph {
	const char *utf8;
	const char *ascii;
	const char *colour; /* blue is for blocks: no # can be read in it */
	const char *meaning; /* NULL: not in the legend */
} glyphs[] = {
    [CELL_OUTSIDE] = {" ", " ", "", NULL},
    [CELL_FULL] = {"\u2588", "#", BLUE, "covered"},
    [CELL_INCOMPLETE] = {"\u2593", "+", YELLOW, "incomplete"},
    [CELL_HOLE] = {"\u2591", ".", ON_RED, "hole"},
    [CELL_UNKNOWN] = {"?", "?", "", "unreadable"},
};

struct sheet { /* the text on its way out */
	FILE *fp;
	const struct options *opt;
	size_t column; /* of the line of items being written */
	bool strips; /* a strip was shown and wants its legend */
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
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
 * Prints a duration for people: the longer, the coarser, but never 0 for
 * more than that.
 */
void
duration_format(char buf[TIME_SIZE], int64_t us)
{
	static const struct {
		int64_t below;
		int64_t step;
	} steps[] = {{MILLISECOND, 1}, {SECOND, MILLISECOND},
	    {HOUR, SECOND / 10}, {DAY, SECOND}, {INT64_MAX, HOUR}};
	int64_t step;
	size_t i;

	for (i = 0; us >= steps[i].below; i++)
		;
	step = steps[i].step;
	us = (us + step / 2) / step * step;
	if (us == 0)
		snprintf(buf, TIME_SIZE, "0s");
	else if (us < SECOND)
		snprintf(buf, TIME_SIZE, "0.%0*ds", us < MILLISECOND ? 6 : 3,
		    (int)(us < MILLISECOND ? us : us / MILLISECOND));
	else if (us < MINUTE)
		snprintf(buf, TIME_SIZE, "%d.%ds", (int)(us / SECOND),
		    (int)(us % SECOND / (SECOND / 10)));
	else if (us < HOUR)
		snprintf(buf, TIME_SIZE, "%dm%02d.%ds", (int)(us / MINUTE),
		    (int)(us % MINUTE / SECOND),
		    (int)(us % SECOND / (SECOND / 10)));
	else if (us < DAY)
		snprintf(buf, TIME_SIZE, "%dh%02dm%02ds", (int)(us / HOUR),
		    (int)(us % HOUR / MINUTE), (int)(us % MINUTE / SECOND));
	else
		snprintf(buf, TIME_SIZE, "%" PRId64 "d%02dh", us / DAY,
		    (int)(us % DAY / HOUR));
}

/*
 * Prints `2025-11-15 02:45:51` and so many digits of the fraction.
 */
static void
moment_format(char buf[TIME_SIZE], int64_t t, size_t digits)
{
	char *s;

	time_format(buf, t);
	if ((s = strchr(buf, 'T')) != NULL)
		*s = ' ';
	if ((s = strchr(buf, '.')) != NULL)
		s[digits > 0 ? digits + 1 : 0] = '\0';
}

/*
 * Prints `START to END`; the end without its date where that is the same.
 */
static void
print_span(const struct sheet *sheet, const struct span *span)
{
	char end[TIME_SIZE], start[TIME_SIZE];
	const char *time;
	size_t date, digits;

	digits = span->end - span->start < 10 * MILLISECOND ? 6 : 3;
	moment_format(start, span->start, digits);
	moment_format(end, span->end, digits);
	time = strchr(end, ' ');
	date = (size_t)(time - end);
	fprintf(sheet->fp, "%s to %s", start,
	    strncmp(start, end, date) == 0 ? time + 1 : end);
}

/*
 * Prints one item of a line, and wraps before it where it does not fit.
 */
static void __attribute__((format(printf, 3, 4)))
item(struct sheet *sheet, const char *colour, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	size_t width;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	width = utf8_length(buf);
	if (sheet->column == 0) {
		fputs("  ", sheet->fp);
		sheet->column = 2;
	} else if (sheet->column + 3 + width > WIDTH) {
		fputs(";\n  ", sheet->fp);
		sheet->column = 2;
	} else {
		fputs("; ", sheet->fp);
		sheet->column += 2;
	}
	print_coloured(sheet, colour, buf);
	sheet->column += width;
}

static void
items_end(struct sheet *sheet)
{
	if (sheet->column > 0)
		putc('\n', sheet->fp);
	sheet->column = 0;
}

/*
 * Prints bytes of others so that they cannot write to the terminal. Returns
 * how many columns they take.
 */
static size_t
print_name(const struct sheet *sheet, const char *name)
{
	char *printable;
	size_t columns;

	printable = need(name_printable(name, sheet->opt->utf8));
	fputs(printable, sheet->fp);
	columns = utf8_length(printable);
	free(printable);
	return columns;
}

static size_t
print_title(const struct sheet *sheet, const struct report *r)
{
	const char *bold = sheet->opt->colour ? BOLD : "";
	size_t columns;

	fputs(bold, sheet->fp);
	columns = print_name(sheet, r->channel);
	putc('/', sheet->fp);
	columns += print_name(sheet, r->quality) + 1;
	fputs(*bold != '\0' ? RESET : "", sheet->fp);
	return columns;
}

static void
text_errors(struct sheet *sheet, const struct survey *s)
{
	char buf[256];
	size_t i;

	snprintf(buf, sizeof(buf), "%s: %zu error%s",
	    s->complete ? "TROUBLE" : "NOT COMPLETE", s->errorsz,
	    plural(s->errorsz));
	print_coloured(sheet, RED, buf);
	fputs(s->complete
		? "; the figures below are complete\n"
		: "; the figures below leave out what could not be read\n",
	    sheet->fp);
	for (i = 0; i < s->errorsz && i < LISTED_MAX; i++) {
		fputs("  ", sheet->fp);
		print_name(sheet, s->errors[i].path);
		fputs(": ", sheet->fp);
		print_name(sheet, s->errors[i].message);
		putc('\n', sheet->fp);
	}
	if (s->errorsz > i)
		fprintf(sheet->fp, "  and %zu more, all in the JSON\n",
		    s->errorsz - i);
	putc('\n', sheet->fp);
}

/*
 * Prints `99.87 % covered, 12 holes lose 3m22.5s`, rounded down.
 */
static void
coverage_format(char *buf, size_t size, const struct coverage *c)
{
	char lost[TIME_SIZE], percent[TIME_SIZE];
	int ratio = (int)(coverage_ratio(c) / 100);

	if (ratio == 0 || ratio == 10000)
		snprintf(percent, sizeof(percent), "%d", ratio / 100);
	else
		snprintf(percent, sizeof(percent), "%d.%02d", ratio / 100,
		    ratio % 100);
	duration_format(lost, c->hole_duration);
	if (c->holes.n == 0)
		snprintf(buf, size, "%s %% covered, no holes", percent);
	else
		snprintf(buf, size, "%s %% covered, %zu hole%s %s %s", percent,
		    c->holes.n, plural(c->holes.n),
		    c->holes.n == 1 ? "loses" : "lose", lost);
}

static void
text_window(struct sheet *sheet)
{
	const struct span window = sheet->opt->window;
	char first[TIME_SIZE], last[TIME_SIZE];

	if (window.start == INT64_MIN && window.end == INT64_MAX)
		return;
	if (window.start != INT64_MIN)
		hour_format(first, window.start);
	if (window.end != INT64_MAX)
		hour_format(last, window.end - HOUR);
	if (window.start == INT64_MIN)
		item(sheet, "", "window: all hours up to %s", last);
	else if (window.end == INT64_MAX)
		item(sheet, "", "window: all hours from %s", first);
	else
		item(sheet, "", "window: %s to %s", first, last);
	items_end(sheet);
}

/*
 * For how long nothing has come, where it might have: 0 while the stream
 * goes on, or where the window ended before now.
 */
static int64_t
silence(const struct options *opt, const struct report *r)
{
	int64_t age, end = ended_before(opt, r) ? r->stream.end : r->end;

	if (end == TIME_NONE || !end_known(r, end) ||
	    opt->window.end <= opt->now)
		return 0;
	age = opt->now - end;
	return age > STOPPED ? age : 0;
}

static void
text_range(struct sheet *sheet, const struct report *r)
{
	char age[TIME_SIZE], end[TIME_SIZE], start[TIME_SIZE];
	int64_t us;

	if (ended_before(sheet->opt, r)) {
		moment_format(end, r->stream.end, 0);
		item(sheet, "", "the last before ended at %s UTC", end);
	}
	if (r->start == TIME_NONE)
		return;
	moment_format(start, r->start, 0);
	moment_format(end, r->end, 0);
	item(sheet, "", "%s to %s UTC", start, end);
	us = sheet->opt->now - r->end;
	duration_format(age, us < 0 ? -us : us);
	if (us < 0)
		item(sheet, "", "newest segment ends %s from now", age);
	else if (silence(sheet->opt, r) == 0)
		item(sheet, "", "newest segment %s old", age);
	items_end(sheet);
}

static bool
is_whole(const struct hour *h)
{
	return h->readable && h->raw.covered > 0 && h->raw.holesz == 0 &&
	    h->counts.incomplete.count == 0 && h->counts.bad == 0;
}

static void
text_incomplete(struct sheet *sheet, const struct report *r)
{
	const struct options *opt = sheet->opt;
	char time[TIME_SIZE];
	struct span span;
	size_t i = 0, places = 0;

	if (r->counts.incomplete.duration == 0)
		return;
	while (spans_join(&r->incomplete, &i, opt->tolerance, &span))
		places += span_cut(&span, opt->window.start, opt->window.end);
	duration_format(time, r->counts.incomplete.duration);
	item(sheet, YELLOW, "incomplete %s in %zu place%s", time, places,
	    plural(places));
}

static void
text_editable(struct sheet *sheet, const struct report *r)
{
	char buf[256];

	if (r->editable.holes.n == r->raw.holes.n &&
	    r->editable.hole_duration == r->raw.hole_duration)
		return;
	coverage_format(buf, sizeof(buf), &r->editable);
	item(sheet, "", "editable: %s", buf);
}

static void
text_tallies(struct sheet *sheet, const struct report *r)
{
	const struct counts *c = &r->counts;
	size_t i, n, whole = 0;

	if ((n = spans_hours(&r->missing)) > 0)
		item(sheet, RED, "%zu hour%s missing", n, plural(n));
	if (c->bad > 0)
		item(sheet, YELLOW, "%zu bad name%s", c->bad, plural(c->bad));
	if (c->temp > 0 && r->start == TIME_NONE)
		item(sheet, "", "%zu being downloaded", c->temp);
	for (i = 0; i < r->hoursz; i++)
		whole += is_whole(&r->hours[i]);
	if (whole == r->hoursz && r->missing.n == 0 && r->raw.holes.n == 0) {
		if (whole == 1)
			item(sheet, "", "1 hour, and it is whole");
		else if (whole > 1)
			item(sheet, "", "%zu hours, every one whole", whole);
	}
}

/*
 * What is covered of a quality, or why there is nothing to say of it.
 */
static const char *
verdict_format(char *buf, size_t size, const struct report *r)
{
	if (r->state == STATE_UNKNOWN)
		return "not looked at";
	if (r->state == STATE_UNREADABLE)
		return "could not be read";
	if (r->state == STATE_ABSENT)
		return "no such quality (its directory does not exist)";
	if (coverage_ratio(&r->raw) < 0)
		return r->start == TIME_NONE ? "no segments"
					     : "only segments of no duration";
	coverage_format(buf, size, &r->raw);
	return buf;
}

/*
 * The first line of a quality, whose title has taken so many columns.
 */
static void
text_verdict(struct sheet *sheet, const struct report *r, size_t columns)
{
	char age[TIME_SIZE], buf[256];
	const char *colour, *verdict = verdict_format(buf, sizeof(buf), r);
	int64_t silent = silence(sheet->opt, r);
	size_t unreadable = spans_hours(&r->unreadable);

	colour =
	    coverage_ratio(&r->raw) < 0 || r->raw.holes.n > 0 || unreadable > 0
	    ? RED
	    : silent > 0 ? ""
			 : GREEN;
	print_coloured(sheet, colour, verdict);
	sheet->column = columns + utf8_length(verdict);
	if (unreadable > 0)
		item(sheet, RED, "%zu hour%s UNREADABLE", unreadable,
		    plural(unreadable));
	if (silent > 0) {
		duration_format(age, silent);
		item(sheet, RED, "STOPPED %s ago", age);
	}
	items_end(sheet);
}

/*
 * The headline and the two or three lines below it, which say it all.
 */
static void
text_head(struct sheet *sheet, const struct report *r)
{
	const struct span *longest = hole_longest(&r->raw);
	char at[TIME_SIZE], duration[TIME_SIZE];
	size_t columns;

	columns = print_title(sheet, r);
	fputs(": ", sheet->fp);
	text_verdict(sheet, r, columns + 2);
	if (r->state != STATE_READ)
		return;
	text_window(sheet);
	text_range(sheet, r);
	if (longest != NULL) {
		moment_format(at, longest->start, 0);
		duration_format(duration, longest->end - longest->start);
		item(sheet, "", "longest hole %s at %s", duration, at);
	}
	text_incomplete(sheet, r);
	text_tallies(sheet, r);
	text_editable(sheet, r);
	items_end(sheet);
}

/*
 * Puts the longest holes first into `top`, those of one length in order of
 * time. Returns how many there are, at most LISTED_MAX.
 */
static size_t
holes_longest(const struct coverage *c, const struct span *top[LISTED_MAX])
{
	const struct span *hole;
	size_t i, j, n = 0;

	for (j = 0; j < c->holes.n; j++) {
		hole = &c->holes.v[j];
		for (i = n; i > 0 &&
		     hole->end - hole->start >
			 top[i - 1]->end - top[i - 1]->start;
		     i--)
			if (i < LISTED_MAX)
				top[i] = top[i - 1];
		if (i < LISTED_MAX)
			top[i] = hole;
		if (n < LISTED_MAX)
			n++;
	}
	return n;
}

static void
text_holes(const struct sheet *sheet, const struct report *r)
{
	const struct span *top[LISTED_MAX];
	char duration[TIME_SIZE];
	size_t i, n;

	if ((n = holes_longest(&r->raw, top)) == 0)
		return;
	fprintf(
	    sheet->fp, "  %s", n == 1 ? "The hole" : "Holes, longest first");
	if (n < r->raw.holes.n)
		fprintf(sheet->fp, " (%zu of %zu; the rest are in the JSON)", n,
		    r->raw.holes.n);
	putc('\n', sheet->fp);
	for (i = 0; i < n; i++) {
		duration_format(duration, top[i]->end - top[i]->start);
		fprintf(sheet->fp, "  %10s  ", duration);
		print_span(sheet, top[i]);
		putc('\n', sheet->fp);
	}
}

static void
strip_paint(
    enum cell strip[CELLS], enum cell cell, struct span span, int64_t hour)
{
	int64_t i;

	if (!span_cut(&span, hour, hour + HOUR))
		return;
	for (i = (span.start - hour) / CELL; i * CELL < span.end - hour; i++)
		strip[i] = cell;
}

/*
 * Fills in the strip of an hour. What is worst in a cell is what it shows.
 * *at is the first incomplete span that may reach into the hour.
 */
static void
strip_fill(enum cell strip[CELLS], const struct report *r, const struct hour *h,
    size_t *at)
{
	size_t i;

	for (i = 0; i < CELLS; i++)
		strip[i] = h->readable ? CELL_OUTSIDE : CELL_UNKNOWN;
	if (!h->readable)
		return;
	strip_paint(strip, CELL_FULL, r->stream, h->time);
	while (*at < r->incomplete.n && r->incomplete.v[*at].end <= h->time)
		(*at)++;
	for (i = *at;
	     i < r->incomplete.n && r->incomplete.v[i].start < h->time + HOUR;
	     i++)
		strip_paint(
		    strip, CELL_INCOMPLETE, r->incomplete.v[i], h->time);
	for (i = h->raw.first; i < h->raw.first + h->raw.holesz; i++)
		strip_paint(strip, CELL_HOLE, r->raw.holes.v[i], h->time);
}

static const char *
glyph(const struct sheet *sheet, enum cell cell)
{
	return sheet->opt->utf8 ? glyphs[cell].utf8 : glyphs[cell].ascii;
}

static const char *
glyph_colour(const struct sheet *sheet, enum cell cell)
{
	return sheet->opt->utf8 || cell != CELL_FULL ? glyphs[cell].colour : "";
}

static void
text_strip(struct sheet *sheet, const enum cell strip[CELLS])
{
	char run[CELLS * 4 + 1], *out;
	size_t i, next;

	for (i = 0; i < CELLS; i = next) {
		out = run;
		for (next = i; next < CELLS && strip[next] == strip[i]; next++)
			out = stpcpy(out, glyph(sheet, strip[i]));
		print_coloured(sheet, glyph_colour(sheet, strip[i]), run);
	}
	sheet->strips = true;
}

static void
text_legend(const struct sheet *sheet)
{
	size_t i;

	fputs("\n  ", sheet->fp);
	for (i = 0; i < LENGTH(glyphs); i++) {
		if (glyphs[i].meaning == NULL)
			continue;
		print_coloured(sheet, glyph_colour(sheet, (enum cell)i),
		    glyph(sheet, (enum cell)i));
		fprintf(sheet->fp, " %s  ", glyphs[i].meaning);
	}
	fprintf(sheet->fp, "blank: no stream; a cell: %d min\n",
	    (int)(CELL / MINUTE));
}

/*
 * Prints a column of the hours' lines; nothing of it is a dash.
 */
static void __attribute__((format(printf, 5, 6)))
figure(const struct sheet *sheet, int width, bool any, const char *colour,
    const char *fmt, ...)
{
	char buf[TIME_SIZE] = "-";
	va_list ap;
	int used;

	va_start(ap, fmt);
	if (any)
		vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	used = (int)strlen(buf);
	fprintf(sheet->fp, "%*s", used < width ? width - used : 1, "");
	print_coloured(sheet, any ? colour : "", buf);
}

static void
text_figures(const struct sheet *sheet, const struct hour *h)
{
	const struct counts *c = &h->counts;
	char incomplete[TIME_SIZE], lost[TIME_SIZE];

	if (!h->readable) {
		fputs("  ", sheet->fp);
		print_coloured(sheet, RED, "UNREADABLE");
		return;
	}
	if (h->start == TIME_NONE && h->raw.holesz == 0) {
		fputs("  ", sheet->fp);
		print_coloured(sheet, YELLOW, "no segments");
		fprintf(sheet->fp, "%14s", "");
	} else {
		duration_format(lost, h->raw.hole_duration);
		duration_format(incomplete, c->incomplete.duration);
		figure(sheet, 7, h->raw.holesz > 0, RED, "%zu", h->raw.holesz);
		figure(sheet, 10, h->raw.holesz > 0, RED, "%s", lost);
		figure(sheet, 10, c->incomplete.count > 0, YELLOW, "%s",
		    incomplete);
	}
	figure(sheet, 6, c->bad > 0, YELLOW, "%zu", c->bad);
}

/*
 * Prints the counts and durations of the hour's segments or overlaps.
 */
static void
text_types(const struct sheet *sheet, const char *name,
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
	putc('\n', sheet->fp);
}

static void
text_share(
    const struct sheet *sheet, const char *name, const struct share *share)
{
	char covered[TIME_SIZE], lost[TIME_SIZE];

	duration_format(covered, share->covered);
	duration_format(lost, share->hole_duration);
	fprintf(sheet->fp, "    %-18s %8s  holes %7zu %8s\n", name, covered,
	    share->holesz, lost);
}

/*
 * All that the Python logged of an hour.
 */
static void
text_everything(const struct sheet *sheet, const struct hour *h)
{
	const struct counts *c = &h->counts;
	char end[TIME_SIZE], length[TIME_SIZE], start[TIME_SIZE];

	fputs("    ", sheet->fp);
	if (h->start != TIME_NONE) {
		moment_format(start, h->start, 6);
		moment_format(end, h->end, 6);
		duration_format(length, h->end - h->start);
		fprintf(sheet->fp, "%s to %s, %s; ", strchr(start, ' ') + 1,
		    strchr(end, ' ') + 1, length);
	}
	fprintf(
	    sheet->fp, "%zu temp, %zu tombstoned\n", c->temp, c->tombstoned);
	if (h->start == TIME_NONE)
		return;
	text_types(sheet, "segments", c->segments);
	text_types(sheet, "overlaps", c->overlaps);
	text_share(sheet, "coverage  raw", &h->raw);
	text_share(sheet, "coverage  editable", &h->editable);
}

/*
 * Prints the line of one hour directory.
 */
static void
text_hour(struct sheet *sheet, const struct report *r, const struct hour *h,
    size_t *incomplete)
{
	enum cell strip[CELLS];
	char name[TIME_SIZE];

	hour_format(name, h->time);
	fprintf(sheet->fp, "  %s  ", name);
	strip_fill(strip, r, h, incomplete);
	text_strip(sheet, strip);
	text_figures(sheet, h);
	putc('\n', sheet->fp);
	if (sheet->opt->all_hours && h->readable)
		text_everything(sheet, h);
}

/*
 * Prints one line for hours from `from` up to `to`, if there are any.
 */
static void
text_run(const struct sheet *sheet, int64_t from, int64_t to, bool missing)
{
	char first[TIME_SIZE], last[TIME_SIZE], what[TIME_SIZE];
	size_t hours;

	if (from >= to)
		return;
	hours = (size_t)((to - from) / HOUR);
	hour_format(first, from);
	hour_format(last, to - HOUR);
	fprintf(sheet->fp, "  %s  ", first);
	if (hours > 1)
		fprintf(sheet->fp, "to %s  ", last);
	snprintf(what, sizeof(what),
	    missing ? "%zu hour%s MISSING" : "%zu whole hour%s", hours,
	    plural(hours));
	print_coloured(sheet, missing ? RED : "", what);
	putc('\n', sheet->fp);
}

/*
 * Prints missing hours: one line, but for directories among them in which
 * something bad lies.
 */
static void
text_missing(struct sheet *sheet, const struct report *r,
    const struct span *gap, size_t *at, size_t *incomplete)
{
	const struct hour *h;
	int64_t from = gap->start;

	for (; *at < r->hoursz && r->hours[*at].time < gap->end; (*at)++) {
		h = &r->hours[*at];
		if (!sheet->opt->all_hours && h->counts.bad == 0)
			continue;
		text_run(sheet, from, h->time, true);
		text_hour(sheet, r, h, incomplete);
		from = h->time + HOUR;
	}
	text_run(sheet, from, gap->end, true);
}

static void
text_hours(struct sheet *sheet, const struct report *r)
{
	const struct hour *h;
	int64_t to;
	size_t i = 0, incomplete = 0, missing = 0;

	fprintf(sheet->fp, "  %-15s%-30s%7s%10s%10s%6s\n", "Hours",
	    "00   10   20   30   40   50", "holes", "lost", "incompl.", "bad");
	while (i < r->hoursz || missing < r->missing.n) {
		h = i < r->hoursz ? &r->hours[i] : NULL;
		if (missing < r->missing.n &&
		    (h == NULL || r->missing.v[missing].start <= h->time)) {
			text_missing(sheet, r, &r->missing.v[missing++], &i,
			    &incomplete);
		} else if (sheet->opt->all_hours || !is_whole(h)) {
			text_hour(sheet, r, h, &incomplete);
			i++;
		} else {
			to = h->time;
			for (; i < r->hoursz && r->hours[i].time == to &&
			     is_whole(&r->hours[i]);
			     i++)
				to += HOUR;
			text_run(sheet, h->time, to, false);
		}
	}
}

/*
 * Whether there is more to say of hours than the headline does.
 */
static bool
hours_matter(const struct sheet *sheet, const struct report *r)
{
	size_t i;

	if (r->missing.n > 0)
		return true;
	for (i = 0; i < r->hoursz; i++)
		if (sheet->opt->all_hours || !is_whole(&r->hours[i]))
			return true;
	return false;
}

static void
text_details(struct sheet *sheet, const struct report *r, bool titled)
{
	bool hours = hours_matter(sheet, r);

	if (!hours && r->raw.holes.n == 0)
		return;
	putc('\n', sheet->fp);
	if (titled) {
		print_title(sheet, r);
		putc('\n', sheet->fp);
	}
	text_holes(sheet, r);
	if (hours && r->raw.holes.n > 0)
		putc('\n', sheet->fp);
	if (hours)
		text_hours(sheet, r);
}

/*
 * The headlines of all qualities come first, so that the worst is on the
 * first screen, whichever it is.
 */
int
report_text(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	struct sheet sheet = {.fp = fp, .opt = opt};
	const struct report *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	size_t i;

	if (s->errorsz > 0)
		text_errors(&sheet, s);
	for (i = 0; i < reportsz; i++)
		text_head(&sheet, &reports[i]);
	for (i = 0; i < reportsz; i++)
		text_details(&sheet, &reports[i], reportsz > 1);
	if (sheet.strips)
		text_legend(&sheet);
	return ferror(fp) ? -1 : 0;
}

/*
 * Metrics
 */

struct coverage_figures {
	int64_t covered;
	int64_t ratio;
	int64_t holes;
	int64_t hole_time;
	int64_t longest;
};

struct figures { /* of an hour or a quality, in millionths;
				   TIME_NONE: there is none */
	int64_t segments[QUALITY_TYPES];
	int64_t segment_time[SEGMENT_TYPES];
	int64_t overlaps[SEGMENT_TYPES];
	int64_t overlap_time[SEGMENT_TYPES];
	struct coverage_figures raw;
	struct coverage_figures editable;
	int64_t incomplete;
	int64_t incomplete_time;
	int64_t missing;
	int64_t unreadable;
	int64_t oldest;
	int64_t newest;
	int64_t found;
	int64_t run;
	int64_t run_time;
	int64_t run_errors;
	int64_t run_complete;
};

struct family {
	const char *name;
	const char *help;
	size_t offset; /* of its first int64_t in struct figures */
	size_t types; /* how many lie there; 0: one, without type */
};

/* the Python's, name by name */
static const struct family hour_families[] = {
    {"segment_count", "Segments in the hour, by type.",
	offsetof(struct figures, segments), HOUR_TYPES},
    {"segment_duration", "Seconds of segments in the hour, by type.",
	offsetof(struct figures, segment_time), SEGMENT_TYPES},
    {"raw_coverage", "Seconds that the hour's segments cover.",
	offsetof(struct figures, raw.covered), 0},
    {"editable_coverage",
	"Seconds of the hour's segments that can be joined without overlap.",
	offsetof(struct figures, editable.covered), 0},
    {"raw_holes", "Holes in raw coverage that touch the hour.",
	offsetof(struct figures, raw.holes), 0},
    {"editable_holes", "Holes in editable coverage that touch the hour.",
	offsetof(struct figures, editable.holes), 0},
    {"overlap_count", "Overlaps in the hour, by type of segment.",
	offsetof(struct figures, overlaps), SEGMENT_TYPES},
    {"overlap_duration", "Seconds of overlaps in the hour, by type of segment.",
	offsetof(struct figures, overlap_time), SEGMENT_TYPES},
};

#define NAME(name) "segment_coverage_" name

static const struct family quality_families[] = {
    {NAME("segments"), "Segments, by type.", offsetof(struct figures, segments),
	QUALITY_TYPES},
    {NAME("segment_seconds"), "Seconds of segments, by type.",
	offsetof(struct figures, segment_time), SEGMENT_TYPES},
    {NAME("overlaps"), "Overlaps, by type of segment.",
	offsetof(struct figures, overlaps), SEGMENT_TYPES},
    {NAME("overlap_seconds"), "Seconds of overlaps, by type of segment.",
	offsetof(struct figures, overlap_time), SEGMENT_TYPES},
    {NAME("raw_covered_seconds"), "Seconds that segments cover.",
	offsetof(struct figures, raw.covered), 0},
    {NAME("raw_ratio"),
	"Covered part of what should be covered; 1 only without a hole.",
	offsetof(struct figures, raw.ratio), 0},
    {NAME("raw_holes"), "Holes in raw coverage.",
	offsetof(struct figures, raw.holes), 0},
    {NAME("raw_hole_seconds"), "Seconds that holes in raw coverage lose.",
	offsetof(struct figures, raw.hole_time), 0},
    {NAME("raw_longest_hole_seconds"),
	"Seconds of the longest hole in raw coverage; 0 without a hole.",
	offsetof(struct figures, raw.longest), 0},
    {NAME("editable_covered_seconds"),
	"Seconds of segments that can be joined without overlap.",
	offsetof(struct figures, editable.covered), 0},
    {NAME("editable_ratio"),
	"Editable part of what should be covered; 1 only without a hole.",
	offsetof(struct figures, editable.ratio), 0},
    {NAME("editable_holes"), "Holes in editable coverage.",
	offsetof(struct figures, editable.holes), 0},
    {NAME("editable_hole_seconds"),
	"Seconds that holes in editable coverage lose.",
	offsetof(struct figures, editable.hole_time), 0},
    {NAME("editable_longest_hole_seconds"),
	"Seconds of the longest hole in editable coverage; 0 without a hole.",
	offsetof(struct figures, editable.longest), 0},
    {NAME("incomplete_segments"),
	"Best segments of their time that are suspect or partial.",
	offsetof(struct figures, incomplete), 0},
    {NAME("incomplete_seconds"),
	"Seconds of best segments that are suspect or partial.",
	offsetof(struct figures, incomplete_time), 0},
    {NAME("missing_seconds"),
	"Seconds of whole hours without a segment: 3600 for each.",
	offsetof(struct figures, missing), 0},
    {NAME("unreadable_seconds"),
	"Seconds of hours that could not be read: 3600 for each.",
	offsetof(struct figures, unreadable), 0},
    {NAME("oldest_segment_timestamp_seconds"),
	"When the oldest segment starts; none without a segment.",
	offsetof(struct figures, oldest), 0},
    {NAME("newest_segment_timestamp_seconds"),
	"When the newest segment ends; none without a segment.",
	offsetof(struct figures, newest), 0},
    {NAME("found"), "Whether the directory of the quality exists.",
	offsetof(struct figures, found), 0},
    {NAME("run_timestamp_seconds"), "When the program ran.",
	offsetof(struct figures, run), 0},
    {NAME("run_duration_seconds"),
	"Seconds that the run had taken when this was written.",
	offsetof(struct figures, run_time), 0},
    {NAME("run_errors"), "Errors of the run, of all that it looked at.",
	offsetof(struct figures, run_errors), 0},
    {NAME("run_complete"), "Whether the run could read all there is.",
	offsetof(struct figures, run_complete), 0},
};

static int64_t
millionths(size_t n)
{
	return (int64_t)n * SECOND;
}

static void
counts_figures(struct figures *f, const struct counts *c)
{
	size_t i;

	for (i = 0; i < SEGMENT_TYPES; i++) {
		f->segments[i] = millionths(c->segments[i].count);
		f->segment_time[i] = c->segments[i].duration;
		f->overlaps[i] = millionths(c->overlaps[i].count);
		f->overlap_time[i] = c->overlaps[i].duration;
	}
	f->segments[i++] = millionths(c->bad);
	f->segments[i++] = millionths(c->temp);
	f->segments[i] = millionths(c->tombstoned);
}

static void
hour_figures(struct figures *f, const struct hour *h)
{
	counts_figures(f, &h->counts);
	f->raw.covered = h->raw.covered;
	f->raw.holes = millionths(h->raw.holesz);
	f->editable.covered = h->editable.covered;
	f->editable.holes = millionths(h->editable.holesz);
}

static void
coverage_figures(struct coverage_figures *f, const struct coverage *c)
{
	const struct span *longest = hole_longest(c);
	int64_t ratio = coverage_ratio(c);

	f->covered = c->covered;
	f->ratio = ratio < 0 ? TIME_NONE : ratio;
	f->holes = millionths(c->holes.n);
	f->hole_time = c->hole_duration;
	f->longest = longest == NULL ? 0 : longest->end - longest->start;
}

/*
 * What could be read of a quality. If nothing could, nothing is known: no
 * holes would be as wrong as some.
 */
static void
archive_figures(struct figures *f, const struct report *r)
{
	int64_t *values = (int64_t *)f;
	size_t i;

	if (r->state == STATE_UNKNOWN || r->state == STATE_UNREADABLE) {
		for (i = 0; i < sizeof(*f) / sizeof(*values); i++)
			values[i] = TIME_NONE;
		return;
	}
	counts_figures(f, &r->counts);
	coverage_figures(&f->raw, &r->raw);
	coverage_figures(&f->editable, &r->editable);
	f->incomplete = millionths(r->counts.incomplete.count);
	f->incomplete_time = r->counts.incomplete.duration;
	f->missing = (int64_t)spans_hours(&r->missing) * HOUR;
	f->unreadable = (int64_t)spans_hours(&r->unreadable) * HOUR;
	f->oldest = r->start;
	f->newest = r->end;
}

static void
quality_figures(struct figures *f, const struct options *opt,
    const struct survey *s, const struct report *r)
{
	archive_figures(f, r);
	f->found = millionths(r->state >= STATE_UNREADABLE);
	f->run = opt->now;
	f->run_time = s->elapsed;
	f->run_errors = millionths(s->errorsz);
	f->run_complete = millionths(s->complete);
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
 * Prints the samples that an hour, or without one the quality, has of a
 * family; the family's own lines before the first of all.
 */
static void
print_samples(FILE *fp, const struct family *family, bool *begun,
    const struct report *r, const struct hour *h, const struct figures *f)
{
	const void *first = (const char *)f + family->offset;
	const int64_t *values = first;
	char buf[TIME_SIZE], hour[TIME_SIZE];
	size_t i;

	if (h != NULL)
		hour_format(hour, h->time);
	for (i = 0; i == 0 || i < family->types; i++) {
		if (values[i] == TIME_NONE)
			continue;
		if (!*begun)
			fprintf(fp, "# HELP %s %s\n# TYPE %s gauge\n",
			    family->name, family->help, family->name);
		*begun = true;
		fprintf(fp, "%s{", family->name);
		print_label(fp, "channel", r->channel);
		putc(',', fp);
		print_label(fp, "quality", r->quality);
		if (h != NULL)
			fprintf(fp, ",hour=\"%s\"", hour);
		if (family->types > 0)
			fprintf(fp, ",type=\"%s\"", type_names[i]);
		seconds_format(buf, values[i]);
		fprintf(fp, "} %s\n", buf);
	}
}

static void
hour_family(FILE *fp, const struct family *family, const struct options *opt,
    const struct report *reports, size_t reportsz)
{
	struct figures f;
	const struct report *r;
	size_t i;
	bool begun = false;

	for (r = reports; r < reports + reportsz; r++) {
		i = r->hoursz < opt->metrics_hours
		    ? 0
		    : r->hoursz - opt->metrics_hours;
		for (; i < r->hoursz; i++) {
			if (!r->hours[i].readable)
				continue;
			hour_figures(&f, &r->hours[i]);
			print_samples(fp, family, &begun, r, &r->hours[i], &f);
		}
	}
}

int
report_metrics(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct report *reports = report != NULL ? report : s->reports;
	const size_t reportsz = report != NULL ? 1 : s->reportsz;
	struct figures *figures;
	size_t i, j;
	bool begun;

	for (i = 0; i < LENGTH(hour_families); i++)
		hour_family(fp, &hour_families[i], opt, reports, reportsz);
	figures = allocate((reportsz + 1) * sizeof(*figures));
	for (i = 0; i < reportsz; i++)
		quality_figures(&figures[i], opt, s, &reports[i]);
	for (i = 0; i < LENGTH(quality_families); i++) {
		begun = false;
		for (j = 0; j < reportsz; j++)
			print_samples(fp, &quality_families[i], &begun,
			    &reports[j], NULL, &figures[j]);
	}
	free(figures);
	return ferror(fp) ? -1 : 0;
}

/*
 * Holes as lines
 */

static int
report_compare(const void *a, const void *b)
{
	const struct report *const *x = a, *const *y = b;
	int order = strcmp((*x)->channel, (*y)->channel);

	return order != 0 ? order : strcmp((*x)->quality, (*y)->quality);
}

/*
 * Prints channel, quality, start, end, seconds, state and nodes of each hole.
 */
static void
holes_print(FILE *fp, const struct options *opt, const struct report *r)
{
	char *channel = need(name_printable(r->channel, true));
	char *quality = need(name_printable(r->quality, true));
	char end[TIME_SIZE], seconds[TIME_SIZE], start[TIME_SIZE];
	const struct span *hole;
	size_t i;

	for (i = 0; i < r->raw.holes.n; i++) {
		hole = &r->raw.holes.v[i];
		time_format(start, hole->start);
		time_format(end, hole->end);
		seconds_format(seconds, hole->end - hole->start);
		fprintf(fp, "%s\t%s\t%s\t%s\t%s\t%s\t\n", channel, quality,
		    start, end, seconds,
		    hole_known(opt, r, hole)       ? "known"
			: hole_settling(opt, hole) ? "settling"
						   : "hole");
	}
	free(channel);
	free(quality);
}

/*
 * Writes a line for each hole, in the order of sort(1) in the C locale.
 */
int
report_holes(FILE *fp, const struct options *opt, const struct survey *s,
    const struct report *report)
{
	const struct report **sorted;
	size_t i, n = 0;

	if (report != NULL)
		holes_print(fp, opt, report);
	else {
		sorted = need(calloc(s->reportsz + 1, sizeof(*sorted)));
		for (; n < s->reportsz; n++)
			sorted[n] = &s->reports[n];
		qsort(sorted, n, sizeof(*sorted), report_compare);
		for (i = 0; i < n; i++)
			holes_print(fp, opt, sorted[i]);
		free(sorted);
	}
	return ferror(fp) ? -1 : 0;
}

/*
 * --check
 */

static void __attribute__((format(printf, 4, 5))) finding(FILE *fp,
    const struct options *opt, const struct report *r, const char *fmt, ...)
{
	char *channel = need(name_printable(r->channel, opt->utf8));
	char *quality = need(name_printable(r->quality, opt->utf8));
	va_list ap;

	fprintf(fp, PROGRAM ": %s/%s: ", channel, quality);
	va_start(ap, fmt);
	vfprintf(fp, fmt, ap);
	va_end(ap);
	putc('\n', fp);
	free(channel);
	free(quality);
}

/*
 * Reports the longest of the holes that count.
 */
static bool
check_holes(FILE *fp, const struct options *opt, const struct report *r)
{
	struct coverage c = r->raw;
	const struct span *hole, *top[LISTED_MAX];
	char end[TIME_SIZE], length[TIME_SIZE], start[TIME_SIZE];
	size_t i, n;

	while (c.holes.n > 0) {
		hole = &c.holes.v[c.holes.n - 1];
		if (!hole_settling(opt, hole))
			break;
		c.hole_duration -= hole->end - hole->start;
		c.holes.n--;
	}
	n = holes_longest(&c, top);
	for (i = 0; i < n; i++) {
		hole = top[i];
		c.hole_duration -= hole->end - hole->start;
		time_format(start, hole->start);
		time_format(end, hole->end);
		seconds_format(length, hole->end - hole->start);
		finding(fp, opt, r, "a hole of %s s from %s to %s", length,
		    start, end);
	}
	seconds_format(length, c.hole_duration);
	if (c.holes.n > n)
		finding(fp, opt, r, "and %zu more, %s s in all", c.holes.n - n,
		    length);
	return n > 0;
}

static bool
check_age(FILE *fp, const struct options *opt, const struct report *r)
{
	char age[TIME_SIZE], end[TIME_SIZE], max[TIME_SIZE];

	if (opt->max_age < 0 || opt->now - r->end <= opt->max_age ||
	    !end_known(r, r->end))
		return false;
	time_format(end, r->end);
	seconds_format(age, opt->now - r->end);
	seconds_format(max, opt->max_age);
	finding(fp, opt, r,
	    "the newest segment ended %s s ago, at %s; --max-age is %s s", age,
	    end, max);
	return true;
}

/*
 * Reports that there is no segment, unless one may be in what could not be
 * read.
 */
static bool
check_presence(FILE *fp, const struct options *opt, const struct report *r)
{
	char age[TIME_SIZE], end[TIME_SIZE];

	if (!end_known(r, INT64_MIN))
		return false;
	if (ended_before(opt, r)) {
		time_format(end, r->stream.end);
		seconds_format(age, opt->now - r->stream.end);
		finding(fp, opt, r,
		    "no segments; the last before ended %s s ago, at %s", age,
		    end);
	} else
		finding(fp, opt, r, "%s",
		    r->state == STATE_ABSENT ? "no segments: no such quality"
					     : "no segments");
	return true;
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
		if (r->state == STATE_UNKNOWN || r->state == STATE_UNREADABLE)
			continue;
		found |= check_holes(fp, opt, r);
		found |= r->start == TIME_NONE ? check_presence(fp, opt, r)
					       : check_age(fp, opt, r);
	}
	return found;
}
