/*
 * What people look at: the map of a quality, a PNG, and the page that shows
 * all nodes' maps, HTML, with the nodes that a database knows.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <libpq-fe.h>

#include "segparse.h"

#define MAP_PIXEL    (2 * SECOND)
#define MAP_ROWS     300
#define HOUR_COLUMNS 6
#define RGB          3 /* bytes of a pixel */

#define MATCH_MIN 3 /* what deflate can repeat, bytes */
#define MATCH_MAX 258
#define WINDOW    32768 /* how far back it can look */
#define ADLER     65521

#define AXIS_HEIGHT 30 /* pixels */
#define AXIS_STEP   6 /* hours */
#define AXIS_ROOM   12 /* hours that the name of a day is wide */
#define RELOAD      60 /* seconds */

/* the server stops when we have long gone, lest waiting ones pile up there */
#define NODES_QUERY                                              \
	"BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; " \
	"SELECT left(name, 256), left(url, 2048) FROM nodes "    \
	"WHERE backfill_from ORDER BY name LIMIT 1000; COMMIT"
#define NAME_LIMIT 256 /* characters: so long it was cut */
#define URL_LIMIT  2048
#define PATIENCE   (10 * SECOND) /* with the database, in all */
#define PARTING    (SECOND / 4) /* the last of it, to leave in order */

struct code { /* bits of a deflate stream */
	uint32_t bits; /* the first is the lowest */
	unsigned size;
};

struct deflate {
	unsigned char *out; /* where the next byte goes */
	uint64_t bits; /* not out yet, the first is the lowest */
	unsigned size; /* how many */
	uint32_t low, high; /* Adler-32 of what went in */
	struct code length[MATCH_MAX + 1];
};

struct map {
	unsigned char *rgb; /* owned; row by row */
	struct span range;
	int64_t columns;
};

struct fetch { /* what two threads share */
	pthread_mutex_t lock; /* over ended, left and doing */
	pthread_cond_t ending;
	bool ended; /* the rest is the caller's */
	bool left; /* the caller is gone: the rest is the thread's */
	bool whole; /* the nodes are all there, else there is a message */
	const char *doing; /* what to say when the time is up */
	char *dsn; /* owned */
	int64_t deadline; /* us, of the monotonic clock */
	struct node *nodes; /* owned */
	size_t nodesz;
	char message[512];
};

static unsigned char *zlib_compress(unsigned char *, int, int *, int);

/*
 * With its compressor replaced, stb returns 0 whatever it cannot allocate.
 * At -O2 gcc would filter byte by byte.
 */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBIW_ZLIB_COMPRESS zlib_compress
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC push_options
#pragma GCC optimize("O3")
#include <stb_image_write.h>
#pragma GCC pop_options
#pragma GCC diagnostic pop

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
 * Paints the pixels that a span touches anywhere.
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
map_paint(struct map *map, const struct report *report)
{
	struct span span = map->range;
	size_t i;

	paint(map, span, white);
	if (report->stream.start != TIME_NONE) {
		paint(map, report->stream, blue);
		for (i = 0; i < report->incomplete_exactsz; i++)
			paint(map, report->incomplete_exact[i], orange);
		for (i = 0; i < report->raw.holesz; i++)
			paint(map, report->raw.holes[i], white);
		span.end = report->stream.start;
		paint(map, span, white);
		span.start = report->stream.end;
		span.end = map->range.end;
		paint(map, span, white);
	}
	for (i = 0; i < report->hoursz; i++) {
		if (report->hours[i].readable)
			continue;
		span.start = report->hours[i].time;
		span.end = span.start + HOUR;
		paint(map, span, grey);
	}
}

static void
map_write(void *fp, void *data, int size)
{
	(void)fwrite(data, 1, (size_t)size, fp);
}

/*
 * The hours that the quality's map shows. Returns false where there is to be
 * none.
 */
bool
map_range(
    const struct options *opt, const struct report *report, struct span *range)
{
	const struct hour *hour;
	int64_t first = opt->first_hour, last = opt->last_hour;
	bool known = first != TIME_NONE && last != TIME_NONE;
	size_t i;

	if (!report->readable)
		return false;
	for (i = 0; i < report->hoursz; i++) {
		hour = &report->hours[i];
		if (hour->readable && hour->start == TIME_NONE)
			continue;
		if (hour->readable)
			known = true;
		if (first == TIME_NONE)
			first = hour->time;
		if (opt->last_hour == TIME_NONE)
			last = hour->time;
	}
	if (!known)
		return false;
	range->start = first;
	range->end = last + HOUR;
	return true;
}

/*
 * The compression of the map, for stb
 */

static void
put_code(struct deflate *z, struct code code)
{
	z->bits |= (uint64_t)code.bits << z->size;
	for (z->size += code.size; z->size >= 8; z->size -= 8) {
		*z->out++ = (unsigned char)z->bits;
		z->bits >>= 8;
	}
}

/*
 * A Huffman code, whose highest bit comes first, and with it the extra bits
 * that follow it.
 */
static struct code
code_make(unsigned value, unsigned size, unsigned extra, unsigned extra_size)
{
	struct code code = {extra, size + extra_size};

	for (; size > 0; size--, value >>= 1)
		code.bits = code.bits << 1 | (value & 1);
	return code;
}

/*
 * The fixed code of a byte, or of a length.
 */
static struct code
symbol_code(unsigned n, unsigned extra, unsigned extra_size)
{
	if (n < 144)
		return code_make(0x30 + n, 8, extra, extra_size);
	if (n < 256)
		return code_make(0x190 + n - 144, 9, extra, extra_size);
	if (n < 280)
		return code_make(n - 256, 7, extra, extra_size);
	return code_make(0xc0 + n - 280, 8, extra, extra_size);
}

static struct code
length_code(unsigned length)
{
	unsigned n = length - MATCH_MIN, size = 0;

	if (length == MATCH_MAX)
		return symbol_code(285, 0, 0);
	while (n >> size >= 8)
		size++;
	return symbol_code(
	    257 + 4 * size + (n >> size), n & ((1U << size) - 1), size);
}

static struct code
distance_code(unsigned distance)
{
	unsigned n = distance - 1, size = 0;

	while (n >> size >= 4)
		size++;
	return code_make(
	    2 * size + (n >> size), 5, n & ((1U << size) - 1), size);
}

/*
 * How many bytes at p are the same as those at from.
 */
static size_t
match(
    const unsigned char *p, const unsigned char *from, const unsigned char *end)
{
	const unsigned char *start = p;
	uint64_t a, b;

	if (end - p > MATCH_MAX)
		end = p + MATCH_MAX;
	for (; end - p >= 8; p += 8, from += 8) {
		memcpy(&a, p, 8);
		memcpy(&b, from, 8);
		if (a != b)
			break;
	}
	while (p < end && *p == *from) {
		p++;
		from++;
	}
	return (size_t)(p - start);
}

/*
 * Puts n bytes at p, which repeat what stands so far before them.
 */
static void
put_repeat(
    struct deflate *z, const unsigned char *p, size_t n, unsigned distance)
{
	size_t i;

	put_code(z, z->length[n]);
	put_code(z, distance_code(distance));
	if (distance == RGB && (p[0] | p[1] | p[2]) == 0)
		z->high += (uint32_t)n * z->low;
	else
		for (i = 0; i < n; i++) {
			z->low += p[i];
			z->high += z->low;
		}
	z->low %= ADLER;
	z->high %= ADLER;
}

static void
put_byte(struct deflate *z, unsigned char byte)
{
	put_code(z, symbol_code(byte, 0, 0));
	z->low = (z->low + byte) % ADLER;
	z->high = (z->high + z->low) % ADLER;
}

/*
 * How many bytes at p are a repetition, and how far back: of the pixel before
 * or, where that is longer, of the place in seen where last a repetition
 * ended and the like three bytes began.
 */
static size_t
repeat_find(const unsigned char *data, const unsigned char *p,
    const unsigned char *end, const unsigned char *seen[256],
    unsigned *distance)
{
	const unsigned char **place;
	size_t n = 0, other;

	if (p - data >= RGB) {
		*distance = RGB;
		n = match(p, p - RGB, end);
	}
	if (n == MATCH_MAX || end - p < MATCH_MIN)
		return n;
	place = &seen[(p[0] + 3 * p[1] + 5 * p[2]) % 256];
	if (*place != NULL && p - *place <= WINDOW &&
	    (other = match(p, *place, end)) > n) {
		*distance = (unsigned)(p - *place);
		n = other;
	}
	*place = p;
	return n;
}

/*
 * In place of stb's own compressor, which takes 300 to 460 instructions a
 * pixel where this takes 6, for files of about the same size: a filtered map
 * is nearly all zeros. One block of fixed codes (RFC 1951, 3.2.6). Returns
 * what free() frees, or NULL.
 */
static unsigned char *
zlib_compress(unsigned char *data, int size, int *zlib_size, int level)
{
	const unsigned char *seen[256] = {NULL}, *end = data + size, *p;
	struct deflate z = {.low = 1};
	unsigned char *zlib;
	unsigned distance, i;
	size_t n;

	(void)level;
	/* nothing takes more than 9 bits a byte */
	if ((zlib = malloc((size_t)size + (size_t)size / 8 + 64)) == NULL)
		return NULL;
	for (i = MATCH_MIN; i <= MATCH_MAX; i++)
		z.length[i] = length_code(i);
	z.out = zlib;
	*z.out++ = 0x78; /* a window of 32 KiB */
	*z.out++ = 0x01; /* the two are a multiple of 31 */
	put_code(&z, (struct code){3, 3}); /* the last block, fixed codes */
	for (p = data; p < end; p += n) {
		n = repeat_find(data, p, end, seen, &distance);
		if (n >= MATCH_MIN)
			put_repeat(&z, p, n, distance);
		else {
			put_byte(&z, *p);
			n = 1;
		}
	}
	put_code(&z, symbol_code(256, 0, 0));
	put_code(&z, (struct code){0, 7}); /* to the end of a byte */
	for (i = 0; i < 4; i++) {
		n = i < 2 ? z.high : z.low;
		*z.out++ = (unsigned char)(i % 2 == 0 ? n >> 8 : n);
	}
	*zlib_size = (int)(z.out - zlib);
	return zlib;
}

/*
 * Writes the map as a PNG. errno is EINVAL where there is to be none, EFBIG
 * where it would be too wide.
 */
int
render_map(FILE *fp, const struct options *opt, const struct report *report)
{
	struct map map;
	int64_t hours;
	int error, written;

	if (!map_range(opt, report, &map.range)) {
		errno = EINVAL;
		return -1;
	}
	hours = (map.range.end - map.range.start) / HOUR;
	if (hours > MAP_HOURS_MAX) { /* sizes are int in stb */
		errno = EFBIG;
		return -1;
	}
	map.columns = hours * HOUR_COLUMNS;
	map.rgb = malloc((size_t)map.columns * MAP_ROWS * RGB);
	if (map.rgb == NULL)
		return -1;
	map_paint(&map, report);
	stbi_write_force_png_filter = 2; /* the difference to the row above */
	errno = ENOMEM;
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
 * What a page is given to look and to move by; the hashes are those of its
 * Content-Security-Policy, sha256 in base64, and change with every byte.
 */
#define STYLE_HASH "Tl7Ym+ijK0fXd3Zty5HwSclRDwDSspwEKWrvTH9p8vY="
static const char style[] =
    /* clang-format off */
    ":root {\n"
    "\tcolor-scheme: light dark;\n"
    "\t--page: #f3f5f7; --text: #1b1f24; --quiet: #535b65;\n"
    "\t--line: #7d8590; --link: #0a52ad; --bad: #a3231a;\n"
    "}\n"
    "@media (prefers-color-scheme: dark) {\n"
    "\t:root {\n"
    "\t\t--page: #14171b; --text: #e6e9ed; --quiet: #a6afba;\n"
    "\t\t--line: #7a838e; --link: #8fc0ff; --bad: #ffad9f;\n"
    "\t}\n"
    "}\n"
    "body {\n"
    "\tmargin: 0; padding: 1.25rem clamp(.75rem, 2.5vw, 2rem) 2rem;\n"
    "\tbackground: var(--page); color: var(--text);\n"
    "\tfont: 1rem/1.5 system-ui, sans-serif;\n"
    "\tfont-variant-numeric: tabular-nums;\n"
    "}\n"
    "h1, h2, p, ul, figure { margin: 0; overflow-wrap: anywhere; }\n"
    "h1 { font-size: 1.6rem; line-height: 1.25; }\n"
    "h2 { font-size: 1.1rem; line-height: 1.25; }\n"
    "header { display: grid; gap: .5rem; margin-bottom: 1.75rem; }\n"
    "p, .legend { max-width: 65rem; }\n"
    ".quiet, .note { color: var(--quiet); font-size: .875rem; }\n"
    ".legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; }\n"
    ".legend li { display: flex; align-items: center; gap: .5rem; }\n"
    ".legend svg { flex: none; forced-color-adjust: none; }\n"
    ".legend rect { stroke: var(--line); }\n"
    "button {\n"
    "\tpadding: .25rem .75rem;\n"
    "\tborder: 1px solid var(--line); border-radius: .25rem;\n"
    "\tbackground: none; color: var(--link); font: inherit; cursor: pointer;\n"
    "}\n"
    "button[aria-pressed=true] {\n"
    "\tborder-color: var(--link); background: var(--link); color: var(--page);\n"
    "}\n"
    ":focus-visible { outline: 2px solid var(--link); }\n"
    "main { display: flex; flex-wrap: wrap; gap: 1.25rem 2.5rem; }\n"
    "figure { min-width: min(100%, 22rem); max-width: 100%; }\n"
    ".map { overflow-x: auto; overscroll-behavior-x: contain; padding: 2px; }\n"
    ".map a { display: block; color: var(--link); font-size: .875rem; }\n"
    ".map img {\n"
    "\tdisplay: block; height: 300px; outline: 1px solid var(--line);\n"
    "\timage-rendering: pixelated; cursor: crosshair;\n"
    "}\n"
    ".axis { display: block; overflow: visible; font-size: 11px; }\n"
    "#axis text { fill: var(--quiet); text-anchor: middle; }\n"
    "#axis .day { fill: var(--text); font-size: 12px; text-anchor: start; }\n"
    "#axis path { stroke: var(--line); }\n"
    ".other .axis { visibility: hidden; }\n"
    ".definitions { position: absolute; }\n"
    ".note {\n"
    "\tdisplay: flex; flex-wrap: wrap; margin-top: .25rem;\n"
    "\twidth: 0; min-width: 100%; min-height: 1.5em;\n"
    "}\n"
    "@media (max-width: 40rem) { .note { min-height: 3em; } }\n"
    ".time { color: var(--text); }\n"
    ".time:not(:empty) { margin-right: 1.5rem; }\n"
    ".status { color: var(--bad); }\n";
/* clang-format on */
#define SCRIPT_HASH "sC8h9HPviVnaEzuvSf/6MFg9AZwuRCWt+gb/IaEIZz0="
static const char script[] =
    /* clang-format off */
    "\"use strict\";\n"
    "const {first, columns, reload} = document.body.dataset;\n"
    "const pause = document.getElementById(\"pause\");\n"
    "const made = document.querySelector(\"main\").outerHTML;\n"
    "const utc = (date) =>\n"
    "\tdate.toISOString().slice(0, 19).replace(\"T\", \" \") + \" UTC\";\n"
    "\n"
    "const maps = Array.from(document.querySelectorAll(\"figure\"), (figure) => ({\n"
    "\tfigure,\n"
    "\tbox: figure.querySelector(\".map\"),\n"
    "\tlink: figure.querySelector(\"a\"),\n"
    "\timage: figure.querySelector(\"img\"),\n"
    "\ttime: figure.querySelector(\".time\"),\n"
    "\tstatus: figure.querySelector(\".status\"),\n"
    "\tcoming: null,\n"
    "\tshown: \"\",\n"
    "}));\n"
    "\n"
    "function arrive(map, image, whole) {\n"
    "\tconst now = utc(new Date());\n"
    "\tif (map.coming !== image)\n"
    "\t\treturn;\n"
    "\tmap.coming = null;\n"
    "\tif (!whole) {\n"
    "\t\tmap.status.textContent = \"The map could not be loaded at \" +\n"
    "\t\t\tnow.slice(11) + (map.shown &&\n"
    "\t\t\t\"; showing the one of \" + map.shown) + \".\";\n"
    "\t\treturn;\n"
    "\t}\n"
    "\tif (map.image !== image)\n"
    "\t\tmap.image.replaceWith(image);\n"
    "\tmap.image = image;\n"
    "\tmap.fits = image.naturalWidth == columns;\n"
    "\tmap.figure.classList.toggle(\"other\", !!columns && !map.fits);\n"
    "\tmap.status.textContent = columns && !map.fits ?\n"
    "\t\t\"This map shows other hours: it has no axis.\" : \"\";\n"
    "\tif (!columns && !map.shown && map.box.scrollLeft === 0)\n"
    "\t\tmap.box.scrollLeft = map.box.scrollWidth;\n"
    "\tmap.shown = now;\n"
    "}\n"
    "\n"
    "function expect(map, image) {\n"
    "\tmap.coming = image;\n"
    "\timage.onload = () => arrive(map, image, true);\n"
    "\timage.onerror = () => arrive(map, image, false);\n"
    "}\n"
    "\n"
    "function ask(map) {\n"
    "\tconst image = new Image();\n"
    "\tif (map.coming) {\n"
    "\t\tconst late = map.coming;\n"
    "\t\tarrive(map, late, false);\n"
    "\t\tlate.removeAttribute(\"src\");\n"
    "\t}\n"
    "\timage.alt = map.image.alt;\n"
    "\timage.decoding = \"sync\";\n"
    "\texpect(map, image);\n"
    "\timage.src = map.link.href + \"?\" + Date.now();\n"
    "}\n"
    "\n"
    "function point(map, event) {\n"
    "\tconst area = map.image.getBoundingClientRect();\n"
    "\tconst x = Math.floor((event.clientX - area.left) /\n"
    "\t\tarea.width * columns);\n"
    "\tconst y = Math.floor((event.clientY - area.top) / area.height * 300);\n"
    "\tif (map.fits && x >= 0 && x < columns && y >= 0 && y < 300)\n"
    "\t\tmap.time.textContent = utc(new Date(\n"
    "\t\t\t(Number(first) + x * 600 + y * 2) * 1000));\n"
    "}\n"
    "\n"
    "for (const map of maps) {\n"
    "\tmap.link.onpointermove = (event) => point(map, event);\n"
    "\tmap.link.onpointerleave = () => map.time.textContent = \"\";\n"
    "\tif (columns)\n"
    "\t\tmap.box.scrollLeft = (Date.now() / 1000 - first) / 600 -\n"
    "\t\t\tmap.box.clientWidth * .8;\n"
    "\texpect(map, map.image);\n"
    "\tif (map.image.complete)\n"
    "\t\tarrive(map, map.image, map.image.naturalWidth > 0);\n"
    "}\n"
    "\n"
    "/* A page of other nodes or hours takes the place of this one. */\n"
    "async function renew() {\n"
    "\tconst answer = await fetch(location.href, {cache: \"no-store\"});\n"
    "\tconst page = new DOMParser().parseFromString(\n"
    "\t\tanswer.ok ? await answer.text() : \"\", \"text/html\");\n"
    "\tconst main = page.querySelector(\"main\");\n"
    "\tif (!main)\n"
    "\t\treturn;\n"
    "\tif (page.body.dataset.first !== first ||\n"
    "\t\t\tpage.body.dataset.columns !== columns ||\n"
    "\t\t\tmain.outerHTML !== made)\n"
    "\t\tlocation.reload();\n"
    "\tdocument.querySelector(\"time\").replaceWith(page.querySelector(\"time\"));\n"
    "}\n"
    "\n"
    "function askAll() {\n"
    "\tdocument.getElementById(\"asked\").textContent =\n"
    "\t\tutc(new Date()).slice(11);\n"
    "\tmaps.forEach(ask);\n"
    "\tif (location.protocol !== \"file:\")\n"
    "\t\trenew().catch(() => {});\n"
    "}\n"
    "\n"
    "pause.onclick = () => {\n"
    "\tconst paused = pause.getAttribute(\"aria-pressed\") !== \"true\";\n"
    "\tpause.setAttribute(\"aria-pressed\", paused);\n"
    "\tif (!paused)\n"
    "\t\taskAll();\n"
    "};\n"
    "setInterval(() => {\n"
    "\tif (pause.getAttribute(\"aria-pressed\") !== \"true\")\n"
    "\t\taskAll();\n"
    "}, reload * 1000);\n"
    "document.getElementById(\"asked\").textContent = utc(new Date()).slice(11);\n"
    "document.getElementById(\"reloading\").hidden = maps.length === 0;\n";
/* clang-format on */

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
			(void)fputs(REPLACEMENT, fp);
		else if (c < 0x80 && strchr("&<>\"'", (int)c) != NULL)
			(void)fprintf(fp, "&#%ld;", c);
		else
			(void)fwrite(from, 1, (size_t)(s - from), fp);
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
			(void)fputs("&amp;", fp);
		else if ((c >= '0' && c <= '9') ||
		    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    strchr(kept, c) != NULL)
			(void)putc(c, fp);
		else
			(void)fprintf(fp, "%%%02X", c);
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
	(void)fputs("/segments/", fp);
	for (; *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && *path == '.'))
			continue;
		put_escaped(fp, path, n, safe);
		(void)putc('/', fp);
	}
	put_escaped(fp, report->channel, strlen(report->channel), safe);
	(void)putc('_', fp);
	put_escaped(fp, report->quality, strlen(report->quality), safe);
	(void)fputs("_coverage.png", fp);
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
	(void)fprintf(fp, "%.*s %.5s", date, buf, buf + date + 1);
}

static void
put_range(FILE *fp, const struct span *range)
{
	put_minute(fp, range->start);
	(void)fputs(" to ", fp);
	put_minute(fp, range->end);
	(void)fputs(" UTC", fp);
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
		(void)fprintf(fp,
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
	(void)fputs("<svg class=\"definitions\" width=\"0\" height=\"0\" "
		    "aria-hidden=\"true\">\n<defs><g id=\"axis\">\n",
	    fp);
	if (dawn >= AXIS_ROOM || dawn >= hours)
		put_day(fp, -4, range->start);
	for (i = dawn % AXIS_STEP; i <= hours; i += AXIS_STEP) {
		x = i * HOUR_COLUMNS;
		if ((of_day + i) % 24 != 0) {
			(void)fprintf(fp,
			    "<path d=\"M%" PRId64 ".5 25v5\"/>"
			    "<text x=\"%" PRId64 "\" y=\"23\">%02d</text>\n",
			    x, x, (int)((of_day + i) % 24));
			continue;
		}
		(void)fprintf(fp, "<path d=\"M%" PRId64 ".5 2v28\"/>\n", x);
		if (i < hours)
			put_day(fp, x, range->start + i * HOUR);
	}
	(void)fputs("</g></defs>\n</svg>\n", fp);
}

static void
put_key(FILE *fp, const unsigned char *colour, const char *meaning)
{
	(void)fprintf(fp,
	    "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\">"
	    "<rect x=\".5\" y=\".5\" width=\"15\" height=\"15\" "
	    "fill=\"#%02x%02x%02x\"/></svg> %s</li>\n",
	    colour[0], colour[1], colour[2], meaning);
}

static void
put_head(FILE *fp, const struct report *report)
{
	(void)fputs(
	    "<!DOCTYPE html>\n"
	    "<html lang=\"en\">\n"
	    "<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; img-src http: https:; connect-src 'self'; "
	    "style-src 'sha256-" STYLE_HASH "'; "
	    "script-src 'sha256-" SCRIPT_HASH "'; "
	    "base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"generator\" content=\"" PROGRAM " " VERSION "\">\n"
	    "<title>",
	    fp);
	put_text(fp, report->channel);
	(void)putc(' ', fp);
	put_text(fp, report->quality);
	(void)fprintf(fp,
	    ": segment coverage</title>\n"
	    "<style>%s</style>\n"
	    "</head>\n",
	    style);
}

static void
put_header(FILE *fp, const struct options *opt, const struct report *report,
    const struct span *range)
{
	char buf[TIME_SIZE];

	(void)fputs("<header>\n<h1><bdi>", fp);
	put_text(fp, report->channel);
	(void)fputs("</bdi> <bdi>", fp);
	put_text(fp, report->quality);
	(void)fputs("</bdi>: segment coverage</h1>\n<p>", fp);
	if (range != NULL) {
		put_range(fp, range);
		(void)fputs(". ", fp);
	}
	(void)fputs("Time runs down a column of 10 minutes, then on to the "
		    "next; a pixel is 2 seconds.</p>\n"
		    "<ul class=\"legend\">\n",
	    fp);
	put_key(fp, blue, "covered");
	put_key(fp, orange, "suspect or partial segments only");
	put_key(fp, white, "not covered: a hole, or no stream");
	put_key(fp, grey, "could not be read");
	time_format(buf, opt->now);
	(void)fprintf(fp,
	    "</ul>\n<p class=\"quiet\">Page made at <time datetime=\"%.16sZ\">",
	    buf);
	put_minute(fp, opt->now);
	(void)fputs(
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
	(void)fputs("<figure>\n<figcaption><h2><bdi>", fp);
	put_text(fp, node->name);
	(void)fputs("</bdi></h2></figcaption>\n<div class=\"map\" "
		    "tabindex=\"0\" role=\"region\" aria-label=\"Map of ",
	    fp);
	put_text(fp, node->name);
	(void)fputs("\">\n", fp);
	if (range != NULL)
		(void)fprintf(fp,
		    "<svg class=\"axis\" width=\"%" PRId64 "\" height=\"%d\" "
		    "aria-hidden=\"true\"><use href=\"#axis\"/></svg>\n",
		    range_columns(range), AXIS_HEIGHT);
	(void)fputs("<a href=\"", fp);
	put_url(fp, opt, report, node);
	(void)fputs("\" target=\"_blank\" rel=\"noopener noreferrer\">"
		    "<img src=\"",
	    fp);
	put_url(fp, opt, report, node);
	(void)fputs("\" alt=\"Coverage of ", fp);
	put_text(fp, report->channel);
	(void)putc(' ', fp);
	put_text(fp, report->quality);
	(void)fputs(" on ", fp);
	put_text(fp, node->name);
	if (range != NULL) {
		(void)fputs(", ", fp);
		put_range(fp, range);
	}
	(void)fputs(": blue where it is covered, white where it is not\">"
		    "</a>\n</div>\n"
		    "<div class=\"note\"><div class=\"time\"></div>"
		    "<div class=\"status\" role=\"status\"></div></div>\n"
		    "</figure>\n",
	    fp);
}

/*
 * By name, then by URL.
 */
static int
node_compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->url, y->url);
}

static void
put_main(FILE *fp, const struct options *opt, const struct report *report,
    const struct span *range, const struct node *nodes, size_t shown,
    size_t left_out)
{
	size_t i;

	if (range != NULL && shown > 0)
		put_axis(fp, range);
	(void)fputs("<main>\n", fp);
	if (shown == 0)
		(void)fputs("<p>There is no node to show. Nodes are those "
			    "that the database marks backfill_from.</p>\n",
		    fp);
	for (i = 0; i < shown; i++)
		put_figure(fp, opt, report, range, &nodes[i]);
	(void)fputs("</main>\n", fp);
	if (left_out > 0)
		(void)fprintf(fp,
		    "<p class=\"quiet\">Nodes left out, whose name or URL "
		    "cannot be used: %zu</p>\n",
		    left_out);
}

/*
 * The page of all nodes' maps of a quality, but for nodes at fault.
 */
int
render_page(FILE *fp, const struct options *opt, const struct report *report,
    const struct node *nodes, size_t nodesz)
{
	struct node *shown;
	const struct span *range = NULL;
	struct span window;
	size_t i, n = 0;

	if ((shown = calloc(nodesz + 1, sizeof(*shown))) == NULL)
		return -1;
	for (i = 0; i < nodesz; i++)
		if (nodes[i].fault == NULL)
			shown[n++] = nodes[i];
	qsort(shown, n, sizeof(*shown), node_compare);
	window.start = opt->first_hour;
	window.end = opt->last_hour;
	if (window.start != TIME_NONE && window.end != TIME_NONE &&
	    (window.end - window.start) / HOUR < MAP_HOURS_MAX) {
		window.end += HOUR;
		range = &window;
	}
	put_head(fp, report);
	(void)fprintf(fp, "<body data-reload=\"%d\"", RELOAD);
	if (range != NULL)
		(void)fprintf(fp,
		    " data-first=\"%" PRId64 "\" data-columns=\"%" PRId64 "\"",
		    range->start / SECOND, range_columns(range));
	(void)fputs(">\n", fp);
	put_header(fp, opt, report, range);
	put_main(fp, opt, report, range, shown, n, nodesz - n);
	(void)fprintf(fp, "<script>%s</script>\n</body>\n</html>\n", script);
	free(shown);
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

static int64_t
monotonic_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
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
 * Whether a connection string is what it was meant to be. libpq prints what
 * it takes for host, port or database, and where a URI lacks its host, or an
 * '@' or '/' in it is not escaped, that is a part of the password. Its texts
 * on what does not parse quote all of it.
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

static void
notice_ignore(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/*
 * Notices that arrive before their processor is set go to stderr, raw, and
 * only what connects in one call passes a silent host over when its
 * connect_timeout is up: so the connection is begun, and begun again. With
 * 4 s, unless the DSN says otherwise, a second host or address has its turn.
 * Returns NULL without memory, or what PQfinish() frees.
 */
static PGconn *
database_connect(const char *dsn)
{
	const char *const keywords[] = {"connect_timeout", "dbname",
	    "client_encoding", "fallback_application_name", NULL};
	const char *const values[] = {
	    getenv("PGCONNECT_TIMEOUT") == NULL ? "4" : NULL, dsn, "UTF8",
	    PROGRAM, NULL};
	PGconn *conn;

	if ((conn = PQconnectStartParams(keywords, values, 1)) == NULL)
		return NULL;
	(void)PQsetNoticeProcessor(conn, notice_ignore, NULL);
	if (PQstatus(conn) != CONNECTION_BAD) /* it would lose the reason */
		PQreset(conn);
	return conn;
}

/*
 * Waits until a result is there. Returns false at the deadline, or where the
 * connection fails.
 */
static bool
database_wait(PGconn *conn, int64_t deadline)
{
	struct pollfd pfd = {.events = POLLIN};
	int64_t left;
	int ready;

	while (PQisBusy(conn)) {
		if ((left = deadline - monotonic_now()) <= 0)
			return false;
		pfd.fd = PQsocket(conn);
		ready = poll(&pfd, 1, (int)(left / 1000 + 1));
		if (ready == -1 && errno != EINTR)
			return false;
		if (ready > 0 && !PQconsumeInput(conn))
			return false;
	}
	return true;
}

/*
 * Returns the first result that is more than a command's success, for
 * PQclear(), or NULL.
 */
static PGresult *
database_ask(PGconn *conn, int64_t deadline)
{
	PGresult *result;

	if (!PQsendQuery(conn, NODES_QUERY))
		return NULL;
	while (database_wait(conn, deadline)) {
		result = PQgetResult(conn);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			return result;
		PQclear(result);
	}
	return NULL;
}

/*
 * Copies a cell. Returns false without memory.
 */
static bool
cell_copy(char **copy, const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return true;
	*copy = strdup(PQgetvalue(result, row, column));
	return *copy != NULL;
}

/*
 * Returns false without memory.
 */
static bool
nodes_copy(struct fetch *fetch, const PGresult *result)
{
	struct node *node;
	int row, rows = PQntuples(result);

	fetch->nodes = calloc((size_t)rows + 1, sizeof(*fetch->nodes));
	if (fetch->nodes == NULL)
		return false;
	for (row = 0; row < rows; row++) {
		node = &fetch->nodes[fetch->nodesz++];
		if (!cell_copy(&node->name, result, row, 0) ||
		    !cell_copy(&node->url, result, row, 1))
			return false;
		node->fault = node_fault(node);
	}
	return true;
}

/*
 * Fills in the nodes, or what went wrong: the first line of it.
 */
static void
fetch_work(struct fetch *fetch)
{
	PGconn *conn = database_connect(fetch->dsn);
	PGresult *result = NULL;
	const char *fault = NULL;

	if (conn != NULL && PQstatus(conn) == CONNECTION_OK) {
		(void)pthread_mutex_lock(&fetch->lock);
		fetch->doing = "no answer within 10 s";
		(void)pthread_mutex_unlock(&fetch->lock);
		result = database_ask(conn, fetch->deadline - PARTING);
	}
	if (PQresultStatus(result) == PGRES_TUPLES_OK &&
	    PQnfields(result) == 2) {
		fetch->whole = nodes_copy(fetch, result);
		fault = "out of memory";
	} else if (conn == NULL)
		fault = "out of memory";
	else if (*(fault = PQerrorMessage(conn)) == '\0')
		fault = result == NULL ? fetch->doing
				       : "no list of nodes in the answer";
	(void)snprintf(fetch->message, sizeof(fetch->message), "%.*s",
	    (int)strcspn(fault, "\n"), fault);
	PQclear(result);
	PQfinish(conn);
}

static void
fetch_free(struct fetch *fetch)
{
	nodes_free(fetch->nodes, fetch->nodesz);
	(void)pthread_cond_destroy(&fetch->ending);
	(void)pthread_mutex_destroy(&fetch->lock);
	free(fetch->dsn);
	free(fetch);
}

static void *
fetch_run(void *arg)
{
	struct fetch *fetch = arg;
	bool left;

	fetch_work(fetch);
	(void)pthread_mutex_lock(&fetch->lock);
	fetch->ended = true;
	left = fetch->left;
	(void)pthread_cond_signal(&fetch->ending);
	(void)pthread_mutex_unlock(&fetch->lock);
	if (left)
		fetch_free(fetch);
	return NULL;
}

static struct fetch *
fetch_new(const char *dsn)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	pthread_condattr_t attr;

	if (fetch == NULL)
		return NULL;
	if (dsn != NULL && (fetch->dsn = strdup(dsn)) == NULL) {
		free(fetch);
		return NULL;
	}
	fetch->doing = "no connection within 10 s";
	fetch->deadline = monotonic_now() + PATIENCE;
	(void)pthread_mutex_init(&fetch->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&fetch->ending, &attr);
	(void)pthread_condattr_destroy(&attr);
	return fetch;
}

/*
 * Starts the thread. Signals are for the others.
 */
static int
fetch_start(pthread_t *thread, struct fetch *fetch)
{
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, fetch_run, fetch);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

/*
 * Returns false where the time is up first, and with it what is to be said.
 */
static bool
fetch_wait(struct fetch *fetch, const char **doing)
{
	struct timespec end;
	int error = 0;
	bool ended;

	end.tv_sec = (time_t)(fetch->deadline / SECOND);
	end.tv_nsec = (long)(fetch->deadline % SECOND * 1000);
	(void)pthread_mutex_lock(&fetch->lock);
	while (!fetch->ended && error == 0)
		error =
		    pthread_cond_timedwait(&fetch->ending, &fetch->lock, &end);
	ended = fetch->ended;
	fetch->left = !ended;
	*doing = fetch->doing;
	(void)pthread_mutex_unlock(&fetch->lock);
	return ended;
}

/*
 * The nodes that the database lists, faulty ones too, for nodes_free(), or -1
 * and a message, which may hold any byte but newline. It takes PATIENCE at
 * most: what libpq does not bound, such as the look-up of a name, is left to
 * its thread. Then 1 and a message are returned: the thread ends with the
 * program, which has to end by _exit(2), for the libraries that the thread is
 * in are not to be torn down.
 */
int
nodes_fetch(const char *dsn, struct node **nodes, size_t *nodesz, char *message,
    size_t size)
{
	struct fetch *fetch;
	pthread_t thread;
	const char *doing;
	int error, ret = -1;

	if (dsn != NULL && !dsn_valid(dsn)) {
		(void)snprintf(message, size,
		    "malformed connection string: give key=value pairs, or a "
		    "postgresql:// URI with special characters as %%40");
		return -1;
	}
	if ((fetch = fetch_new(dsn)) == NULL) {
		(void)snprintf(message, size, "out of memory");
		return -1;
	}
	if ((error = fetch_start(&thread, fetch)) != 0)
		(void)snprintf(message, size, "%s", strerror(error));
	else if (!fetch_wait(fetch, &doing)) {
		(void)snprintf(message, size, "%s", doing);
		(void)pthread_detach(thread);
		return 1;
	} else {
		(void)pthread_join(thread, NULL);
		(void)snprintf(message, size, "%s", fetch->message);
	}
	if (fetch->whole) {
		*nodes = fetch->nodes;
		*nodesz = fetch->nodesz;
		fetch->nodes = NULL;
		fetch->nodesz = 0;
		ret = 0;
	}
	fetch_free(fetch);
	return ret;
}
