/*
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
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <zlib.h>

/* made from man/page.css and man/page.js */
#include ".build/page.css.h"
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
#define RELOAD      60 /* seconds */
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
	if (map.columns > MAP_HOURS_MAX * HOUR_COLUMNS) {
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
	const struct fleet_node *says; /* NULL: no usable report */
	bool here;
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
 * is escaped, and with a single quote so is the value of an attribute.
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
 * Puts the URL of a node's file of the quality; relative, for this node's.
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
		    "-._~:/[]@!$&'()*+,;=%");
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

static void
put_name(FILE *fp, const char *name)
{
	fputs("<bdi>", fp);
	put_text(fp, name);
	fputs("</bdi>", fp);
}

/*
 * Puts an instant as ISO text, to the millisecond.
 */
static void
put_instant(FILE *fp, int64_t t)
{
	char buf[TIME_SIZE];

	time_format(buf, t);
	fprintf(fp, "%.*sZ", (int)strcspn(buf, ".") + 4, buf);
}

/*
 * Puts how long ago an instant was; the script counts on.
 */
static void
put_age(const struct page *p, int64_t t, const char *after)
{
	char buf[TIME_SIZE];
	int64_t s = t < p->opt->now ? (p->opt->now - t) / SECOND : 0;

	time_format(buf, t);
	fprintf(p->fp, "<time data-age=\"%s\" datetime=\"%.*sZ\">", after,
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
put_duration(FILE *fp, int64_t us)
{
	char buf[TIME_SIZE];

	duration_format(buf, us);
	fputs(buf, fp);
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

static void
put_count(FILE *fp, size_t n, const char *noun)
{
	fprintf(fp, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

/*
 * What is known of a figure's node, or NULL.
 */
static const struct report *
figure_report(const struct figure *f)
{
	return f->says == NULL ? NULL : f->says->report;
}

/*
 * For how long a node had no segment when it spoke, up to now; 0 if its
 * stream went on, or its window had ended.
 */
static bool
is_stopped(const struct figure *f)
{
	const struct report *r = figure_report(f);

	return r != NULL && r->end != TIME_NONE &&
	    f->says->window.end > f->says->generated_at &&
	    f->says->generated_at - r->end > STOPPED;
}

static bool
is_old(const struct page *p, const struct figure *f)
{
	return p->opt->now - f->says->generated_at > OLD;
}

static int64_t
hour_floor(int64_t t)
{
	return t - (t % HOUR + HOUR) % HOUR;
}

/*
 * The hours of a peer's map, as map_range() has them: the files of a peer do
 * not list its hours.
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
 * Finds a map's hours, and makes the axis long enough for those that are in
 * the window. No map has a place if there is none for it on the axis.
 */
static void
figure_place(struct page *p, struct figure *f)
{
	const struct span none = {0, 0};
	struct span axis, shown;

	if (figure_report(f) == NULL)
		f->range = none;
	else if (!f->here)
		f->range = peer_range(f->says);
	else if (!map_range(p->opt, f->says->report, &f->range))
		f->range = none;
	shown = f->range;
	if (!span_cut(&shown, p->opt->window.start, p->opt->window.end)) {
		f->range = none;
		return;
	}
	axis = p->axis.start < p->axis.end ? p->axis : shown;
	if (shown.start < axis.start)
		axis.start = shown.start;
	if (shown.end > axis.end)
		axis.end = shown.end;
	if ((axis.end - axis.start) / HOUR > MAP_HOURS_MAX)
		f->range = none;
	else
		p->axis = axis;
}

static bool
is_placed(const struct figure *f)
{
	return f->range.start < f->range.end;
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
	size_t i, k, says = fleet == NULL ? 1 : fleet->nodesz;
	const struct fleet_node *node;
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
	for (i = 0; i < says; i++) {
		node = fleet == NULL ? &p->here : &fleet->nodes[i];
		f = p->figures;
		for (k = p->figuresz; k > 0; k--, f++)
			if (strcmp(f->name, node->name) == 0)
				break;
		if (k == 0)
			p->figuresz++;
		f->name = node->name;
		f->says = node;
		f->here = i == 0 && (fleet == NULL || fleet->here);
		if (f->here)
			figure_place(p, f);
	}
	for (i = 0; i < p->figuresz; i++)
		if (!p->figures[i].here)
			figure_place(p, &p->figures[i]);
	qsort(p->figures, p->figuresz, sizeof(*p->figures), figure_compare);
}

static void
put_head(const struct page *p)
{
	const struct report *r = p->report;
	FILE *fp = p->fp;
	size_t holes =
	    p->fleet != NULL ? p->fleet->together.holes.n : r->raw.holes.n;

	fputs("<!DOCTYPE html>\n"
	      "<html lang=\"en\">\n"
	      "<head>\n"
	      "<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\""
	      "default-src 'none'; img-src 'self' http: https:; "
	      "connect-src 'self'; style-src 'sha256-" page_css_HASH "'; "
	      "script-src 'sha256-" page_js_HASH "'; "
	      "base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"generator\" content=\"" PROGRAM " " VERSION "\">\n"
	      "<title>",
	    fp);
	if (holes > 0)
		fprintf(fp, "(%zu) ", holes);
	put_text(fp, r->channel);
	putc(' ', fp);
	put_text(fp, r->quality);
	fputs("</title>\n<style>", fp);
	fwrite(page_css, 1, sizeof(page_css), fp);
	fputs("</style>\n</head>\n", fp);
}

/*
 * Puts the channel's qualities, linked to their pages.
 */
static void
put_qualities(const struct page *p)
{
	const struct report *r = p->survey->reports;
	size_t i, n = 0;

	for (i = 0; i < p->survey->reportsz; i++)
		n += strcmp(r[i].channel, p->report->channel) == 0;
	if (n < 2)
		return;
	fputs("<nav aria-label=\"Qualities\">", p->fp);
	for (i = 0; i < p->survey->reportsz; i++) {
		if (strcmp(r[i].channel, p->report->channel) != 0)
			continue;
		fputs("<a href=\"", p->fp);
		put_url(p, NULL, r[i].quality, "html");
		fputs(&r[i] == p->report ? "\" aria-current=\"page\">" : "\">",
		    p->fp);
		put_name(p->fp, r[i].quality);
		fputs("</a> ", p->fp);
	}
	fputs("</nav>\n", p->fp);
}

/*
 * Puts what the nodes have together.
 */
static void
put_together(const struct page *p)
{
	const struct tally *lost = &p->fleet->tallies[GAP_LOST];
	const struct tally *unknown = &p->fleet->tallies[GAP_UNKNOWN];
	FILE *fp = p->fp;

	if (p->fleet->range.start == TIME_NONE) {
		fputs("No node is known to have a segment.", fp);
		return;
	}
	fputs("<strong>", fp);
	if (lost->count > 0) {
		put_count(fp, lost->count, "hole");
		fputs(" that no node has, ", fp);
		put_duration(fp, lost->duration);
		fputs(".", fp);
	} else
		fputs(unknown->count > 0 ? "No hole that no node has is known."
					 : "No hole that no node has.",
		    fp);
	fputs("</strong> All nodes together ", fp);
	put_percent(fp, &p->fleet->together);
	putc('.', fp);
	if (unknown->count > 0) {
		putc(' ', fp);
		put_duration(fp, unknown->duration);
		fputs(" are unknown.", fp);
	}
}

/*
 * Puts what this node has, if it speaks alone.
 */
static void
put_alone(const struct page *p)
{
	const struct report *r = p->report;
	FILE *fp = p->fp;

	if (r->state != STATE_READ || r->start == TIME_NONE) {
		fputs(r->state == STATE_READ ? "No segments in this window."
			: r->state == STATE_ABSENT
			? "This node has no such quality."
			: "This node's archive could not be read.",
		    fp);
		return;
	}
	fputs("<strong>", fp);
	if (r->raw.holes.n == 0)
		fputs("No holes.", fp);
	else {
		put_count(fp, r->raw.holes.n, "hole");
		fputs(", ", fp);
		put_duration(fp, r->raw.hole_duration);
		putc('.', fp);
	}
	fputs("</strong> This node has ", fp);
	put_percent(fp, &r->raw);
	putc('.', fp);
}

/*
 * Puts which nodes have stopped, and how many say nothing.
 */
static void
put_silent(const struct page *p)
{
	const struct figure *f;
	FILE *fp = p->fp;
	const char *between = " ";
	size_t silent = 0, stopped = 0;

	for (f = p->figures; f < p->figures + p->figuresz; f++) {
		silent += figure_report(f) == NULL;
		if (!is_stopped(f) || ++stopped > STOPPED_LISTED)
			continue;
		fputs(between, fp);
		put_name(fp, f->name);
		fputs(" stopped ", fp);
		put_age(p, f->says->report->end, " ago");
		between = ", ";
	}
	if (stopped > STOPPED_LISTED)
		fprintf(fp, ", and %zu more", stopped - STOPPED_LISTED);
	if (silent > 0 && p->fleet != NULL) {
		fprintf(fp, stopped > 0 ? "; %zu of " : " %zu of ", silent);
		put_count(fp, p->figuresz, "node");
		fputs(silent == 1 ? " has not reported" : " have not reported",
		    fp);
	} else if (stopped == 0)
		return;
	putc('.', fp);
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
 * Puts a row's figures of holes. shared: how much of them others have, or -1.
 */
static void
put_figures(FILE *fp, const struct coverage *c, int64_t shared)
{
	fputs("<td>", fp);
	put_percent(fp, c);
	fprintf(fp, "<td>%zu<td>", c->holes.n);
	if (c->hole_duration > 0)
		put_duration(fp, c->hole_duration);
	else
		fputs("&ndash;", fp);
	fputs("<td>", fp);
	if (shared > 0)
		put_duration(fp, shared);
	else
		fputs("&ndash;", fp);
}

static void
put_row(const struct page *p, const struct figure *f)
{
	const struct report *r = figure_report(f);
	FILE *fp = p->fp;

	fputs("<tr><th scope=\"row\">", fp);
	put_name(fp, f->name);
	fputs("</th>", fp);
	if (r == NULL)
		fputs("<td>?<td>?<td>?<td>?<td>?", fp);
	else {
		put_figures(fp, &f->says->coverage,
		    p->fleet == NULL ? -1
				     : elsewhere(p->fleet, &f->says->coverage));
		fputs(
		    is_stopped(f) ? "<td class=\"bad\">stopped " : "<td>", fp);
		if (r->end == TIME_NONE)
			fputs("none", fp);
		else
			put_age(p, r->end, is_stopped(f) ? " ago" : " old");
	}
	fputs("<td>", fp);
	if (f->node != NULL || f->here) {
		fputs("<a href=\"", fp);
		put_url(p, f->node, p->report->quality, "json");
		fputs("\">", fp);
	}
	if (r == NULL)
		fputs("<span class=\"bad\">no report</span>", fp);
	else {
		fprintf(fp, "<span class=\"report%s\">",
		    is_old(p, f) ? " bad" : "");
		put_age(p, f->says->generated_at, " old");
		fputs("</span>", fp);
	}
	fputs(f->node != NULL || f->here ? "</a></tr>\n" : "</tr>\n", fp);
}

/*
 * Puts the table. Without peers there is a row for this node only.
 */
static void
put_table(const struct page *p)
{
	const struct figure *f;
	const struct report *r;
	FILE *fp = p->fp;
	int64_t newest = TIME_NONE;

	fputs("<div class=\"table\" tabindex=\"0\" role=\"region\" "
	      "aria-label=\"Nodes\">\n<table>\n<thead><tr>"
	      "<th scope=\"col\">Node<th scope=\"col\">Covered"
	      "<th scope=\"col\">Holes<th scope=\"col\">Lost"
	      "<th scope=\"col\">Elsewhere<th scope=\"col\">Newest segment"
	      "<th scope=\"col\">Report</tr></thead>\n<tbody>\n",
	    fp);
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if ((r = figure_report(f)) != NULL && r->end > newest)
			newest = r->end;
	if (p->fleet != NULL) {
		fputs("<tr class=\"all\"><th scope=\"row\">all together</th>",
		    fp);
		put_figures(fp, &p->fleet->together, -1);
		fputs("<td>", fp);
		if (newest != TIME_NONE)
			put_age(p, newest, " old");
		fputs("<td></tr>\n", fp);
	}
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (p->fleet != NULL || f->here)
			put_row(p, f);
	fputs("</tbody>\n</table>\n</div>\n", fp);
}

static int
longer(const void *a, const void *b)
{
	const struct span *x = *(const struct span *const *)a;
	const struct span *y = *(const struct span *const *)b;
	int64_t p = x->end - x->start, q = y->end - y->start;

	return p != q ? (p < q) - (p > q)
		      : (x->start > y->start) - (x->start < y->start);
}

/*
 * Puts the spans that no node has, or this one if it speaks alone.
 */
static void
put_lost(const struct page *p)
{
	const struct spans *holes = p->fleet != NULL ? &p->fleet->together.holes
						     : &p->report->raw.holes;
	const struct span **sorted =
	    need(calloc(holes->n + 1, sizeof(*sorted)));
	FILE *fp = p->fp;
	size_t i;

	for (i = 0; i < holes->n; i++)
		sorted[i] = &holes->v[i];
	qsort(sorted, holes->n, sizeof(*sorted), longer);
	if (holes->n > 0)
		fprintf(fp,
		    "<section class=\"lost\">\n<h2>%s, longest first"
		    "</h2>\n<ol>\n",
		    p->fleet != NULL ? "No node has" : "Holes");
	for (i = 0; i < holes->n && i < LOST_LISTED; i++) {
		if (i == LOST_FIRST)
			fprintf(fp,
			    "</ol>\n<details><summary>%zu more"
			    "</summary>\n<ol>\n",
			    holes->n - i);
		fputs("<li><b>", fp);
		put_duration(fp, sorted[i]->end - sorted[i]->start);
		fputs("</b> <span>", fp);
		put_instant(fp, sorted[i]->start);
		fputs("</span> <span>", fp);
		put_instant(fp, sorted[i]->end);
		fputs("</span></li>\n", fp);
	}
	if (holes->n > LOST_LISTED)
		fprintf(fp, "<li>%zu shorter ones: see the report</li>\n",
		    holes->n - LOST_LISTED);
	if (holes->n > 0)
		fprintf(fp, "</ol>%s\n</section>\n",
		    holes->n > LOST_FIRST ? "</details>" : "");
	free(sorted);
}

static void
put_header(const struct page *p)
{
	FILE *fp = p->fp;

	fputs("<header>\n<h1>", fp);
	put_name(fp, p->report->channel);
	putc(' ', fp);
	put_name(fp, p->report->quality);
	fputs("</h1>\n", fp);
	put_qualities(p);
	fputs("</header>\n<main>\n<p class=\"answer\">", fp);
	if (p->fleet != NULL)
		put_together(p);
	else
		put_alone(p);
	put_silent(p);
	fputs("</p>\n<div class=\"words\">\n", fp);
	put_table(p);
	put_lost(p);
	fputs("</div>\n", fp);
}

static void
put_day(FILE *fp, int64_t x, int64_t t)
{
	static const char days[7][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(t / SECOND);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		fprintf(fp,
		    "<text class=\"day\" x=\"%" PRId64
		    "\" y=\"12\">%s %d %s</text>\n",
		    x + 4, days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon]);
}

/*
 * Puts the axis of days and hours, which every map uses.
 */
static void
put_axis(FILE *fp, const struct span *range)
{
	int64_t dawn, hours, i, of_day, x;

	hours = (range->end - range->start) / HOUR;
	of_day = (range->start / HOUR % 24 + 24) % 24;
	dawn = (24 - of_day) % 24; /* hours to the first midnight */
	fputs("<g id=\"axis\">\n", fp);
	if (dawn >= AXIS_ROOM || dawn >= hours)
		put_day(fp, -4, range->start);
	for (i = dawn % AXIS_STEP; i <= hours; i += AXIS_STEP) {
		x = i * HOUR_COLUMNS;
		if ((of_day + i) % 24 != 0) {
			fprintf(fp,
			    "<path d=\"M%" PRId64 ".5 25v5\"/>"
			    "<text x=\"%" PRId64 "\" y=\"23\">%02d</text>\n",
			    x, x, (int)((of_day + i) % 24));
			continue;
		}
		fprintf(fp, "<path d=\"M%" PRId64 ".5 2v28\"/>\n", x);
		if (i < hours)
			put_day(fp, x, range->start + i * HOUR);
	}
	fputs("</g>\n", fp);
}

/*
 * Puts what the maps' pictures share. To lay maps over each other, "rank"
 * turns blue, orange, grey and white into greys of 1/8, 3/8, 5/8 and 7/8;
 * the darkest wins, and "best" turns that back.
 */
static void
put_definitions(const struct page *p)
{
	fputs("<svg class=\"definitions\" width=\"0\" height=\"0\" "
	      "aria-hidden=\"true\">\n<defs>\n"
	      "<filter id=\"rank\" x=\"0\" y=\"0\" width=\"1\" height=\"1\" "
	      "color-interpolation-filters=\"sRGB\">"
	      "<feColorMatrix values=\"8.355 -17.885 10.028 0 .377 "
	      "8.355 -17.885 10.028 0 .377 8.355 -17.885 10.028 0 .377 "
	      "0 0 0 1 0\"/></filter>\n"
	      "<filter id=\"best\" x=\"0\" y=\"0\" width=\"1\" height=\"1\" "
	      "color-interpolation-filters=\"sRGB\"><feComponentTransfer>"
	      "<feFuncR type=\"discrete\" tableValues=\".1216 1 .498 1\"/>"
	      "<feFuncG type=\"discrete\" tableValues=\".4667 .498 .498 1\"/>"
	      "<feFuncB type=\"discrete\" tableValues=\".7059 .0549 .498 1\"/>"
	      "</feComponentTransfer></filter>\n"
	      "<pattern id=\"hatch\" width=\"7\" height=\"7\" "
	      "patternUnits=\"userSpaceOnUse\" "
	      "patternTransform=\"rotate(45)\"><path class=\"veil\" "
	      "d=\"M0 0h7v7h-7z\"/><path class=\"stripe\" d=\"M0 0v7\"/>"
	      "</pattern>\n",
	    p->fp);
	put_axis(p->fp, &p->axis);
	fputs("</defs>\n</svg>\n", p->fp);
}

/*
 * Puts spans as milliseconds on the axis. Returns where the first begins that
 * is left out, or INT64_MAX.
 */
static int64_t
put_spans(const struct page *p, const char *name, const struct spans *spans)
{
	const int64_t ms = SECOND / 1000;
	struct span span;
	size_t i = 0, n = 0;

	fprintf(p->fp, " data-%s=\"", name);
	while (spans_join(spans, &i, 0, &span)) {
		if (!span_cut(&span, p->axis.start, p->axis.end))
			continue;
		if (n++ == SPANS_LISTED) {
			putc('"', p->fp);
			return span.start;
		}
		fprintf(p->fp, "%s%" PRId64 ",%" PRId64, n > 1 ? " " : "",
		    (span.start - p->axis.start) / ms,
		    (span.end - p->axis.start + ms - 1) / ms);
	}
	putc('"', p->fp);
	return INT64_MAX;
}

/*
 * Puts what the script is to know of a placed map.
 */
static void
put_data(const struct page *p, const struct figure *f)
{
	const struct report *r = f->says->report;
	const struct span *window = &f->says->window;
	int64_t cut, until;

	fprintf(p->fp,
	    " data-x=\"%" PRId64 "\" data-columns=\"%" PRId64
	    "\" data-made=\"%" PRId64 "\" data-open=\"%d\"",
	    (f->range.start - p->axis.start) / HOUR * HOUR_COLUMNS,
	    (f->range.end - f->range.start) / HOUR * HOUR_COLUMNS,
	    f->says->generated_at / SECOND,
	    window->start == INT64_MIN || window->end == INT64_MAX);
	if (r->start != TIME_NONE)
		fprintf(p->fp,
		    " data-start=\"%" PRId64 "\" data-end=\"%" PRId64 "\"",
		    (r->start - p->axis.start) / (SECOND / 1000),
		    (r->end - p->axis.start) / (SECOND / 1000));
	until = put_spans(p, "holes", &f->says->coverage.holes);
	if ((cut = put_spans(p, "incomplete", &r->incomplete)) < until)
		until = cut;
	if ((cut = put_spans(p, "unreadable", &r->unreadable)) < until)
		until = cut;
	if (until != INT64_MAX)
		fprintf(p->fp, " data-until=\"%" PRId64 "\"",
		    (until - p->axis.start) / (SECOND / 1000));
}

static int64_t
axis_columns(const struct page *p)
{
	return (p->axis.end - p->axis.start) / HOUR * HOUR_COLUMNS;
}

/*
 * Puts what lies over a map of a height: hatches from an instant on, and a
 * line at now.
 */
static void
put_overlay(const struct page *p, int64_t from, int64_t height)
{
	const int64_t columns = axis_columns(p);
	int64_t pixel, x, y;

	fputs("<path class=\"hatch\" fill=\"url(#hatch)\" d=\"", p->fp);
	if (from < p->axis.start)
		from = p->axis.start;
	if (from < p->axis.end) {
		pixel = (from - p->axis.start) / MAP_PIXEL;
		x = pixel / MAP_ROWS;
		y = pixel % MAP_ROWS * height / MAP_ROWS;
		fprintf(p->fp,
		    "M%" PRId64 " %" PRId64 "h1V0H%" PRId64 "V%" PRId64
		    "H%" PRId64 "z",
		    x, y, columns, height, x);
	}
	fputs("\"/><path class=\"now\" d=\"", p->fp);
	if (p->opt->now >= p->axis.start && p->opt->now < p->axis.end)
		fprintf(p->fp, "M%" PRId64 ".5 0V%" PRId64,
		    (p->opt->now - p->axis.start) / (MAP_PIXEL * MAP_ROWS),
		    height);
	fputs("\"/>", p->fp);
}

static void
put_image(const struct page *p, const struct figure *f, const char *attributes)
{
	fprintf(p->fp, "<image height=\"%d\" x=\"%" PRId64 "\" %s href=\"",
	    MAP_ROWS, (f->range.start - p->axis.start) / HOUR * HOUR_COLUMNS,
	    attributes);
	put_url(p, f->node, p->report->quality, "png");
	fputs("\"/>\n", p->fp);
}

/*
 * Opens the picture of a map on the axis.
 */
static void
put_picture(const struct page *p, int64_t height)
{
	fprintf(p->fp,
	    "<svg class=\"picture\" role=\"img\" width=\"%" PRId64
	    "\" height=\"%" PRId64 "\" aria-label=\"",
	    axis_columns(p), AXIS_HEIGHT + height);
}

static void
put_ground(const struct page *p, const char *class, int64_t height)
{
	fprintf(p->fp,
	    "\">\n<use href=\"#axis\"/>\n<g transform=\"translate(0 %d)\">\n"
	    "<path class=\"%s\" d=\"M0 0H%" PRId64 "V%" PRId64 "H0z\"/>\n",
	    AXIS_HEIGHT, class, axis_columns(p), height);
}

/*
 * Puts the maps of all nodes laid over each other.
 */
static void
put_layers(const struct page *p)
{
	const struct fleet *fleet = p->fleet;
	struct spans unknown = {0};
	const struct figure *f;
	FILE *fp = p->fp;
	size_t i;

	fputs("<figure id=\"together\"", fp);
	put_spans(p, "holes", &fleet->together.holes);
	for (i = 0; i < fleet->gapsz; i++)
		if (fleet->gaps[i].state == GAP_UNKNOWN)
			spans_add(&unknown, fleet->gaps[i].span.start,
			    fleet->gaps[i].span.end);
	put_spans(p, "unknown", &unknown);
	free(unknown.v);
	fputs(">\n<figcaption><h2>All nodes together</h2>"
	      "<p class=\"status\" role=\"status\"></p></figcaption>\n",
	    fp);
	put_picture(p, MAP_ROWS);
	fputs("All nodes' maps laid over each other: white where no node has "
	      "anything",
	    fp);
	put_ground(p, "frame", MAP_ROWS);
	fprintf(fp,
	    "<g class=\"layers\" filter=\"url(#best)\">\n"
	    "<path fill=\"#dfdfdf\" d=\"M0 0H%" PRId64 "V%dH0z\"/>\n",
	    axis_columns(p), MAP_ROWS);
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (is_placed(f) && (f->node != NULL || f->here))
			put_image(p, f, "filter=\"url(#rank)\"");
	fputs("</g>\n", fp);
	put_overlay(p, p->opt->now, MAP_ROWS);
	fputs("</g>\n</svg>\n</figure>\n", fp);
}

static void
put_caption(const struct page *p, const struct figure *f)
{
	FILE *fp = p->fp;

	fputs("<figcaption><h2><a target=\"_blank\" "
	      "rel=\"noopener noreferrer\" href=\"",
	    fp);
	put_url(p, f->node, p->report->quality, "png");
	fputs("\">", fp);
	put_name(fp, f->name);
	fputs("</a></h2>", fp);
	if (!is_placed(f) && p->fleet != NULL)
		fputs(figure_report(f) == NULL
			? "<p class=\"bad\">no report</p>"
			: "<p class=\"bad\">other hours</p>",
		    fp);
	else if (is_placed(f)) {
		fprintf(fp, "<p class=\"report%s\">report ",
		    is_old(p, f) ? " bad" : "");
		put_age(p, f->says->generated_at, " old");
		fputs("</p>", fp);
	}
	fputs("<p class=\"status\" role=\"status\"></p></figcaption>\n", fp);
}

static void
put_alt(const struct page *p, const struct figure *f)
{
	fputs("Map of ", p->fp);
	put_text(p->fp, f->name);
	fputs(": blue where it is covered, white where it is not", p->fp);
}

/*
 * Puts the map of a node whose hours are known, on the axis.
 */
static void
put_placed(const struct page *p, const struct figure *f, int64_t height)
{
	FILE *fp = p->fp;

	fputs("<figure class=\"placed\"", fp);
	put_data(p, f);
	fputs(">\n", fp);
	put_caption(p, f);
	fputs("<a target=\"_blank\" rel=\"noopener noreferrer\" href=\"", fp);
	put_url(p, f->node, p->report->quality, "png");
	fputs("\">", fp);
	put_picture(p, height);
	put_alt(p, f);
	put_ground(p, "frame", height);
	put_image(
	    p, f, height == MAP_ROWS ? "" : "transform=\"scale(1 .3333)\"");
	put_overlay(
	    p, is_old(p, f) ? f->says->generated_at : p->opt->now, height);
	fputs("</g>\n</svg></a>\n</figure>\n", fp);
}

/*
 * Puts the map of a node whose hours are not known.
 */
static void
put_apart(const struct page *p, const struct figure *f)
{
	FILE *fp = p->fp;

	fputs("<figure class=\"apart\">\n", fp);
	put_caption(p, f);
	fputs("<a target=\"_blank\" rel=\"noopener noreferrer\" href=\"", fp);
	put_url(p, f->node, p->report->quality, "png");
	fputs("\"><img src=\"", fp);
	put_url(p, f->node, p->report->quality, "png");
	fputs("\" alt=\"", fp);
	put_alt(p, f);
	fputs("\"></a>\n</figure>\n", fp);
}

static void
put_maps(const struct page *p)
{
	const struct figure *f;
	FILE *fp = p->fp;
	int64_t height = p->fleet != NULL ? MAP_HEIGHT : MAP_ROWS;
	size_t apart = 0;

	if (p->axis.start < p->axis.end) {
		put_definitions(p);
		fprintf(fp,
		    "<div id=\"maps\" tabindex=\"0\" role=\"region\" "
		    "aria-label=\"Maps\" data-first=\"%" PRId64
		    "\" data-columns=\"%" PRId64 "\">\n<div>\n",
		    p->axis.start / SECOND, axis_columns(p));
		if (p->fleet != NULL)
			put_layers(p);
		for (f = p->figures; f < p->figures + p->figuresz; f++)
			if (is_placed(f) && (f->node != NULL || f->here)) {
				put_placed(p, f, height);
				height = MAP_HEIGHT;
			}
		fputs("<i id=\"cursor\" hidden></i>\n</div>\n</div>\n", fp);
	}
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (!is_placed(f) && f->node != NULL) {
			if (apart++ == 0)
				fputs("<div class=\"rest\">\n", fp);
			put_apart(p, f);
		}
	if (apart > 0)
		fputs("</div>\n", fp);
	if (p->left_out > 0)
		fprintf(fp,
		    "<p>Nodes left out, whose name or URL cannot be used: "
		    "%zu</p>\n",
		    p->left_out);
}

static void
put_key(FILE *fp, const unsigned char *colour, const char *meaning)
{
	fprintf(fp,
	    "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\">"
	    "<rect x=\".5\" y=\".5\" width=\"15\" height=\"15\" "
	    "fill=\"#%02x%02x%02x\"/></svg> %s</li>\n",
	    colour[0], colour[1], colour[2], meaning);
}

static void
put_footer(const struct page *p)
{
	FILE *fp = p->fp;

	fputs("</main>\n<footer>\n<ul class=\"legend\">\n", fp);
	put_key(fp, blue, "covered");
	put_key(fp, orange, "suspect or partial segments only");
	put_key(fp, white, "not covered");
	put_key(fp, grey, "could not be read");
	if (p->axis.start < p->axis.end)
		fputs(
		    "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\">"
		    "<rect x=\".5\" y=\".5\" width=\"15\" height=\"15\" "
		    "fill=\"url(#hatch)\"/></svg> not reported yet</li>\n",
		    fp);
	fputs("</ul>\n<p>Time is UTC. It runs down a column of 10 minutes, "
	      "then on to the next; a pixel is 2 seconds.</p>\n<p>Page made ",
	    fp);
	put_instant(fp, p->opt->now);
	fputs(", <span class=\"report\">", fp);
	put_age(p, p->opt->now, " ago");
	fputs("</span>. <span id=\"loading\" hidden>Maps load again every "
	      "minute, last at <span id=\"asked\"></span>. "
	      "<button type=\"button\" id=\"pause\" aria-pressed=\"false\">"
	      "Pause</button></span></p>\n</footer>\n"
	      "<div id=\"bar\" hidden>\n"
	      "<button type=\"button\" id=\"previous\" "
	      "aria-keyshortcuts=\"p\">&#9664; hole</button>\n"
	      "<button type=\"button\" id=\"next\" "
	      "aria-keyshortcuts=\"n\">hole &#9654;</button>\n"
	      "<output id=\"there\"></output>\n</div>\n",
	    fp);
}

/*
 * Writes the page: in words what the nodes have, and all their maps.
 */
int
render_page(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
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

	page_nodes(&page);
	put_head(&page);
	fprintf(fp, "<body data-reload=\"%d\" data-old=\"%d\">\n", RELOAD,
	    (int)(OLD / SECOND));
	put_header(&page);
	put_maps(&page);
	put_footer(&page);
	fputs("<script>", fp);
	fwrite(page_js, 1, sizeof(page_js), fp);
	fputs("</script>\n</body>\n</html>\n", fp);
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
put_cell(FILE *fp, const PGresult *result, int column)
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
put_node(FILE *fp, PGconn *conn, const PGresult *result, size_t *rows)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
		return NULL;
	case PGRES_SINGLE_TUPLE:
		if (PQnfields(result) != 2)
			break;
		if (++*rows > NODES_MAX)
			return "more than 1000 nodes";
		put_cell(fp, result, 0);
		put_cell(fp, result, 1);
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
put_nodes(FILE *fp, PGconn *conn)
{
	const char *fault = NULL;
	PGresult *result;
	size_t rows = 0;

	if (!PQsendQuery(conn, NODES_QUERY) || !PQsetSingleRowMode(conn))
		return PQerrorMessage(conn);
	while (fault == NULL && (result = PQgetResult(conn)) != NULL) {
		fault = put_node(fp, conn, result, &rows);
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
		fault = put_nodes(fp, conn);
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
	rlim_t room;
	int fd, null;

	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((fp = fopen("/proc/self/statm", "r")) != NULL) {
		if (fscanf(fp, "%lu", &pages) != 1)
			pages = 0;
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
		if (cells == 2 * NODES_MAX)
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
