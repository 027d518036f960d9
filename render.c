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

#include ".build/page.h" /* made of man/page.css and man/page.js */
#include "segparse.h"

#define MAP_PIXEL    (2 * SECOND)
#define MAP_ROWS     300
#define HOUR_COLUMNS 6
#define RGB          3 /* bytes of a pixel */

#define AXIS_HEIGHT 30 /* pixels */
#define AXIS_STEP   6 /* hours */
#define AXIS_ROOM   12 /* hours that the name of a day is wide */
#define RELOAD      60 /* seconds */

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
	return report->state == STATE_READ && shown;
}

/*
 * Returns the width of the quality's map in hours, 0 if there is none.
 */
int64_t
map_hours(const struct options *opt, const struct report *report)
{
	struct span range;

	return map_range(opt, report, &range)
	    ? (range.end - range.start) / HOUR
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

/*
 * Text or the value of an attribute. What no page may hold, and what would
 * turn the text around it, becomes U+FFFD.
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
 * A part of a URL: all but letters, digits and the characters in kept is
 * escaped, and with a single quote so is the value of an attribute.
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
 * Where a node serves its map of the quality.
 */
static void
put_url(FILE *fp, const struct options *opt, const struct report *report,
    const struct node *node)
{
	const char *path = opt->output_dir, *safe = "-._~";
	size_t n = strlen(node->url);

	put_escaped(fp, node->url, n - (node->url[n - 1] == '/'),
	    "-._~:/[]@!$&'()*+,;=%");
	fputs("/segments/", fp);
	for (; *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && *path == '.'))
			continue;
		put_escaped(fp, path, n, safe);
		putc('/', fp);
	}
	put_escaped(fp, report->channel, strlen(report->channel), safe);
	putc('_', fp);
	put_escaped(fp, report->quality, strlen(report->quality), safe);
	fputs("_coverage.png", fp);
}

/*
 * The date and the minute of an instant.
 */
static void
put_minute(FILE *fp, int64_t t)
{
	char buf[TIME_SIZE];
	int date;

	time_format(buf, t);
	date = (int)strcspn(buf, "T");
	fprintf(fp, "%.*s %.5s", date, buf, buf + date + 1);
}

static void
put_range(FILE *fp, const struct span *range)
{
	put_minute(fp, range->start);
	fputs(" to ", fp);
	put_minute(fp, range->end);
	fputs(" UTC", fp);
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
 * The axis of days and hours, which every figure uses.
 */
static void
put_axis(FILE *fp, const struct span *range)
{
	int64_t dawn, hours, i, of_day, x;

	hours = (range->end - range->start) / HOUR;
	of_day = (range->start / HOUR % 24 + 24) % 24;
	dawn = (24 - of_day) % 24; /* hours to the first midnight */
	fputs("<svg class=\"definitions\" width=\"0\" height=\"0\" "
	      "aria-hidden=\"true\">\n<defs><g id=\"axis\">\n",
	    fp);
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
	fputs("</g></defs>\n</svg>\n", fp);
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
put_head(FILE *fp, const struct report *report)
{
	fputs("<!DOCTYPE html>\n"
	      "<html lang=\"en\">\n"
	      "<head>\n"
	      "<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\""
	      "default-src 'none'; img-src http: https:; connect-src 'self'; "
	      "style-src 'sha256-" CSS_HASH "'; "
	      "script-src 'sha256-" JS_HASH "'; "
	      "base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"generator\" content=\"" PROGRAM " " VERSION "\">\n"
	      "<title>",
	    fp);
	put_text(fp, report->channel);
	putc(' ', fp);
	put_text(fp, report->quality);
	fputs(": segment coverage</title>\n<style>", fp);
	fwrite(css, 1, sizeof(css), fp);
	fputs("</style>\n</head>\n", fp);
}

static void
put_header(FILE *fp, const struct options *opt, const struct report *report,
    const struct span *range)
{
	char buf[TIME_SIZE];

	fputs("<header>\n<h1><bdi>", fp);
	put_text(fp, report->channel);
	fputs("</bdi> <bdi>", fp);
	put_text(fp, report->quality);
	fputs("</bdi>: segment coverage</h1>\n<p>", fp);
	if (range != NULL) {
		put_range(fp, range);
		fputs(". ", fp);
	}
	fputs("Time runs down a column of 10 minutes, then on to the "
	      "next; a pixel is 2 seconds.</p>\n"
	      "<ul class=\"legend\">\n",
	    fp);
	put_key(fp, blue, "covered");
	put_key(fp, orange, "suspect or partial segments only");
	put_key(fp, white, "not covered: a hole, or no stream");
	put_key(fp, grey, "could not be read");
	time_format(buf, opt->now);
	fprintf(fp,
	    "</ul>\n<p class=\"quiet\">Page made at <time datetime=\"%.16sZ\">",
	    buf);
	put_minute(fp, opt->now);
	fputs(
	    " UTC</time>. <span id=\"reloading\" hidden>"
	    "Maps load again every minute, last at "
	    "<span id=\"asked\"></span>. <button type=\"button\" id=\"pause\" "
	    "aria-pressed=\"false\">Pause</button></span></p>\n"
	    "</header>\n",
	    fp);
}

static int64_t
range_columns(const struct span *range)
{
	return (range->end - range->start) / HOUR * HOUR_COLUMNS;
}

static void
put_figure(FILE *fp, const struct options *opt, const struct report *report,
    const struct span *range, const struct node *node)
{
	fputs("<figure>\n<figcaption><h2><bdi>", fp);
	put_text(fp, node->name);
	fputs("</bdi></h2></figcaption>\n<div class=\"map\" "
	      "tabindex=\"0\" role=\"region\" aria-label=\"Map of ",
	    fp);
	put_text(fp, node->name);
	fputs("\">\n", fp);
	if (range != NULL)
		fprintf(fp,
		    "<svg class=\"axis\" width=\"%" PRId64 "\" height=\"%d\" "
		    "aria-hidden=\"true\"><use href=\"#axis\"/></svg>\n",
		    range_columns(range), AXIS_HEIGHT);
	fputs("<a href=\"", fp);
	put_url(fp, opt, report, node);
	fputs("\" target=\"_blank\" rel=\"noopener noreferrer\">"
	      "<img src=\"",
	    fp);
	put_url(fp, opt, report, node);
	fputs("\" alt=\"Coverage of ", fp);
	put_text(fp, report->channel);
	putc(' ', fp);
	put_text(fp, report->quality);
	fputs(" on ", fp);
	put_text(fp, node->name);
	if (range != NULL) {
		fputs(", ", fp);
		put_range(fp, range);
	}
	fputs(": blue where it is covered, white where it is not\">"
	      "</a>\n</div>\n"
	      "<div class=\"note\"><div class=\"time\"></div>"
	      "<div class=\"status\" role=\"status\"></div></div>\n"
	      "</figure>\n",
	    fp);
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

static void
put_main(FILE *fp, const struct options *opt, const struct report *report,
    const struct span *range, const struct node *nodes, size_t shown,
    size_t left_out)
{
	size_t i;

	if (range != NULL && shown > 0)
		put_axis(fp, range);
	fputs("<main>\n", fp);
	if (shown == 0)
		fputs("<p>There is no node to show. Nodes are those "
		      "that the database marks backfill_from.</p>\n",
		    fp);
	for (i = 0; i < shown; i++)
		put_figure(fp, opt, report, range, &nodes[i]);
	fputs("</main>\n", fp);
	if (left_out > 0)
		fprintf(fp,
		    "<p class=\"quiet\">Nodes left out, whose name or URL "
		    "cannot be used: %zu</p>\n",
		    left_out);
}

/*
 * The page of all nodes' maps of a quality, but for nodes at fault.
 */
int
render_page(FILE *fp, const struct options *opt, const struct survey *survey,
    const struct report *report)
{
	struct node *shown;
	const struct span *range = NULL;
	size_t i, n = 0;

	shown = need(calloc(survey->nodesz + 1, sizeof(*shown)));
	for (i = 0; i < survey->nodesz; i++)
		if (survey->nodes[i].fault == NULL)
			shown[n++] = survey->nodes[i];
	qsort(shown, n, sizeof(*shown), node_compare);
	if (opt->window.start != INT64_MIN && opt->window.end != INT64_MAX &&
	    (opt->window.end - opt->window.start) / HOUR <= MAP_HOURS_MAX)
		range = &opt->window;
	put_head(fp, report);
	fprintf(fp, "<body data-reload=\"%d\"", RELOAD);
	if (range != NULL)
		fprintf(fp,
		    " data-first=\"%" PRId64 "\" data-columns=\"%" PRId64 "\"",
		    range->start / SECOND, range_columns(range));
	fputs(">\n", fp);
	put_header(fp, opt, report, range);
	put_main(fp, opt, report, range, shown, n, survey->nodesz - n);
	fputs("<script>", fp);
	fwrite(js, 1, sizeof(js), fp);
	fputs("</script>\n</body>\n</html>\n", fp);
	free(shown);
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
put_row(FILE *fp, PGconn *conn, const PGresult *result, size_t *rows)
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
put_rows(FILE *fp, PGconn *conn)
{
	const char *fault = NULL;
	PGresult *result;
	size_t rows = 0;

	if (!PQsendQuery(conn, NODES_QUERY) || !PQsetSingleRowMode(conn))
		return PQerrorMessage(conn);
	while (fault == NULL && (result = PQgetResult(conn)) != NULL) {
		fault = put_row(fp, conn, result, &rows);
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
		fault = put_rows(fp, conn);
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
