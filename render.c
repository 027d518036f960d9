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
#define MAP_ROWS     INT64_C(300)
#define MAP_COLUMN   (MAP_ROWS * MAP_PIXEL)
#define HOUR_COLUMNS (HOUR / MAP_COLUMN)
#define RGB          3 /* bytes of a pixel */

#define AXIS_HEIGHT INT64_C(30) /* pixels */
#define AXIS_STEP   6 /* hours */
#define AXIS_ROOM   12 /* hours that the name of a day is wide */
#define MAP_HEIGHT  INT64_C(100) /* pixels, of a node's map among peers */
#define STOPPED     (2 * MINUTE) /* without a segment: the stream has */
#define OLD         (15 * MINUTE) /* a report that says nothing of today */

/* how many of each a page lists */
#define STOPPED_LISTED 3 /* nodes */
#define LOST_LISTED    1000 /* holes */
#define SPANS_LISTED   2000 /* of each kind, for the script */

/* The server gives up too, so that abandoned queries do not pile up there. */
#define NODES_QUERY                                              \
	"BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; " \
	"SELECT left(name, 256), left(url, 2048) FROM nodes "    \
	"WHERE backfill_from ORDER BY left(name, 256) "          \
	"COLLATE \"C\" LIMIT 1001"
#define NODES_MAX  1000
#define NAME_LIMIT 256 /* characters: a name this long was cut */
#define URL_LIMIT  2048
#define ANSWER_MAX (4 << 20) /* bytes of all names and URLs */
#define PATIENCE   10 /* seconds with the database, in all */
#define CHILD_ROOM (256 << 20) /* bytes that the child may add */
#define CHILD_FDS  1024 /* the child closes those below */

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

/*
 * Paints every pixel of a map that a span touches: row by row, since a column
 * of a wide map touches many pages.
 */
static void
paint(unsigned char *rgb, const struct span *range, const struct span *spans,
    size_t n, const unsigned char *colour)
{
	const int64_t width = (range->end - range->start) / MAP_COLUMN;
	unsigned char *at;
	int64_t columns, from, p, to;
	struct span span;

	for (; n > 0; n--, spans++) {
		span = *spans;
		if (!span_cut(&span, range->start, range->end))
			continue;
		from = (span.start - range->start) / MAP_PIXEL;
		to = (span.end - range->start + MAP_PIXEL - 1) / MAP_PIXEL;
		for (p = from; p < to && p < from + MAP_ROWS; p++) {
			at = rgb + RGB * (p / MAP_ROWS + p % MAP_ROWS * width);
			columns = (to - p + MAP_ROWS - 1) / MAP_ROWS;
			for (; columns > 0; columns--, at += RGB)
				memcpy(at, colour, RGB);
		}
	}
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
 * Finds the hours that a quality's map shows, here or at a peer, whose report
 * does not list its hours: there a segment may end in the hour after the last
 * one. Returns false if there is nothing to show.
 */
static bool
map_range(const struct span *window, const struct report *r, struct span *range)
{
	const size_t n = r->unreadable.n;
	const struct span *unread = r->unreadable.v;
	int64_t start, end;
	size_t i;

	*range = *window;
	if (r->state != STATE_READ && r->state != STATE_ABSENT)
		return false;
	if (r->start == TIME_NONE)
		return range->start != INT64_MIN && range->end != INT64_MAX;
	start = r->start - (r->start % HOUR + HOUR) % HOUR;
	end = r->end - 1;
	end += HOUR - (end % HOUR + HOUR) % HOUR;
	for (i = 0; i < r->hoursz; i++)
		if (r->hours[i].start != TIME_NONE)
			end = r->hours[i].time + HOUR;
	if (range->start == INT64_MIN)
		range->start =
		    n > 0 && unread[0].start < start ? unread[0].start : start;
	if (range->end == INT64_MAX)
		range->end =
		    n > 0 && unread[n - 1].end > end ? unread[n - 1].end : end;
	return true;
}

/*
 * Returns the width of the quality's map in hours, 0 if there is none.
 */
int64_t
map_hours(const struct options *opt, const struct report *report)
{
	struct span range;

	if (!map_range(&opt->window, report, &range))
		return 0;
	return (range.end - range.start) / HOUR;
}

/*
 * Writes the map as a PNG. errno is ENODATA if there is nothing to show, and
 * EFBIG if it would be wider than MAP_HOURS_MAX.
 */
int
render_map(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
	unsigned char *png, *rgb;
	struct span outside[2], range;
	int size;

	(void)survey;
	errno = ENODATA;
	if (!map_range(&opt->window, report, &range))
		return -1;
	errno = EFBIG;
	if (range.end - range.start > MAP_HOURS_MAX * HOUR)
		return -1;
	size = (int)((range.end - range.start) / MAP_COLUMN);
	if ((rgb = malloc((size_t)size * MAP_ROWS * RGB)) == NULL)
		return -1;
	/* without extent, after TIME_NONE is always */
	outside[0] = (struct span){range.start, report->extent.start};
	outside[1] = (struct span){report->extent.end, range.end};
	paint(rgb, &range, &range, 1, blue);
	paint(rgb, &range, report->incomplete.v, report->incomplete.n, orange);
	paint(rgb, &range, report->raw.holes.v, report->raw.holes.n, white);
	paint(rgb, &range, outside, LENGTH(outside), white);
	paint(rgb, &range, report->unreadable.v, report->unreadable.n, grey);
	stbi_write_force_png_filter = 2; /* the difference to the row above */
	png = stbi_write_png_to_mem(rgb, 0, size, MAP_ROWS, RGB, &size);
	free(rgb);
	errno = ENOMEM; /* the only way that stb fails */
	if (png == NULL)
		return -1;
	fwrite(png, 1, (size_t)size, fp);
	free(png);
	return ferror(fp) ? -1 : 0;
}

/*
 * The page
 */

struct figure { /* a node on the page */
	const char *name;
	const struct node *node; /* serves its map and report; or NULL */
	const struct fleet_node *says;
	const struct report *report; /* NULL: no usable one */
	bool shown; /* its map has a URL */
	bool placed; /* and a place on the axis */
	bool stopped; /* its stream had when it spoke */
	bool old; /* it spoke long ago */
	struct span range; /* hours of its map */
};

struct page {
	FILE *fp;
	const struct options *opt;
	const struct survey *survey;
	const struct report *report;
	const struct fleet *fleet; /* NULL without peers */
	const struct coverage *coverage; /* all nodes', or this one's */
	struct figure *figures; /* owned; by name */
	size_t figuresz;
	size_t left_out; /* nodes that cannot be shown */
	struct span axis; /* whole hours; empty: no map has its place */
	int64_t columns; /* of the axis */
};

typedef void part(const struct page *);

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
	for (; n > 0; n--, s++)
		if (*s == '&' && strchr(kept, '&') != NULL)
			fputs("&amp;", fp);
		else if ((*s >= '0' && *s <= '9') ||
		    ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') ||
		    strchr(kept, *s) != NULL)
			putc(*s, fp);
		else
			fprintf(fp, "%%%02X", (unsigned char)*s);
}

/*
 * Puts the URL of a node's file of the quality; relative, for this node's.
 */
static void
put_url(const struct page *p, const struct node *node, const char *ending)
{
	char *path = compose("%s/%s_%s_coverage.%s",
	    node == NULL ? "." : p->opt->output_dir, p->report->channel,
	    p->report->quality, ending);
	const char *s;
	size_t n;

	if (node != NULL) {
		n = strlen(node->url);
		put_escaped(p->fp, node->url, n - (node->url[n - 1] == '/'),
		    "-._~:/[]@!$&()*+,;=%");
		fputs("/segments/", p->fp);
	}
	for (s = path; *s != '\0'; s += n) {
		n = strcspn(s, "/");
		n += s[n] == '/';
		if (*s != '/' && strncmp(s, "./", 2) != 0)
			put_escaped(p->fp, s, n, "-._~/");
	}
	free(path);
}

/*
 * Puts for how long something is past, or "none"; the script counts on.
 */
static void
put_age(const struct page *p, int64_t t, const char *after)
{
	static const int unit[] = {86400, 3600, 60, 1};
	const int64_t now = p->opt->now;
	const int64_t s = t != TIME_NONE && t < now ? (now - t) / SECOND : 0;
	char buf[TIME_SIZE];
	int i = 0;

	if (t == TIME_NONE) {
		fputs("none", p->fp);
		return;
	}
	time_format(buf, t);
	fprintf(p->fp, "<time data-age='%s' datetime='%.*sZ'>", after,
	    (int)strcspn(buf, "."), buf);
	while (i < 3 && s < unit[i])
		i++;
	fprintf(p->fp, "%" PRId64 "%c", s / unit[i], "dhms"[i]);
	if (i < 3)
		fprintf(p->fp, "%02d%c", (int)(s % unit[i] / unit[i + 1]),
		    "dhms"[i + 1]);
	fprintf(p->fp, "%s</time>", after);
}

static void
put_percent(FILE *fp, const struct coverage *c)
{
	const int ratio = (int)coverage_ratio(c);

	if (ratio < 0 || ratio == 1000000)
		fputs(ratio < 0 ? "&ndash;" : "100 %", fp);
	else
		fprintf(fp, "%d.%02d %%", ratio / 10000, ratio / 100 % 100);
}

/*
 * Puts HTML. In fmt, as in man/page.html, stand for what is put, by type:
 * %a age and what comes after, or "none", int64_t and char *; %d number,
 * int64_t; %f what a function puts, part *; %i instant as ISO, int64_t;
 * %l length or a dash, int64_t us; %m instant as milliseconds on the axis,
 * int64_t; %p percentage or a dash, struct coverage *; %s HTML, char *; %t
 * text, char *; %u URL, struct node * and ending; %z number, size_t.
 */
static void
put(const struct page *p, const char *fmt, ...)
{
	FILE *fp = p->fp;
	const struct node *node;
	char buf[TIME_SIZE];
	int64_t n = 0;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			putc(*fmt, fp);
			continue;
		}
		if (strchr("adilm", *++fmt) != NULL)
			n = va_arg(ap, int64_t);
		switch (*fmt) {
		case 'a':
			put_age(p, n, va_arg(ap, const char *));
			break;
		case 'm':
			n = (n - p->axis.start) / (SECOND / 1000);
			/* FALLTHROUGH */
		case 'd':
			fprintf(fp, "%" PRId64, n);
			break;
		case 'f':
			va_arg(ap, part *)(p);
			break;
		case 'i':
			time_format(buf, n);
			fprintf(fp, "%.*sZ", (int)strcspn(buf, ".") + 4, buf);
			break;
		case 'l':
			duration_format(buf, n);
			fputs(n > 0 ? buf : "&ndash;", fp);
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
		case 'u':
			node = va_arg(ap, const struct node *);
			put_url(p, node, va_arg(ap, const char *));
			break;
		case 'z':
			fprintf(fp, "%zu", va_arg(ap, size_t));
		}
	}
	va_end(ap);
}

static int
figure_compare(const void *a, const void *b)
{
	const struct figure *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * Lists the nodes of the page and those that speak, each once. The axis is
 * what their maps show of the window, this node's first: a map has no place
 * if the axis would be too long.
 */
static void
page_nodes(struct page *p, const struct fleet_node *says, size_t saysz)
{
	const struct span *window = &p->opt->window;
	const struct survey *survey = p->survey;
	const struct node *node = survey->nodes;
	const struct report *r;
	struct figure *end, *f;
	struct span axis, shown;
	size_t i, n;

	end = p->figures = need(calloc(survey->nodesz + saysz, sizeof(*f)));
	for (; node < survey->nodes + survey->nodesz; node++)
		if (node->fault != NULL)
			p->left_out++;
		else
			*end++ = (struct figure){
			    .name = node->name, .node = node, .shown = true};
	for (i = 0; i < saysz; i++, says++) {
		f = p->figures;
		while (f < end && strcmp(f->name, says->name) != 0)
			f++;
		end += f == end;
		f->name = says->name;
		f->says = says;
		f->shown |= i == 0 && (p->fleet == NULL || p->fleet->here);
		if ((r = f->report = says->report) == NULL)
			continue;
		n = r->unreadable.n;
		f->old = p->opt->now - says->generated_at > OLD;
		f->stopped = r->end != TIME_NONE &&
		    says->window.end > says->generated_at &&
		    says->generated_at - r->end > STOPPED &&
		    (n == 0 || r->unreadable.v[n - 1].end <= r->end);
		if (!map_range(&says->window, r, &f->range))
			continue;
		shown = f->range;
		if (!span_cut(&shown, window->start, window->end))
			continue;
		axis = p->axis.start < p->axis.end ? p->axis : shown;
		if (shown.start < axis.start)
			axis.start = shown.start;
		if (shown.end > axis.end)
			axis.end = shown.end;
		if (axis.end - axis.start <= MAP_HOURS_MAX * HOUR) {
			p->axis = axis;
			f->placed = f->shown;
		}
	}
	p->columns = (p->axis.end - p->axis.start) / MAP_COLUMN;
	p->figuresz = (size_t)(end - p->figures);
	qsort(p->figures, p->figuresz, sizeof(*p->figures), figure_compare);
}

static void
put_qualities(const struct page *p)
{
	const struct report *r, *end = p->survey->reports + p->survey->reportsz;
	struct page other = *p;

	if (p->opt->qualities.n < 2)
		return;
	put(p, "<nav aria-label='Qualities'>");
	for (other.report = r = p->survey->reports; r < end; other.report = ++r)
		if (r == p->report)
			put(p, "<strong><bdi>%t</bdi></strong> ", r->quality);
		else if (strcmp(r->channel, p->report->channel) == 0)
			put(&other, "<a href='%u'><bdi>%t</bdi></a> ",
			    (struct node *)NULL, "html", r->quality);
	put(p, "</nav>\n");
}

/*
 * Puts what is missing, which nodes have stopped, and how many say nothing.
 */
static void
put_answer(const struct page *p)
{
	const struct fleet *fleet = p->fleet;
	const struct coverage *c = p->coverage;
	const struct report *r = p->report;
	const struct figure *f;
	const char *lost = fleet != NULL ? " that no node has" : "";
	size_t n = c->holes.n, silent = 0, stopped = 0;
	int64_t unknown = 0;

	if (fleet != NULL) {
		unknown = fleet->tallies[GAP_UNKNOWN].duration;
		if (fleet->range.start == TIME_NONE)
			put(p, "No node is known to have a segment.");
	} else if (r->state != STATE_READ)
		put(p, "This node%s.",
		    r->state == STATE_ABSENT ? " has no such quality"
					     : "'s archive could not be read");
	else if (r->start == TIME_NONE && n == 0)
		put(p, "No segments in these hours.");
	if (n > 0)
		put(p, "<strong class='bad'>%z hole%s%s, %l.</strong>", n,
		    n == 1 ? "" : "s", lost, c->hole_duration);
	else if (c->covered > 0)
		put(p, "<strong>No hole%s%s.</strong>",
		    unknown > 0 ? " known" : "", lost);
	if (n > 0 || c->covered > 0)
		put(p, " %s %p.",
		    fleet != NULL ? "All nodes together" : "Covered", c);
	if (unknown > 0)
		put(p, " %l unknown.", unknown);
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (f->report == NULL)
			silent += fleet != NULL;
		else if (f->stopped && ++stopped <= STOPPED_LISTED)
			put(p, "%s<bdi>%t</bdi> stopped %a",
			    stopped > 1 ? ", " : " ", f->name, f->report->end,
			    " ago");
	if (stopped > STOPPED_LISTED)
		put(p, ", and %z more", stopped - STOPPED_LISTED);
	if (silent > 0)
		put(p, "%s %z of %z node%s %s not reported",
		    stopped > 0 ? ";" : "", silent, p->figuresz,
		    p->figuresz == 1 ? "" : "s", silent == 1 ? "has" : "have");
	if (stopped > 0 || silent > 0)
		put(p, ".");
}

/*
 * Puts the rows of the table. Without peers there is one for this node only.
 */
static void
put_rows(const struct page *p)
{
	const struct figure *f, *end = p->figures + p->figuresz;
	const struct coverage *c = p->coverage;
	int64_t newest = TIME_NONE;

	for (f = p->figures; f < end; f++)
		if (f->report != NULL && f->report->end > newest)
			newest = f->report->end;
	if (p->fleet != NULL)
		put(p,
		    "<tr class='all'><th scope='row'>all together</th>"
		    "<td>%p<td>%z<td>%l<td>&ndash;<td>%a<td></tr>\n",
		    c, c->holes.n, c->hole_duration, newest, " old");
	for (f = p->figures; f < end; f++) {
		if (p->fleet == NULL && f->says == NULL)
			continue;
		put(p, "<tr><th scope='row'><bdi>%t</bdi></th>", f->name);
		c = f->report != NULL ? &f->says->coverage : NULL;
		if (c != NULL)
			put(p, "<td>%p<td>%z<td>%l<td>%l<td%s%a<td>", c,
			    c->holes.n, c->hole_duration, f->says->elsewhere,
			    f->stopped ? " class='bad'>stopped " : ">",
			    f->report->end, f->stopped ? " ago" : " old");
		else
			put(p, "<td>?<td>?<td>?<td>?<td>?<td>");
		put(p, f->shown ? "<a href='%u'>" : "", f->node, "json");
		if (c != NULL)
			put(p, "<span class='report%s'>%a</span>",
			    f->old ? " bad" : "", f->says->generated_at,
			    " old");
		else
			put(p, "<span class='bad'>no report</span>");
		put(p, f->shown ? "</a></tr>\n" : "</tr>\n");
	}
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
	const size_t n = p->coverage->holes.n;
	struct span *at, *sorted;

	if (n == 0)
		return;
	sorted = need(calloc(n, sizeof(*sorted)));
	memcpy(sorted, p->coverage->holes.v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), span_compare);
	put(p,
	    "<section class='lost'>\n<h2>%s, longest first</h2>\n"
	    "<ol tabindex='0'>\n",
	    p->fleet != NULL ? "No node has" : "Holes");
	for (at = sorted; at < sorted + n && at - sorted < LOST_LISTED; at++)
		put(p, "<li><b>%l</b> <span>%i</span> <span>%i</span></li>\n",
		    at->end - at->start, at->start, at->end);
	if (n > LOST_LISTED)
		put(p, "<li>%z shorter ones</li>\n", n - LOST_LISTED);
	put(p, "</ol>\n</section>\n");
	free(sorted);
}

/*
 * Puts the days and hours of the axis, which every map uses. The first day
 * has a name if the next one leaves it room.
 */
static void
put_axis(const struct page *p)
{
	const int64_t hours = p->columns / HOUR_COLUMNS;
	const int64_t room = hours < AXIS_ROOM ? hours : AXIS_ROOM;
	int64_t hour, i, x;
	char day[32];
	time_t t;
	struct tm tm;

	for (i = 0; i <= hours && hours > 0; i++) {
		x = i * HOUR_COLUMNS;
		t = (time_t)(p->axis.start / SECOND + i * 3600);
		if (gmtime_r(&t, &tm) == NULL)
			return;
		hour = tm.tm_hour;
		if (hour == 0)
			put(p, "<path d='M%d.5 2v28'/>\n", x);
		if (hour == 0 ? i < hours : i == 0 && 24 - hour >= room) {
			strftime(day, sizeof(day), "%a %e %b", &tm);
			put(p, "<text class='day' x='%d' y='12'>%s</text>\n",
			    hour == 0 ? x + 4 : 0, day);
		}
		if (hour != 0 && hour % AXIS_STEP == 0)
			put(p,
			    "<path d='M%d.5 25v5'/><text x='%d' y='23'>%d%d"
			    "</text>\n",
			    x, x, hour / 10, hour % 10);
	}
}

/*
 * Puts spans as milliseconds, and where the first begins that is left out.
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
			put(p, "' data-%s-until='%m", name, span.start);
			break;
		}
		put(p, n > 1 ? " %m,%m" : "%m,%m", span.start,
		    span.end + SECOND / 1000 - 1);
	}
	put(p, "'");
}

/*
 * Puts the picture of a node's map on the axis, or if f is NULL those of all
 * nodes, laid over each other. Over it lie hatches from the instant on that
 * is not reported, a line at now, and an edge.
 */
static void
put_picture(const struct page *p, const struct figure *f)
{
	const int64_t now = p->opt->now - p->axis.start, width = p->columns;
	const int64_t height =
	    p->fleet == NULL || f == NULL ? MAP_ROWS : MAP_HEIGHT;
	int64_t from = now, x, y;
	const struct figure *g;

	if (f != NULL && f->old)
		from = f->says->generated_at - p->axis.start;
	put(p,
	    "<svg class='picture' role='img' width='%d' height='%d' "
	    "aria-label='Map of %t: blue where it is covered, white where it "
	    "is not'>\n<use href='#axis'/>\n"
	    "<g clip-path='url(#frame)' transform='translate(0 %d)'>\n"
	    "<path class='frame' d='M0 0H%dV%dH0z'/>\n",
	    width, AXIS_HEIGHT + height,
	    f == NULL ? "all nodes together" : f->name, AXIS_HEIGHT, width,
	    height);
	if (f == NULL)
		put(p, "<g class='layers'>\n<path d='M0 0H%dV%dH0z'/>\n", width,
		    height);
	for (g = p->figures; g < p->figures + p->figuresz; g++)
		if (f == NULL ? g->placed : g == f)
			put(p, "<image height='%d' x='%d'%s href='%u'/>\n",
			    MAP_ROWS,
			    (g->range.start - p->axis.start) / MAP_COLUMN,
			    height == MAP_ROWS ? ""
					       : " transform='scale(1 .3333)'",
			    g->node, "png");
	if (f == NULL)
		put(p, "</g>\n");
	from = from < 0 ? 0 : from;
	x = from / MAP_COLUMN;
	y = from / MAP_PIXEL % MAP_ROWS * height / MAP_ROWS;
	put(p, "<path class='hatch' fill='url(#hatch)' d='");
	put(p, x < width ? "M%d %dh1V0H%dV%dH%dz" : "", x, y, width, height, x);
	put(p, "'/><path class='now' d='");
	put(p, now >= 0 && now / MAP_COLUMN < width ? "M%d.5 0V%d" : "",
	    now / MAP_COLUMN, height);
	put(p,
	    "'/>\n</g>\n<path class='edge' d='M-.5 %d.5H%d.5V%d.5H-.5z'/>\n"
	    "</svg>\n",
	    AXIS_HEIGHT - 1, width, height + AXIS_HEIGHT);
}

static void
put_figure(const struct page *p, const struct figure *f)
{
	const struct fleet_node *says = f->says;
	const struct report *r = f->report;

	put(p, "<figure class='%s'", f->placed ? "placed" : "apart");
	if (f->placed) {
		put(p, " data-x='%d' data-columns='%d' data-made='%d'%s",
		    (f->range.start - p->axis.start) / MAP_COLUMN,
		    (f->range.end - f->range.start) / MAP_COLUMN,
		    says->generated_at / SECOND,
		    says->window.start == INT64_MIN ||
			    says->window.end == INT64_MAX
			? " data-open='1'"
			: "");
		if (r->start != TIME_NONE)
			put(p, " data-start='%m' data-end='%m'", r->start,
			    r->end);
		put_spans(p, "holes", &says->coverage.holes);
		put_spans(p, "incomplete", &r->incomplete);
		put_spans(p, "unreadable", &r->unreadable);
	}
	put(p,
	    ">\n<figcaption><h2><a target='_blank' "
	    "rel='noopener noreferrer' href='%u'><bdi>%t</bdi></a></h2>",
	    f->node, "png", f->name);
	if (f->placed)
		put(p, "<p class='report%s'>report %a</p>",
		    f->old ? " bad" : "", says->generated_at, " old");
	else
		put(p, "<p%s><a href='%u'>%s</a></p>",
		    p->fleet != NULL ? " class='bad'" : "", f->node, "json",
		    p->fleet == NULL ? "report"
			: r == NULL  ? "no report"
				     : "other hours");
	put(p,
	    "<p class='status' role='status'></p></figcaption>\n"
	    "<a target='_blank' rel='noopener noreferrer' href='%u'>",
	    f->node, "png");
	if (f->placed)
		put_picture(p, f);
	else
		put(p, "<img src='%u' alt='Map of %t'>", f->node, "png",
		    f->name);
	put(p, "</a>\n</figure>\n");
}

/*
 * Puts the maps on the axis, with peers all together first, then the others.
 */
static void
put_maps(const struct page *p)
{
	const struct figure *f;

	if (p->columns > 0 && p->fleet != NULL) {
		put(p, "<figure id='together'");
		put_spans(p, "holes", &p->coverage->holes);
		put(p,
		    ">\n<figcaption><h2>All nodes together</h2>"
		    "<p class='status' role='status'></p></figcaption>\n");
		put_picture(p, NULL);
		put(p, "</figure>\n");
	}
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (f->placed)
			put_figure(p, f);
	put(p,
	    "<i id='cursor' hidden></i>\n</div>\n</div>\n"
	    "<div class='rest'>\n");
	for (f = p->figures; f < p->figures + p->figuresz; f++)
		if (f->shown && !f->placed)
			put_figure(p, f);
}

/*
 * Writes the page: in words what the nodes have, and all their maps.
 */
int
render_page(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
	const struct fleet *fleet = report->fleet;
	const struct fleet_node here = {.name = opt->name, /* speaks alone */
	    .report = report->state == STATE_READ ? report : NULL,
	    .window = opt->window,
	    .generated_at = opt->now,
	    .coverage = report->raw};
	struct page page = {.fp = fp,
	    .opt = opt,
	    .survey = survey,
	    .report = report,
	    .fleet = fleet,
	    .coverage = fleet != NULL ? &fleet->together : &report->raw};
	char holes[32] = "", left_out[96] = "";

	page_nodes(&page, fleet != NULL ? fleet->nodes : &here,
	    fleet != NULL ? fleet->nodesz : 1);
	if (page.coverage->holes.n > 0)
		snprintf(
		    holes, sizeof(holes), "(%zu) ", page.coverage->holes.n);
	if (page.left_out > 0)
		snprintf(left_out, sizeof(left_out),
		    "Nodes left out, whose name or URL cannot be used: %zu.",
		    page.left_out);
	put(&page, page_html, page_css_HASH, page_js_HASH, PROGRAM " " VERSION,
	    holes, report->channel, report->quality, page_css, report->channel,
	    report->quality, put_qualities, put_answer, put_rows, put_lost,
	    page.columns, put_axis, page.axis.start / SECOND, page.columns,
	    page.columns > 0 ? "" : " hidden", put_maps, left_out, opt->now,
	    opt->now, " ago", page_js);
	free(page.figures);
	return ferror(fp) ? -1 : 0;
}

/*
 * The nodes
 */

/*
 * Why a page cannot show a node, or NULL.
 */
const char *
node_fault(const struct node *node)
{
	const char *host, *url = node->url, *name = node->name;

	if (name[strspn(name, " \t\n\v\f\r")] == '\0')
		return "no name";
	if (utf8_length(name) >= NAME_LIMIT)
		return "a name of more than 255 characters";
	if (*url == '\0')
		return "no URL";
	if (utf8_length(url) >= URL_LIMIT)
		return "a URL of more than 2047 characters";
	if (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0)
		return "a URL that is not http or https";
	host = strchr(url, '/') + 2;
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

/*
 * Checks a connection string. libpq quotes what does not parse, and prints
 * what it takes for a host, a port or a database: in a URI without host, or
 * with an unescaped '@' or '/', that is a part of the password.
 */
static bool
dsn_valid(const char *dsn)
{
	PQconninfoOption *option, *options = PQconninfoParse(dsn, NULL);
	bool valid = options != NULL;
	const char *s;

	for (option = options; valid && option->keyword != NULL; option++)
		if (strcmp(option->keyword, "port") == 0 &&
		    (s = option->val) != NULL)
			valid = s[strspn(s, "0123456789,")] == '\0';
	PQconninfoFree(options);
	if (!valid || strncmp(dsn, "postgres", 8) != 0)
		return valid;
	s = strchr(dsn, '/') + 2;
	s += strcspn(s, "@/?");
	s += *s == '@';
	return s[strcspn(s, "@?")] != '@';
}

/*
 * Asks in the child, which gets PATIENCE, CHILD_ROOM and nothing of the run
 * but a pipe, and dies with it. Writes texts that end with NUL: an empty one
 * once it is connected, then each node's name and URL; or what is wrong.
 * A timeout, unless the user sets one, gives a second host or address its turn.
 */
static void __attribute__((noreturn))
child_run(pid_t parent, int out, const char *dsn)
{
	const char *const keywords[] = {"connect_timeout", "dbname",
	    "client_encoding", "fallback_application_name", NULL};
	const char *const values[] = {
	    getenv("PGCONNECT_TIMEOUT") == NULL ? "4" : NULL, dsn, "UTF8",
	    PROGRAM, NULL};
	const char *fault = "no list of nodes in the answer";
	rlim_t room = CHILD_ROOM;
	PGresult *result = NULL;
	PGconn *conn;
	struct rlimit limit;
	char *pages;
	size_t size;
	int fd, i, rows;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(1);
	if ((pages = file_read("/proc/self/statm", TIME_SIZE, &size)) != NULL)
		room +=
		    strtoul(pages, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_max > room) {
		limit.rlim_cur = limit.rlim_max = room;
		setrlimit(RLIMIT_AS, &limit);
	}
	for (fd = 0; fd < CHILD_FDS; fd++)
		if (fd != out)
			close(fd);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)open("/dev/null", O_RDWR);

	conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(conn) == CONNECTION_OK) {
		dprintf(out, "%c", '\0');
		result = PQexec(conn, NODES_QUERY);
	}
	rows = PQntuples(result);
	if (*PQerrorMessage(conn) != '\0')
		fault = PQerrorMessage(conn);
	else if (PQresultStatus(result) == PGRES_TUPLES_OK &&
	    PQnfields(result) == 2)
		fault = rows > NODES_MAX ? "more than 1000 nodes"
		    : rows == 0          ? "no node is marked backfill_from"
					 : NULL;
	for (i = 0; fault == NULL && i < rows; i++)
		if (dprintf(out, "%s%c%s%c", PQgetvalue(result, i, 0), '\0',
			PQgetvalue(result, i, 1), '\0') < 0)
			_exit(1);
	if (fault != NULL)
		dprintf(out, "%s", fault);
	PQfinish(conn); /* or the server logs a client that was lost */
	_exit(fault == NULL ? 0 : EXIT_TROUBLE);
}

/*
 * Asks in a child process, since libpq cannot be bounded in time or memory.
 * Reads what it writes, for PATIENCE at most. Returns what is wrong, or NULL.
 */
static const char *
answer_read(const char *dsn, char *answer, size_t *n)
{
	const pid_t parent = getpid();
	struct pollfd from = {.events = POLLIN};
	struct timespec begun, now;
	int64_t left = INT64_C(1000) * PATIENCE;
	ssize_t got = -1;
	pid_t pid;
	int fds[2], status;

	(void)signal(SIGCHLD, SIG_DFL); /* who starts us may ignore it */
	if (pipe(fds) == -1 || (pid = fork()) == -1)
		return strerror(errno);
	if (pid == 0)
		child_run(parent, fds[1], dsn);
	close(fds[1]);
	from.fd = fds[0];
	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (left > 0 && got != 0) {
		if (poll(&from, 1, (int)left) > 0 &&
		    (got = read(fds[0], answer + *n, ANSWER_MAX - *n)) > 0)
			*n += (size_t)got;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (begun.tv_sec - now.tv_sec + PATIENCE) * 1000 +
		    (begun.tv_nsec - now.tv_nsec) / 1000000;
	}
	close(fds[0]);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) == -1)
		return strerror(errno);
	if (*n == ANSWER_MAX)
		return "more than 4 MiB of names and URLs";
	if (got != 0)
		return *n > 0 ? "no answer within 10 s"
			      : "no connection within 10 s";
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 1)
		return "the process that asks it has crashed";
	return WEXITSTATUS(status) == 0 ? NULL : answer + (*answer == '\0');
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
	const char *fault =
	    "malformed connection string: give key=value pairs, "
	    "or a postgresql:// URI with special characters as %40";
	char *answer = need(calloc(1, ANSWER_MAX + 1));
	const char *s = answer + 1;
	struct node *node;
	size_t n = 0;

	*nodes = node = need(calloc(NODES_MAX, sizeof(*node)));
	if (dsn == NULL || dsn_valid(dsn))
		fault = answer_read(dsn, answer, &n);
	while (fault == NULL && s < answer + n && node < *nodes + NODES_MAX) {
		node->name = need(strdup(s));
		s += strlen(s) + 1;
		node->url = need(strdup(s));
		s += strlen(s) + 1;
		node->fault = node_fault(node);
		if (node > *nodes && node->fault == NULL &&
		    strcmp(node[-1].name, node->name) == 0)
			node->fault = "listed twice";
		node++;
	}
	*nodesz = (size_t)(node - *nodes);
	if (fault != NULL)
		snprintf(
		    message, size, "%.*s", (int)strcspn(fault, "\n"), fault);
	free(answer);
	return fault == NULL ? 0 : -1;
}
