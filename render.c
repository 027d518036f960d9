/*
 * SPDX-License-Identifier: MIT
 *
 * What people look at: the map of a quality (PNG), and the page that shows
 * all nodes' maps (HTML), with the nodes that a database lists.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <zlib.h>

/* made from man/page.css, man/page.html and man/page.js */
#include ".build/page.css.h"
#include ".build/page.html.h"
#include ".build/page.js.h"
#include "segparse.h"

#define MAP_PIXEL    (2 * SECOND)
#define MAP_ROWS     300
#define HOUR_COLUMNS 6
#define RGB          3 /* bytes of a pixel */

#define AXIS_HEIGHT 30 /* pixels */
#define AXIS_STEP   6 /* hours */
#define AXIS_ROOM   12 /* hours that the name of a day is wide */
#define MAP_HEIGHT  100 /* pixels, of all maps but the first */
#define STOPPED     (2 * MINUTE) /* without a segment: the stream has */
#define OLD         (15 * MINUTE) /* a report that says nothing of today */

/* how many of each a page lists */
#define STOPPED_LISTED 3 /* nodes */
#define LOST_FIRST     6 /* holes that are always in sight */
#define LOST_LISTED    1000
#define SPANS_LISTED   2000 /* of each kind, for the script */

/* The server gives up too, so that abandoned queries do not pile up there. */
#define NODES_QUERY                                              \
	"BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; " \
	"SELECT left(name, 256), left(url, 2048) FROM nodes "    \
	"WHERE backfill_from LIMIT 1001; COMMIT"
#define NODES_MAX  1000
#define NAME_LIMIT 256 /* characters: a name this long was cut */
#define URL_LIMIT  2048
#define ANSWER_MAX (4 << 20) /* bytes of all names and URLs */
#define PATIENCE   (10 * SECOND) /* with the database, in all */
#define CHILD_ROOM (256 << 20) /* bytes that the child may add */
#define CHILD_FDS  1024 /* the child closes those below */

struct map {
	unsigned char *rgb; /* owned; row by row */
	struct span range;
	int64_t columns;
};

static unsigned char *map_compress(unsigned char *, int, int *, int);

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBIW_ZLIB_COMPRESS map_compress
#include <stb_image_write.h>

/*
 * The map
 */

static const unsigned char white[RGB] = {255, 255, 255};
static const unsigned char blue[RGB] = {31, 119, 180};
static const unsigned char orange[RGB] = {255, 127, 14};
static const unsigned char grey[RGB] = {127, 127, 127};

static void
fill(unsigned char *at, int64_t pixels, const unsigned char *colour)
{
	size_t done, n, size = (size_t)pixels * RGB;

	if (pixels <= 0)
		return;
	memcpy(at, colour, RGB);
	for (done = RGB; done < size; done += n) {
		n = done < size - done ? done : size - done;
		memcpy(at + done, at, n);
	}
}

/*
 * Paints every pixel that a span touches.
 */
static void
paint(struct map *map, struct span span, const unsigned char *colour)
{
	int64_t at, end, from, p, row, start, to;

	if (!span_cut(&span, map->range.start, map->range.end))
		return;
	from = (span.start - map->range.start) / MAP_PIXEL;
	to = (span.end - map->range.start + MAP_PIXEL - 1) / MAP_PIXEL;
	if (to - from < MAP_ROWS) {
		for (p = from; p < to; p++) {
			at = p % MAP_ROWS * map->columns + p / MAP_ROWS;
			memcpy(map->rgb + at * RGB, colour, RGB);
		}
		return;
	}
	/* row by row, since a column of a wide map touches many pages */
	for (row = 0; row < MAP_ROWS; row++) {
		start = (from + MAP_ROWS - 1 - row) / MAP_ROWS;
		end = (to + MAP_ROWS - 1 - row) / MAP_ROWS;
		fill(map->rgb + (row * map->columns + start) * RGB, end - start,
		    colour);
	}
}

static void
paint_all(
    struct map *map, const struct spans *spans, const unsigned char *colour)
{
	size_t i;

	for (i = 0; i < spans->n; i++)
		paint(map, spans->v[i], colour);
}

static void
map_paint(struct map *map, const struct report *report)
{
	struct span outside = map->range;

	paint(map, outside, white);
	if (report->extent.start != TIME_NONE) {
		paint(map, report->extent, blue);
		paint_all(map, &report->incomplete, orange);
		paint_all(map, &report->raw.holes, white);
		outside.end = report->extent.start;
		paint(map, outside, white);
		outside.start = report->extent.end;
		outside.end = map->range.end;
		paint(map, outside, white);
	}
	paint_all(map, &report->unreadable, grey);
}

static void
map_write(void *fp, void *data, int size)
{
	fwrite(data, 1, (size_t)size, fp);
}

/*
 * Compresses for stb, which frees the result. A filtered map is nearly all
 * zeros: run lengths do.
 */
static unsigned char *
map_compress(unsigned char *data, int size, int *zlib_size, int quality)
{
	z_stream z = {.next_in = data, .avail_in = (uInt)size};
	unsigned char *zlib = NULL;
	uLong room;

	(void)quality;
	if (deflateInit2(&z, 1, Z_DEFLATED, 15, 8, Z_RLE) != Z_OK)
		return NULL;
	room = deflateBound(&z, (uLong)size);
	if ((zlib = malloc(room)) != NULL) {
		z.next_out = zlib;
		z.avail_out = (uInt)room;
		deflate(&z, Z_FINISH);
		*zlib_size = (int)z.total_out;
	}
	deflateEnd(&z);
	return zlib;
}

/*
 * Finds the hours that the quality's map shows. Returns false if there is
 * nothing to show.
 */
static bool
map_range(
    const struct options *opt, const struct report *report, struct span *range)
{
	const struct hour *hour;
	bool shown;
	size_t i;

	*range = opt->window;
	shown = range->start != INT64_MIN && range->end != INT64_MAX;
	for (i = 0; i < report->hoursz; i++) {
		hour = &report->hours[i];
		if (hour->readable && hour->start == TIME_NONE)
			continue;
		if (hour->readable)
			shown = true;
		if (range->start == INT64_MIN)
			range->start = hour->time;
		if (opt->window.end == INT64_MAX)
			range->end = hour->time + HOUR;
	}
	return shown &&
	    (report->state == STATE_READ || report->state == STATE_ABSENT);
}

/*
 * Returns the width of the quality's map in hours, 0 if there is none.
 */
int64_t
map_hours(const struct options *opt, const struct report *report)
{
	struct span range;

	return map_range(opt, report, &range) ? (range.end - range.start) / HOUR
					      : 0;
}

/*
 * Writes the map as a PNG. errno is ENODATA if there is nothing to show, and
 * EFBIG if it would be wider than MAP_HOURS_MAX.
 */
int
render_map(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
	struct map map;
	int error, written;

	(void)survey;
	if (!map_range(opt, report, &map.range)) {
		errno = ENODATA;
		return -1;
	}
	map.columns = (map.range.end - map.range.start) / HOUR * HOUR_COLUMNS;
	if (map.columns / HOUR_COLUMNS > MAP_HOURS_MAX) {
		errno = EFBIG;
		return -1;
	}
	map.rgb = malloc((size_t)map.columns * MAP_ROWS * RGB);
	if (map.rgb == NULL)
		return -1;
	map_paint(&map, report);
	stbi_write_force_png_filter = 2; /* the difference to the row above */
	errno = ENOMEM; /* the only way that stb itself fails */
	written = stbi_write_png_to_func(
	    map_write, fp, (int)map.columns, MAP_ROWS, RGB, map.rgb, 0);
	error = errno;
	free(map.rgb);
	errno = error;
	return written && !ferror(fp) ? 0 : -1;
}

/*
 * The page
 */

struct figure { /* a node on the page */
	const char *name;
	const struct node *node; /* serves its map and report; or NULL */
	const struct fleet_node *says;
	const struct report *report; /* NULL: no usable one */
	bool here;
	bool shown; /* its map has a URL */
	bool stopped; /* its stream had when it spoke */
	bool old; /* it spoke long ago */
	struct span range; /* hours of its map; empty: not known */
};

struct page {
	FILE *fp;
	const struct options *opt;
	const struct survey *survey;
	const struct report *report;
	const struct fleet *fleet; /* NULL without peers */
	struct fleet_node here; /* speaks alone then */
	struct figure *figures; /* owned; by name */
	size_t figuresz;
	size_t left_out; /* nodes that cannot be shown */
	struct span axis; /* whole hours; empty: no map has its place */
	int64_t columns; /* of the axis */
};

/*
 * Puts text or the value of an attribute. What no page may hold, and what
 * would turn the text around it, becomes U+FFFD.
 */
static void
put_text(FILE *fp, const char *s)
{
	const char *from;
	long c;

	while (*(from = s) != '\0') {
		c = utf8_next(&s);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		    (c >= 0x202a && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069) ||
		    (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe)
			fputs(REPLACEMENT, fp);
		else if (c < 0x80 && strchr("&<>\"'", (int)c) != NULL)
			fprintf(fp, "&#%ld;", c);
		else
			fwrite(from, 1, (size_t)(s - from), fp);
	}
}

/*
 * Puts n bytes of a URL. All but letters, digits and the characters in kept
 * is escaped.
 */
static void
put_escaped(FILE *fp, const char *s, size_t n, const char *kept)
{
	unsigned char c;

	for (; n > 0; n--, s++) {
		c = (unsigned char)*s;
		if (c == '&' && strchr(kept, c) != NULL)
			fputs("&amp;", fp);
		else if ((c >= '0' && c <= '9') ||
		    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    strchr(kept, c) != NULL)
			putc(c, fp);
		else
			fprintf(fp, "%%%02X", c);
	}
}

/*
 * Puts the URL of a node's file of a quality; relative, for this node's.
 */
static void
put_url(const struct page *p, const struct node *node, const char *quality,
    const char *ending)
{
	const char *path = p->opt->output_dir, *safe = "-._~";
	const char *channel = p->report->channel;
	size_t n;

	if (node != NULL) {
		n = strlen(node->url);
		put_escaped(p->fp, node->url, n - (node->url[n - 1] == '/'),
		    "-._~:/[]@!$&()*+,;=%");
		fputs("/segments/", p->fp);
		for (; *path != '\0'; path += n + (path[n] == '/')) {
			n = strcspn(path, "/");
			if (n == 0 || (n == 1 && *path == '.'))
				continue;
			put_escaped(p->fp, path, n, safe);
			putc('/', p->fp);
		}
	}
	put_escaped(p->fp, channel, strlen(channel), safe);
	putc('_', p->fp);
	put_escaped(p->fp, quality, strlen(quality), safe);
	fprintf(p->fp, "_coverage.%s", ending);
}

/*
 * Puts for how long something is past; the script counts on.
 */
static void
put_age(const struct page *p, int64_t t, const char *after)
{
	char buf[TIME_SIZE];
	int64_t s = t < p->opt->now ? (p->opt->now - t) / SECOND : 0;

	time_format(buf, t);
	fprintf(p->fp, "<time data-age='%s' datetime='%.*sZ'>", after,
	    (int)strcspn(buf, "."), buf);
	if (s < 60)
		fprintf(p->fp, "%ds", (int)s);
	else if (s < 3600)
		fprintf(p->fp, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		fprintf(p->fp, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
	else
		fprintf(p->fp, "%" PRId64 "d%02dh", s / 86400,
		    (int)(s / 3600 % 24));
	fprintf(p->fp, "%s</time>", after);
}

static void
put_percent(FILE *fp, const struct coverage *c)
{
	int64_t ratio = coverage_ratio(c);

	if (ratio < 0)
		fputs("&ndash;", fp);
	else if (ratio == 1000000)
		fputs("100 %", fp);
	else
		fprintf(fp, "%d.%02d %%", (int)(ratio / 10000),
		    (int)(ratio / 100 % 100));
}

/*
 * Puts HTML. In fmt stand for what is to be put, and for what type:
 * %a an age, int64_t, and what comes after; %c count, size_t, and a noun;
 * %d number, int64_t; %i instant as ISO, int64_t; %l length, int64_t us;
 * %n name, char *; %p percentage, struct coverage *; %s HTML, char *; %t text,
 * char *; %u URL: struct node *, quality and ending.
 */
static void
put(const struct page *p, const char *fmt, ...)
{
	FILE *fp = p->fp;
	const struct node *node;
	const char *s;
	char buf[TIME_SIZE];
	int64_t t;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			putc(*fmt, fp);
			continue;
		}
		switch (*++fmt) {
		case 'a':
			t = va_arg(ap, int64_t);
			put_age(p, t, va_arg(ap, const char *));
			break;
		case 'c':
			n = va_arg(ap, size_t);
			s = va_arg(ap, const char *);
			fprintf(fp, "%zu %s%s", n, s, n == 1 ? "" : "s");
			break;
		case 'd':
			fprintf(fp, "%" PRId64, va_arg(ap, int64_t));
			break;
		case 'i':
			time_format(buf, va_arg(ap, int64_t));
			fprintf(fp, "%.*sZ", (int)strcspn(buf, ".") + 4, buf);
			break;
		case 'l':
			duration_format(buf, va_arg(ap, int64_t));
			fputs(buf, fp);
			break;
		case 'n':
			fputs("<bdi>", fp);
			put_text(fp, va_arg(ap, const char *));
			fputs("</bdi>", fp);
			break;
		case 'p':
			put_percent(fp, va_arg(ap, const struct coverage *));
			break;
		case 's':
			fputs(va_arg(ap, const char *), fp);
			break;
		case 't':
			put_text(fp, va_arg(ap, const char *));
			break;
		default:
			node = va_arg(ap, const struct node *);
			s = va_arg(ap, const char *);
			put_url(p, node, s, va_arg(ap, const char *));
		}
	}
	va_end(ap);
}

static int64_t
hour_floor(int64_t t)
{
	return t - (t % HOUR + HOUR) % HOUR;
}

/*
 * The hours of a peer's map, as map_range() has them: the report of a peer
 * does not list its hours. A segment may end in the hour after the last one.
 */
static struct span
peer_range(const struct fleet_node *says)
{
	const struct report *r = says->report;
	const struct spans *unread = &r->unreadable;
	struct span range = says->window;

	if (range.start != INT64_MIN && range.end != INT64_MAX)
		return range;
	if (r->start == TIME_NONE)
		return (struct span){0, 0};
	if (range.start == INT64_MIN) {
		range.start = hour_floor(r->start);
		if (unread->n > 0 && unread->v[0].start < range.start)
			range.start = unread->v[0].start;
	}
	if (range.end == INT64_MAX) {
		range.end = hour_floor(r->end - 1) + HOUR;
		if (unread->n > 0 && unread->v[unread->n - 1].end > range.end)
			range.end = unread->v[unread->n - 1].end;
	}
	return range;
}

/*
 * Fills in what a node says, and lengthens the axis by that part of its map
 * that is in the window. A map has no place if the axis would be too long.
 */
static void
figure_fill(struct page *p, struct figure *f)
{
	const struct fleet_node *says = f->says;
	const struct report *r = says == NULL ? NULL : says->report;
	struct span axis, shown;

	f->report = r;
	f->shown = f->node != NULL || f->here;
	if (r == NULL)
		return;
	f->old = p->opt->now - says->generated_at > OLD;
	f->stopped = r->end != TIME_NONE &&
	    says->window.end > says->generated_at &&
	    says->generated_at - r->end > STOPPED &&
	    (r->unreadable.n == 0 ||
		r->unreadable.v[r->unreadable.n - 1].end <= r->end);
	if (!f->here)
		shown = peer_range(says);
	else if (!map_range(p->opt, r, &shown))
		return;
	f->range = shown;
	axis = p->axis.start < p->axis.end ? p->axis : shown;
	if (shown.start < axis.start)
		axis.start = shown.start;
	if (shown.end > axis.end)
		axis.end = shown.end;
	if (span_cut(&shown, p->opt->window.start, p->opt->window.end) &&
	    span_cut(&axis, p->opt->window.start, p->opt->window.end) &&
	    (axis.end - axis.start) / HOUR <= MAP_HOURS_MAX)
		p->axis = axis;
	else
		f->range = (struct span){0, 0};
}

static bool
is_placed(const struct figure *f)
{
	return f->shown && f->range.start < f->range.end;
}

static int
figure_compare(const void *a, const void *b)
{
	const struct figure *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * Lists the nodes of the page and those that speak, each once.
 */
static void
page_nodes(struct page *p)
{
	const struct survey *s = p->survey;
	const struct fleet *fleet = p->fleet;
	const struct fleet_node *node = fleet == NULL ? &p->here : fleet->nodes;
	size_t i, k, says = fleet == NULL ? 1 : fleet->nodesz;
	struct figure *f;

	p->figures = need(calloc(s->nodesz + says, sizeof(*p->figures)));
	for (i = 0; i < s->nodesz; i++) {
		if (s->nodes[i].fault != NULL) {
			p->left_out++;
			continue;
		}
		f = &p->figures[p->figuresz++];
		f->name = s->nodes[i].name;
		f->node = &s->nodes[i];
	}
	for (i = 0; i < says; i++, node++) {
		for (k = 0; k < p->figuresz; k++)
			if (strcmp(p->figures[k].name, node->name) == 0)
				break;
		if (k == p->figuresz)
			p->figuresz++;
		f = &p->figures[k];
		f->name = node->name;
		f->says = node;
		f->here = i == 0 && (fleet == NULL || fleet->here);
		if (f->here) /* first, since its hours count most */
			figure_fill(p, f);
	}
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (!f->here)
			figure_fill(p, f);
	p->columns = (p->axis.end - p->axis.start) / HOUR * HOUR_COLUMNS;
	qsort(p->figures, p->figuresz, sizeof(*p->figures), figure_compare);
}

/*
 * The words of the page
 */

/*
 * The holes that no node has, or this one if it speaks alone.
 */
static const struct coverage *
page_coverage(const struct page *p)
{
	return p->fleet != NULL ? &p->fleet->together : &p->report->raw;
}

static void
put_title(const struct page *p)
{
	const size_t n = page_coverage(p)->holes.n;

	if (n > 0)
		put(p, "(%d) ", (int64_t)n);
	put(p, "%t %t", p->report->channel, p->report->quality);
}

static void
put_heading(const struct page *p)
{
	put(p, "%n %n", p->report->channel, p->report->quality);
}

/*
 * Puts the channel's qualities, linked to their pages.
 */
static void
put_qualities(const struct page *p)
{
	const struct report *r, *end = p->survey->reports + p->survey->reportsz;
	const struct node *none = NULL;
	size_t n = 0;

	for (r = p->survey->reports; r < end; r++)
		n += strcmp(r->channel, p->report->channel) == 0;
	if (n < 2)
		return;
	put(p, "<nav aria-label='Qualities'>");
	for (r = p->survey->reports; r < end; r++)
		if (r == p->report)
			put(p, "<strong>%n</strong> ", r->quality);
		else if (strcmp(r->channel, p->report->channel) == 0)
			put(p, "<a href='%u'>%n</a> ", none, r->quality, "html",
			    r->quality);
	put(p, "</nav>\n");
}

/*
 * Puts which nodes have stopped, and how many say nothing.
 */
static void
put_silent(const struct page *p)
{
	const struct figure *f;
	size_t silent = 0, stopped = 0;

	for (f = p->figures; f < p->figures + p->figuresz; f++) {
		if (f->report == NULL)
			silent++;
		else if (f->stopped && ++stopped <= STOPPED_LISTED)
			put(p, "%s%n stopped %a", stopped > 1 ? ", " : " ",
			    f->name, f->report->end, " ago");
	}
	if (stopped > STOPPED_LISTED)
		put(p, ", and %d more", (int64_t)(stopped - STOPPED_LISTED));
	if (silent > 0 && p->fleet != NULL)
		put(p, "%s %d of %c %s not reported", stopped > 0 ? ";" : "",
		    (int64_t)silent, p->figuresz, "node",
		    silent == 1 ? "has" : "have");
	if (stopped > 0 || (silent > 0 && p->fleet != NULL))
		put(p, ".");
}

static void
put_answer(const struct page *p)
{
	const struct coverage *c = page_coverage(p);
	const struct report *r = p->report;
	int64_t unknown = 0;

	if (p->fleet != NULL) {
		unknown = p->fleet->tallies[GAP_UNKNOWN].duration;
		if (p->fleet->range.start == TIME_NONE)
			put(p, "No node is known to have a segment.");
	} else if (r->state != STATE_READ)
		put(p,
		    r->state == STATE_ABSENT
			? "This node has no such quality."
			: "This node's archive could not be read.");
	else if (r->start == TIME_NONE && c->holes.n == 0)
		put(p, "No segments in these hours.");
	if (c->holes.n > 0)
		put(p, "<strong class='bad'>%c%s, %l.</strong>", c->holes.n,
		    "hole", p->fleet != NULL ? " that no node has" : "",
		    c->hole_duration);
	else if (c->covered > 0)
		put(p, "<strong>No hole%s.</strong>",
		    p->fleet == NULL  ? ""
			: unknown > 0 ? " known that no node has"
				      : " that no node has");
	if (c->holes.n > 0 || c->covered > 0)
		put(p, " %s %p.",
		    p->fleet != NULL ? "All nodes together" : "Covered", c);
	if (unknown > 0)
		put(p, " %l unknown.", unknown);
	put_silent(p);
}

/*
 * How much of a node's holes others have.
 */
static int64_t
elsewhere(const struct fleet *fleet, const struct coverage *c)
{
	const struct gap *gap;
	struct span span;
	int64_t sum = c->hole_duration;
	size_t at = 0, i;

	for (gap = fleet->gaps; gap < fleet->gaps + fleet->gapsz; gap++) {
		if (gap->state != GAP_LOST && gap->state != GAP_UNKNOWN)
			continue;
		while (at < c->holes.n && c->holes.v[at].end <= gap->span.start)
			at++;
		for (i = at; i < c->holes.n; i++) {
			span = c->holes.v[i];
			if (!span_cut(&span, gap->span.start, gap->span.end))
				break;
			sum -= span.end - span.start;
		}
	}
	return sum;
}

/*
 * Puts the cells of holes. shared: us of them that others have.
 */
static void
put_holes(const struct page *p, const struct coverage *c, int64_t shared)
{
	put(p, "<td>%p<td>%d<td>", c, (int64_t)c->holes.n);
	put(p, c->hole_duration > 0 ? "%l<td>" : "&ndash;<td>",
	    c->hole_duration);
	put(p, shared > 0 ? "%l" : "&ndash;", shared);
}

static void
put_row(const struct page *p, const struct figure *f)
{
	const struct report *r = f->report;
	const char *link = f->shown ? "</a>" : "";

	put(p, "<tr><th scope='row'>%n</th>", f->name);
	if (r != NULL) {
		put_holes(p, &f->says->coverage,
		    p->fleet == NULL ? 0
				     : elsewhere(p->fleet, &f->says->coverage));
		if (r->end == TIME_NONE)
			put(p, "<td>none");
		else
			put(p,
			    f->stopped ? "<td class='bad'>stopped %a"
				       : "<td>%a",
			    r->end, f->stopped ? " ago" : " old");
	} else
		put(p, "<td>?<td>?<td>?<td>?<td>?");
	put(p, "<td>");
	if (f->shown)
		put(p, "<a href='%u'>", f->node, p->report->quality, "json");
	if (r == NULL)
		put(p, "<span class='bad'>no report</span>");
	else
		put(p, "<span class='report%s'>%a</span>", f->old ? " bad" : "",
		    f->says->generated_at, " old");
	put(p, "%s</tr>\n", link);
}

/*
 * Puts the table. Without peers there is a row for this node only.
 */
static void
put_table(const struct page *p)
{
	const struct figure *f, *end = p->figures + p->figuresz;
	int64_t newest = TIME_NONE;

	put(p,
	    "<div class='table' tabindex='0' role='region' "
	    "aria-label='Nodes'>\n<table>\n<thead><tr>"
	    "<th scope='col'>Node<th scope='col'>Covered"
	    "<th scope='col'>Holes<th scope='col'>Lost"
	    "<th scope='col'>Elsewhere<th scope='col'>Newest segment"
	    "<th scope='col'>Report</tr></thead>\n<tbody>\n");
	for (f = p->figures; f < end; f++)
		if (f->report != NULL && f->report->end > newest)
			newest = f->report->end;
	if (p->fleet != NULL) {
		put(p, "<tr class='all'><th scope='row'>all together</th>");
		put_holes(p, &p->fleet->together, 0);
		put(p,
		    newest != TIME_NONE ? "<td>%a<td></tr>\n"
					: "<td>none<td></tr>\n",
		    newest, " old");
	}
	for (f = p->figures; f < end; f++)
		if (p->fleet != NULL || f->here)
			put_row(p, f);
	put(p, "</tbody>\n</table>\n</div>\n");
}

/*
 * By length, the longest first, then by time.
 */
static int
span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int64_t p = x->end - x->start, q = y->end - y->start;

	return p != q ? (p < q) - (p > q)
		      : (x->start > y->start) - (x->start < y->start);
}

static void
put_lost(const struct page *p)
{
	const struct spans *holes = &page_coverage(p)->holes;
	struct span *sorted;
	size_t i, n = holes->n;

	if (n == 0)
		return;
	sorted = need(calloc(n, sizeof(*sorted)));
	memcpy(sorted, holes->v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), span_compare);
	put(p, "<section class='lost'>\n<h2>%s, longest first</h2>\n<ol>\n",
	    p->fleet != NULL ? "No node has" : "Holes");
	for (i = 0; i < n && i < LOST_LISTED; i++) {
		if (i == LOST_FIRST)
			put(p,
			    "</ol>\n<details><summary>%d more</summary>\n"
			    "<ol>\n",
			    (int64_t)(n - i));
		put(p, "<li><b>%l</b> <span>%i</span> <span>%i</span></li>\n",
		    sorted[i].end - sorted[i].start, sorted[i].start,
		    sorted[i].end);
	}
	if (n > LOST_LISTED)
		put(p, "<li>%d shorter ones</li>\n", (int64_t)(n - i));
	put(p,
	    n > LOST_FIRST ? "</ol></details>\n</section>\n"
			   : "</ol>\n</section>\n");
	free(sorted);
}

static void
put_made(const struct page *p)
{
	put(p, "%i, %a", p->opt->now, p->opt->now, " ago");
}

static void
put_left_out(const struct page *p)
{
	if (p->left_out > 0)
		put(p, "Nodes left out, whose name or URL cannot be used: %d.",
		    (int64_t)p->left_out);
}

/*
 * The maps of the page
 */

static void
put_day(const struct page *p, int64_t x, int64_t t)
{
	time_t seconds = (time_t)(t / SECOND);
	struct tm tm;
	char day[32] = "";

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(day, sizeof(day), "%a %e %b", &tm);
	put(p, "<text class='day' x='%d' y='12'>%s</text>\n", x + 4, day);
}

/*
 * Puts the axis of days and hours, which every map uses.
 */
static void
put_axis(const struct page *p)
{
	const int64_t hours = (p->axis.end - p->axis.start) / HOUR;
	int64_t i, of_day = (p->axis.start / HOUR % 24 + 24) % 24, x;
	int64_t dawn = (24 - of_day) % 24; /* hours to the first midnight */
	char hour[8];

	put(p,
	    "<clipPath id='frame'><path d='M0 0H%dV%dH0z'/></clipPath>\n"
	    "<g id='axis'>\n",
	    p->columns, (int64_t)MAP_ROWS);
	if (hours > 0 && (dawn >= AXIS_ROOM || dawn >= hours))
		put_day(p, -4, p->axis.start);
	for (i = dawn % AXIS_STEP; i <= hours && hours > 0; i += AXIS_STEP) {
		x = i * HOUR_COLUMNS;
		snprintf(hour, sizeof(hour), "%02d", (int)((of_day + i) % 24));
		if ((of_day + i) % 24 != 0)
			put(p,
			    "<path d='M%d.5 25v5'/><text x='%d' y='23'>%s"
			    "</text>\n",
			    x, x, hour);
		else
			put(p, "<path d='M%d.5 2v28'/>\n", x);
		if ((of_day + i) % 24 == 0 && i < hours)
			put_day(p, x, p->axis.start + i * HOUR);
	}
	put(p, "</g>\n");
}

static int64_t
on_axis(const struct page *p, int64_t t)
{
	return (t - p->axis.start) / (SECOND / 1000);
}

/*
 * Puts spans as milliseconds on the axis, and where the first begins that is
 * left out.
 */
static void
put_spans(const struct page *p, const char *name, const struct spans *spans)
{
	struct span span;
	size_t i = 0, n = 0;

	put(p, " data-%s='", name);
	while (spans_join(spans, &i, 0, &span)) {
		if (!span_cut(&span, p->axis.start, p->axis.end))
			continue;
		if (n++ == SPANS_LISTED) {
			put(p, "' data-%s-until='%d", name,
			    on_axis(p, span.start));
			break;
		}
		put(p, n > 1 ? " %d,%d" : "%d,%d", on_axis(p, span.start),
		    on_axis(p, span.end + SECOND / 1000 - 1));
	}
	put(p, "'");
}

static void
put_image(const struct page *p, const struct figure *f, int64_t height)
{
	put(p, "<image height='%d' x='%d'%s href='%u'/>\n", (int64_t)MAP_ROWS,
	    (f->range.start - p->axis.start) / HOUR * HOUR_COLUMNS,
	    height == MAP_ROWS ? "" : " transform='scale(1 .3333)'", f->node,
	    p->report->quality, "png");
}

static void
put_layers(const struct page *p)
{
	const struct figure *f;

	put(p, "<g class='layers'>\n<path d='M0 0H%dV%dH0z'/>\n", p->columns,
	    (int64_t)MAP_ROWS);
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (is_placed(f))
			put_image(p, f, MAP_ROWS);
	put(p, "</g>\n");
}

/*
 * Puts what lies over a map: hatches from an instant on, a line at now, and
 * an edge.
 */
static void
put_overlay(const struct page *p, int64_t from, int64_t height)
{
	int64_t at = p->opt->now - p->axis.start, x, y;

	from = from < p->axis.start ? 0 : from - p->axis.start;
	x = from / (MAP_PIXEL * MAP_ROWS);
	y = from / MAP_PIXEL % MAP_ROWS * height / MAP_ROWS;
	put(p, "<path class='hatch' fill='url(#hatch)' d='");
	if (x < p->columns)
		put(p, "M%d %dh1V0H%dV%dH%dz", x, y, p->columns, height, x);
	put(p, "'/><path class='now' d='");
	x = at / (MAP_PIXEL * MAP_ROWS);
	if (at >= 0 && x < p->columns)
		put(p, "M%d.5 0V%d", x, height);
	put(p, "'/>\n</g>\n<path class='edge' d='M-.5 %d.5H%d.5V%d.5H-.5z'/>\n",
	    (int64_t)AXIS_HEIGHT - 1, p->columns, height + AXIS_HEIGHT);
}

/*
 * Puts the picture of a node's map on the axis, or if f is NULL those of all
 * nodes, laid over each other.
 */
static void
put_picture(const struct page *p, const struct figure *f, int64_t height)
{
	put(p,
	    "<svg class='picture' role='img' width='%d' height='%d' "
	    "aria-label='Map of %t: blue where it is covered, white where it "
	    "is not'>\n<use href='#axis'/>\n"
	    "<g clip-path='url(#frame)' transform='translate(0 %d)'>\n"
	    "<path class='frame' d='M0 0H%dV%dH0z'/>\n",
	    p->columns, AXIS_HEIGHT + height,
	    f == NULL ? "all nodes together" : f->name, (int64_t)AXIS_HEIGHT,
	    p->columns, height);
	if (f == NULL)
		put_layers(p);
	else
		put_image(p, f, height);
	put_overlay(p,
	    f != NULL && f->old ? f->says->generated_at : p->opt->now, height);
	put(p, "</svg>\n");
}

/*
 * Puts the maps of all nodes laid over each other.
 */
static void
put_together(const struct page *p)
{
	const struct fleet *fleet = p->fleet;
	const struct gap *gap;
	struct spans unknown = {0};

	for (gap = fleet->gaps; gap < fleet->gaps + fleet->gapsz; gap++)
		if (gap->state == GAP_UNKNOWN)
			spans_add(&unknown, gap->span.start, gap->span.end);
	put(p, "<figure id='together'");
	put_spans(p, "holes", &fleet->together.holes);
	put_spans(p, "unknown", &unknown);
	put(p,
	    ">\n<figcaption><h2>All nodes together</h2>"
	    "<p class='status' role='status'></p></figcaption>\n");
	put_picture(p, NULL, MAP_ROWS);
	put(p, "</figure>\n");
	free(unknown.v);
}

/*
 * Puts a node's map: on the axis if its hours are known.
 */
static void
put_figure(const struct page *p, const struct figure *f, int64_t height)
{
	const struct report *r = f->report;
	const char *quality = p->report->quality;

	put(p,
	    is_placed(f) ? "<figure class='placed'" : "<figure class='apart'");
	if (is_placed(f)) {
		put(p, " data-x='%d' data-columns='%d' data-made='%d'",
		    (f->range.start - p->axis.start) / HOUR * HOUR_COLUMNS,
		    (f->range.end - f->range.start) / HOUR * HOUR_COLUMNS,
		    f->says->generated_at / SECOND);
		if (f->says->window.start == INT64_MIN ||
		    f->says->window.end == INT64_MAX)
			put(p, " data-open='1'");
		if (r->start != TIME_NONE)
			put(p, " data-start='%d' data-end='%d'",
			    on_axis(p, r->start), on_axis(p, r->end));
		put_spans(p, "holes", &f->says->coverage.holes);
		put_spans(p, "incomplete", &r->incomplete);
		put_spans(p, "unreadable", &r->unreadable);
	}
	put(p,
	    ">\n<figcaption><h2><a target='_blank' "
	    "rel='noopener noreferrer' href='%u'>%n</a></h2>",
	    f->node, quality, "png", f->name);
	if (is_placed(f))
		put(p, "<p class='report%s'>report %a</p>",
		    f->old ? " bad" : "", f->says->generated_at, " old");
	else
		put(p, "<p%s><a href='%u'>%s</a></p>",
		    p->fleet != NULL ? " class='bad'" : "", f->node, quality,
		    "json",
		    p->fleet == NULL        ? "report"
			: f->report == NULL ? "no report"
					    : "other hours");
	put(p,
	    "<p class='status' role='status'></p></figcaption>\n"
	    "<a target='_blank' rel='noopener noreferrer' href='%u'>",
	    f->node, quality, "png");
	if (is_placed(f))
		put_picture(p, f, height);
	else
		put(p, "<img src='%u' alt='Map of %t'>", f->node, quality,
		    "png", f->name);
	put(p, "</a>\n</figure>\n");
}

static void
put_maps(const struct page *p)
{
	const struct figure *f, *end = p->figures + p->figuresz;
	int64_t height = p->fleet != NULL ? MAP_HEIGHT : MAP_ROWS;

	if (p->columns > 0) {
		put(p,
		    "<div id='maps' tabindex='0' role='region' "
		    "aria-label='Maps' data-first='%d' data-columns='%d'>\n"
		    "<div>\n",
		    p->axis.start / SECOND, p->columns);
		if (p->fleet != NULL)
			put_together(p);
		for (f = p->figures; f < end; f++)
			if (is_placed(f)) {
				put_figure(p, f, height);
				height = MAP_HEIGHT;
			}
		put(p, "<i id='cursor' hidden></i>\n</div>\n</div>\n");
	}
	put(p, "<div class='rest'>\n");
	for (f = p->figures; f < end; f++)
		if (f->shown && !is_placed(f))
			put_figure(p, f, MAP_HEIGHT);
	put(p, "</div>\n");
}

static void
put_css(const struct page *p)
{
	fwrite(page_css, 1, sizeof(page_css), p->fp);
}

static void
put_js(const struct page *p)
{
	fwrite(page_js, 1, sizeof(page_js), p->fp);
}

static void
put_css_hash(const struct page *p)
{
	put(p, page_css_HASH);
}

static void
put_js_hash(const struct page *p)
{
	put(p, page_js_HASH);
}

static void
put_generator(const struct page *p)
{
	put(p, PROGRAM " " VERSION);
}

static const struct {
	const char *name; /* in braces in man/page.html */
	void (*put)(const struct page *);
} parts[] = {{"answer", put_answer}, {"axis", put_axis}, {"css", put_css},
    {"css-hash", put_css_hash}, {"generator", put_generator},
    {"heading", put_heading}, {"js", put_js}, {"js-hash", put_js_hash},
    {"left-out", put_left_out}, {"lost", put_lost}, {"made", put_made},
    {"maps", put_maps}, {"qualities", put_qualities}, {"table", put_table},
    {"title", put_title}};

/*
 * Writes the page: in words what the nodes have, and all their maps.
 */
int
render_page(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
	const char *s = (const char *)page_html, *end = s + sizeof(page_html);
	struct page page = {.fp = fp,
	    .opt = opt,
	    .survey = survey,
	    .report = report,
	    .fleet = report->fleet,
	    .here = {.name = opt->name,
		.report = report->state == STATE_READ ? report : NULL,
		.window = opt->window,
		.generated_at = opt->now,
		.coverage = report->raw}};
	size_t i, n;

	page_nodes(&page);
	for (; s < end; s++) {
		if (*s != '{') {
			putc(*s, fp);
			continue;
		}
		n = strcspn(++s, "}");
		for (i = 0; i < LENGTH(parts); i++)
			if (strlen(parts[i].name) == n &&
			    memcmp(parts[i].name, s, n) == 0)
				parts[i].put(&page);
		s += n;
	}
	free(page.figures);
	return ferror(fp) ? -1 : 0;
}

/*
 * Why a page cannot show a node, or NULL.
 */
const char *
node_fault(const struct node *node)
{
	const char *host, *url = node->url, *name = node->name;

	if (name == NULL || name[strspn(name, " \t\n\v\f\r")] == '\0')
		return "no name";
	if (utf8_length(name) >= NAME_LIMIT)
		return "a name of more than 255 characters";
	if (url == NULL || *url == '\0')
		return "no URL";
	if (utf8_length(url) >= URL_LIMIT)
		return "a URL of more than 2047 characters";
	if (strncasecmp(url, "http://", 7) == 0)
		host = url + 7;
	else if (strncasecmp(url, "https://", 8) == 0)
		host = url + 8;
	else
		return "a URL that is not http or https";
	if (*host == '\0' || strchr("/?#:@", *host) != NULL)
		return "a URL without host";
	for (; *url != '\0'; url++)
		if ((unsigned char)*url <= ' ' || *url == 0x7f)
			return "a URL with a space or a control character";
	if (strpbrk(host, "?#") != NULL)
		return "a URL with a query or a fragment";
	return NULL;
}

void
nodes_free(struct node *nodes, size_t nodesz)
{
	size_t i;

	for (i = 0; i < nodesz; i++) {
		free(nodes[i].name);
		free(nodes[i].url);
	}
	free(nodes);
}

static bool
dsn_parses(const char *dsn)
{
	PQconninfoOption *option, *options = PQconninfoParse(dsn, NULL);
	bool parses = options != NULL;
	const char *port;

	for (option = options; parses && option->keyword != NULL; option++)
		if (strcmp(option->keyword, "port") == 0 &&
		    (port = option->val) != NULL)
			parses = port[strspn(port, "0123456789,")] == '\0';
	PQconninfoFree(options);
	return parses;
}

/*
 * Checks a connection string. libpq quotes what does not parse, and prints
 * what it takes for a host, a port or a database: in a URI without host, or
 * with an unescaped '@' or '/', that is a part of the password.
 */
static bool
dsn_valid(const char *dsn)
{
	const char *at, *end, *start;

	if (!dsn_parses(dsn))
		return false;
	if (strncmp(dsn, "postgres://", 11) != 0 &&
	    strncmp(dsn, "postgresql://", 13) != 0)
		return true;
	start = strchr(dsn, '/') + 2;
	end = start + strcspn(start, "?");
	at = memchr(start, '@', (size_t)(end - start));
	return at == NULL ||
	    (memchr(start, '/', (size_t)(at - start)) == NULL &&
		memchr(at + 1, '@', (size_t)(end - at - 1)) == NULL);
}

/*
 * With a timeout of 4 s, unless the user sets another, a second host or
 * address has its turn.
 */
static PGconn *
database_connect(const char *dsn)
{
	const char *const keywords[] = {"connect_timeout", "dbname",
	    "client_encoding", "fallback_application_name", NULL};
	const char *const values[] = {
	    getenv("PGCONNECT_TIMEOUT") == NULL ? "4" : NULL, dsn, "UTF8",
	    PROGRAM, NULL};

	return PQconnectdbParams(keywords, values, 1);
}

static void
cell_copy(FILE *fp, const PGresult *result, int column)
{
	if (PQgetisnull(result, 0, column))
		putc('-', fp);
	else
		fprintf(fp, "=%s", PQgetvalue(result, 0, column));
	putc('\0', fp);
}

/*
 * Puts a result's row, if it is one. Returns what is wrong, or NULL.
 */
static const char *
row_copy(FILE *fp, PGconn *conn, const PGresult *result, size_t *rows)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
		return NULL;
	case PGRES_SINGLE_TUPLE:
		if (PQnfields(result) != 2)
			break;
		if (++*rows > NODES_MAX)
			return "more than 1000 nodes";
		cell_copy(fp, result, 0);
		cell_copy(fp, result, 1);
		return NULL;
	case PGRES_TUPLES_OK: /* the end of the rows */
		return *rows > 0 ? NULL : "no node is marked backfill_from";
	default:
		if (*PQerrorMessage(conn) != '\0')
			return PQerrorMessage(conn);
	}
	return "no list of nodes in the answer";
}

/*
 * Puts the nodes' rows one by one, as they come. Returns what is wrong, or
 * NULL.
 */
static const char *
rows_copy(FILE *fp, PGconn *conn)
{
	const char *fault = NULL;
	PGresult *result;
	size_t rows = 0;

	if (!PQsendQuery(conn, NODES_QUERY) || !PQsetSingleRowMode(conn))
		return PQerrorMessage(conn);
	while (fault == NULL && (result = PQgetResult(conn)) != NULL) {
		fault = row_copy(fp, conn, result, &rows);
		PQclear(result);
	}
	if (fault == NULL && rows == 0)
		return "no list of nodes in the answer";
	return fault;
}

/*
 * What the child does: writes fields that end with NUL, '=' and a text or '-'
 * for NULL, two a node. Before them there is a '+' once it is connected, and
 * after them '!' and what went wrong, or '.' if nothing did.
 */
static void
database_ask(FILE *fp, const char *dsn)
{
	const char *fault = "out of memory";
	PGconn *conn = database_connect(dsn);

	if (conn != NULL)
		fault = PQerrorMessage(conn);
	if (PQstatus(conn) == CONNECTION_OK) {
		fwrite("+", 1, 2, fp);
		fflush(fp);
		fault = rows_copy(fp, conn);
	}
	fprintf(fp, fault == NULL ? "." : "!%s", fault);
	putc('\0', fp);
	fflush(fp);
	PQfinish(conn);
}

/*
 * Takes from the child all but memory within limits, its standard output and
 * what libraries open. It dies with its parent.
 */
static void
child_confine(int out)
{
	FILE *fp;
	struct rlimit limit;
	unsigned long pages = 0;
	char buf[TIME_SIZE];
	rlim_t room;
	int fd, null;

	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((fp = fopen("/proc/self/statm", "r")) != NULL) {
		if (fgets(buf, sizeof(buf), fp) != NULL)
			pages = strtoul(buf, NULL, 10);
		fclose(fp);
	}
	room = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + CHILD_ROOM;
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_max > room) {
		limit.rlim_cur = limit.rlim_max = room;
		setrlimit(RLIMIT_AS, &limit);
	}
	if (dup2(out, STDOUT_FILENO) == -1 ||
	    (null = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 || dup2(null, STDERR_FILENO) == -1)
		_exit(EXIT_TROUBLE);
	for (fd = STDERR_FILENO + 1; fd < CHILD_FDS; fd++)
		close(fd);
}

static void __attribute__((noreturn)) child_run(int out, const char *dsn)
{
	FILE *fp;

	child_confine(out);
	if ((fp = fdopen(STDOUT_FILENO, "w")) != NULL)
		database_ask(fp, dsn);
	_exit(0);
}

static int64_t
monotonic_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

/*
 * Reads all that the child writes. Returns what is wrong, or NULL.
 */
static const char *
answer_read(int fd, char *answer, size_t *n)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int64_t deadline = monotonic_now() + PATIENCE, left;
	ssize_t got;
	int ready;

	while ((left = deadline - monotonic_now()) > 0) {
		ready = poll(&pfd, 1, (int)(left / 1000 + 1));
		if (ready == 0 || (ready == -1 && errno == EINTR))
			continue;
		got = ready == -1 ? -1 : read(fd, answer + *n, ANSWER_MAX - *n);
		if (got == -1)
			return strerror(errno);
		if (got == 0)
			return NULL;
		if ((*n += (size_t)got) == ANSWER_MAX)
			return "more than 4 MiB of names and URLs";
	}
	return *n > 0 ? "no answer within 10 s" : "no connection within 10 s";
}

/*
 * By name, without name first.
 */
static int
node_compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->name == NULL || y->name == NULL)
		return (x->name != NULL) - (y->name != NULL);
	return strcmp(x->name, y->name);
}

/*
 * Takes the nodes from the answer of n bytes and a NUL. Returns what is
 * wrong, or NULL.
 */
static const char *
answer_parse(const char *answer, size_t n, struct node *nodes, size_t *nodesz)
{
	const char *end = answer + n, *text;
	size_t cells = 0, i;

	for (; answer < end; answer += strlen(answer) + 1) {
		text = answer + 1;
		if (*answer == '!')
			return text;
		if (*answer == '.')
			break;
		if (*answer == '+')
			continue;
		if (cells / 2 == NODES_MAX)
			return "more than 1000 nodes";
		*nodesz = cells / 2 + 1;
		if (*answer == '=')
			*(cells % 2 == 0 ? &nodes[cells / 2].name
					 : &nodes[cells / 2].url) =
			    need(strdup(text));
		cells++;
	}
	if (answer >= end || cells % 2 != 0)
		return "the answer ends early";
	qsort(nodes, *nodesz, sizeof(*nodes), node_compare);
	for (i = 0; i < *nodesz; i++) {
		nodes[i].fault = node_fault(&nodes[i]);
		if (i > 0 && nodes[i].fault == NULL &&
		    node_compare(&nodes[i - 1], &nodes[i]) == 0)
			nodes[i].fault = "listed twice";
	}
	return NULL;
}

/*
 * Asks in a child process, since libpq cannot be bounded in time or memory.
 * Returns the answer of n bytes and a NUL, for the caller to free, and what
 * is wrong, or NULL.
 */
static char *
child_ask(const char *dsn, size_t *n, const char **fault)
{
	char *answer = need(malloc(ANSWER_MAX + 1));
	pid_t pid;
	int fds[2], status;

	*n = 0;
	if (pipe2(fds, O_CLOEXEC) == -1) {
		*fault = strerror(errno);
		return answer;
	}
	if ((pid = fork()) == 0)
		child_run(fds[1], dsn);
	*fault = pid == -1 ? strerror(errno) : NULL;
	close(fds[1]);
	if (pid > 0) {
		*fault = answer_read(fds[0], answer, n);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			continue;
		if (*fault == NULL && WIFSIGNALED(status) &&
		    WTERMSIG(status) != SIGKILL)
			*fault = "the process that asks it has crashed";
	}
	close(fds[0]);
	answer[*n] = '\0';
	return answer;
}

/*
 * Gets the nodes that the database lists, faulty ones too, for nodes_free(),
 * by name; or -1 and a message, which may hold any byte but a newline. Takes
 * PATIENCE at most.
 */
int
nodes_fetch(const char *dsn, struct node **nodes, size_t *nodesz, char *message,
    size_t size)
{
	const char *fault;
	char *answer;
	size_t n;

	if (dsn != NULL && !dsn_valid(dsn)) {
		snprintf(message, size,
		    "malformed connection string: give key=value pairs, or a "
		    "postgresql:// URI with special characters as %%40");
		return -1;
	}
	*nodes = need(calloc(NODES_MAX, sizeof(**nodes)));
	*nodesz = 0;
	answer = child_ask(dsn, &n, &fault);
	if (fault == NULL)
		fault = answer_parse(answer, n, *nodes, nodesz);
	if (fault != NULL) {
		snprintf(
		    message, size, "%.*s", (int)strcspn(fault, "\n"), fault);
		nodes_free(*nodes, *nodesz);
		*nodes = NULL;
		*nodesz = 0;
	}
	free(answer);
	return fault == NULL ? 0 : -1;
}
